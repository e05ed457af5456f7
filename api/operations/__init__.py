"""Operations: probes, metrics, the ledger, and the dead letters."""
