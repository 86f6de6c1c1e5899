"""What roles grant, and to whom."""
