"""Patterns in which a star stands for any text. Nothing else has a meaning, so that matching needs no going back."""


def matches(pattern: str, text: str) -> bool:
    """Whether the pattern describes the whole text, in a time that grows with their lengths only."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == text
    *middle, last = rest
    if not text.startswith(first) or len(text) < len(first) + len(last) or not text.endswith(last):
        return False
    position, end = len(first), len(text) - len(last)
    for part in middle:
        # The leftmost place leaves the most for those that follow.
        found = text.find(part, position, end)
        if found < 0:
            return False
        position = found + len(part)
    return True
