"""Ingest: a posted message, or a batch of them, becomes one job in every tube."""
