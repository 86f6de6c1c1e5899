"""Where pods run, and what gives way to them."""
