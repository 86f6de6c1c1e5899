"""Releases as the tags of images name them: `1.21.6-alpine`, `v1.9.4`, `RELEASE.2023-03-20T20-16-18Z`."""

import re

#: The numbers of a release; empty where a tag names none.
Release = tuple[int, ...]

# The numbers end where a word ends: in `9f3c2e1` they are a part of the id of a commit.
_NUMBERS = re.compile(r"(?:v|V|release-|stream)?([0-9]{1,9}(?:\.[0-9]{1,9}){0,5})(?![0-9A-Za-z])")
_DATE = re.compile(r"RELEASE\.([0-9]{4})-([0-9]{2})-([0-9]{2})T")
# Fewer numbers are the tag of whatever is the newest release that begins with them.
_WHOLE = 3


def parse(tag: str) -> Release:
    """The numbers with which a tag begins."""
    if match := _NUMBERS.match(tag):
        return tuple(map(int, match[1].split(".")))
    match = _DATE.match(tag)
    return tuple(map(int, match.groups())) if match else ()


def is_before(release: Release, other: Release) -> bool:
    """Whether every release that the numbers can mean comes before the other: 1.20 before 1.21.6, but not 1.21."""
    if _WHOLE <= len(release) < len(other):
        release += (0,) * (len(other) - len(release))
    shared = min(len(release), len(other))
    return release[:shared] < other[:shared]
