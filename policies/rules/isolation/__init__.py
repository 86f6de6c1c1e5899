"""What keeps a container apart from its kernel and neighbours."""
