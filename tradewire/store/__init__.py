"""The archive, in SQLite or PostgreSQL: every event once, its receipts, and statistics.

`writing.StoreWriter` saves events and receipts. `reading.StoreReader` answers queries.
"""
