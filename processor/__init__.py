"""The processor: takes jobs from one tube and feeds them to one sink, until told to stop."""
