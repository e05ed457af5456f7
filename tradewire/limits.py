"""Sizes that several parts must agree on."""

MAX_MESSAGE_BYTES = 64 * 1024
"""The body of one POST; nginx and the API both hold it."""

MAX_BATCH_BYTES = 1024 * 1024
"""The body of a batch, packed and unpacked; nginx and the API both hold it."""

MAX_BATCH_MESSAGES = 1000
"""So many that their events, the longest there are, fit into one job."""

MAX_JOB_BYTES = 1024 * 1024
"""The largest job (beanstalkd's -z), and so the largest frame from a worker."""

TTR_SECONDS = 30
"""How long a processor may hold a job before the queue gives it to another."""
