"""Everything that runs Tradewire: set-up, start and stop, and the configuration of the programs that it is made of."""
