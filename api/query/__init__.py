"""Queries: archived messages, exports of them, and statistics."""
