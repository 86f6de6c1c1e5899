"""Podgate side by side with its peers: the same pods, the same machine, one run.

docs/peers.md says what is measured, and how to repeat it.
"""
