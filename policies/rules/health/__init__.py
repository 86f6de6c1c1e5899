"""How Kubernetes learns whether a container works, and how it is stopped."""
