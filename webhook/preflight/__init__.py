"""`podgate preflight`: a look at a live cluster before anything is enforced there. It reads, and changes nothing."""
