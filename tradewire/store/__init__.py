"""The archive: every message once, what became of it, and statistics; in SQLite or PostgreSQL.

`writing.StoreWriter` is for the one who archives, `reading.StoreReader` for those who ask.
"""
