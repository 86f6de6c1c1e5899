"""Keys and certificates: made here, checked here, and swapped while serving."""
