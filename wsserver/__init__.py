"""The WebSocket server: workers hand it updates, and it shows them to every browser that is there."""
