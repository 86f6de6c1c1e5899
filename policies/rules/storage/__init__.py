"""What a pod mounts."""
