"""What gives a pod a part of its host."""
