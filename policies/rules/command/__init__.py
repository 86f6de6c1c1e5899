"""What a pod's commands do."""
