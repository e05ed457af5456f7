"""The processor: reserves jobs from one tube and delivers them to one sink until it is stopped."""
