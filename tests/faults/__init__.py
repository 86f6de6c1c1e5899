"""What breaks around Podgate, and what becomes of reviews then: the whole program, and never a silent allow."""
