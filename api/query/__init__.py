"""Queries: the archived messages, exports of them, and statistics."""
