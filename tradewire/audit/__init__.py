"""The audit trail: which principal did what, and when, in a file that is only appended to.

Each line is a record with an HMAC over itself and the line before: a chain. `chain` makes and checks lines, `trail`
appends them, `walk` verifies a file, and `reading` pages through it, newest first.

deploy/ uses `chain`, `trail` and `walk` on any Python, so they need nothing but the standard library.
"""
