"""Access: the roles, the API keys of machines, the users and their sessions, and the check of a request's credentials.

deploy/key uses the keys on any Python, so `key`, `key_file`, `key_use`, `name`, `user`, `record_file` and
`watched_file` need nothing but the standard library and `tradewire.whole_file`.
"""
