"""Operations: probes, metrics, the ledger, and dead letters."""
