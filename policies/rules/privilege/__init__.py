"""What gives a process more power than its work needs."""
