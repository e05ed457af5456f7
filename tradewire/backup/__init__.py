"""Backups: one consistent set of everything that a stack must not lose, made while it runs.

A set is a folder. `home.tar` has the files of the home, the queue's among them. `store.db` is a copy of the
archive. `manifest.json` is written last: it has the sum of each file, and says which time the set is of.

The order of the copies makes the set consistent (`making`). docs/decisions says why.
"""
