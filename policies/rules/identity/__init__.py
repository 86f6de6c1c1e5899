"""Which user a container runs as."""
