"""The ledger's files: what each ingest process accepted, request by request, and which losses were named.

A request is one POST that carried valid messages. Its time of receipt identifies it: no two requests of a stack ever
have the same one (`counters`), and each event carries it. So the store can tell what became of each request, whatever
the queue delivered twice, late or never.

- Ingest records each request in a slot (`slots`): a file for what one process received within a second.
- When all requests of a slot are settled, the reconciler puts a mark behind them into each tube (`tradewire.mark`).
- When the mark has left a tube, nothing that was put before it is still there. So each accepted message that the tube's
  consumer has not settled is lost (`processor.reconciler`), and is named in `losses`.

docs/decisions says why this is right, and which alternatives were considered.
"""
