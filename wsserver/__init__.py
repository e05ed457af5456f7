"""The WebSocket server: workers hand it events, and it shows them to every browser that is there."""
