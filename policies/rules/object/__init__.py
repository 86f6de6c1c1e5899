"""Where an object is, what it is called, and what a namespace asks of its pods."""
