"""The WebSocket server: it receives events from workers and sends them to every connected browser."""
