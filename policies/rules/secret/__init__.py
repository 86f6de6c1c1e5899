"""Credentials that stand where everybody can read them."""
