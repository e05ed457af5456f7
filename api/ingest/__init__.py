"""Ingest: each posted message, or batch of messages, becomes one job in every tube."""
