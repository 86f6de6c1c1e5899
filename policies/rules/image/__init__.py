"""Which images run, and where they come from."""
