"""Coverage-guided fuzzing: targets that say what must hold for any bytes, and where their mutations come from.

`make fuzz` runs them with Atheris; tests/fuzz/test_targets.py runs every seed through them without it.
"""
