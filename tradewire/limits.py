"""Limits that several programs must agree on."""

MAX_MESSAGE_BYTES = 64 * 1024
"""Largest body of `POST /api/message`. nginx and the API both enforce it."""

MAX_BATCH_BYTES = 1024 * 1024
"""Largest body of a batch, compressed and decompressed. nginx and the API both enforce it."""

MAX_BATCH_MESSAGES = 1000
"""Chosen so that this many events of the greatest length fit into one job."""

MAX_JOB_BYTES = 1024 * 1024
"""Largest job in the queue, and therefore the largest frame from a worker."""

TTR_SECONDS = 30
"""Time to run: how long a processor may hold a job before the queue gives it to another."""
