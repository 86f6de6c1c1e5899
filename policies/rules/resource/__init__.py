"""How much of the node a container may take."""
