"""Replacements in a text: the one kind of change that there is."""

from collections.abc import Iterable
from typing import NamedTuple


class Splice(NamedTuple):
    """Characters from `start` to before `end` become `text`."""

    start: int
    end: int
    text: str


class EditError(Exception):
    """The text cannot be edited so that nothing else changes: what stands in the way, for a person."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


def apply(content: str, splices: Iterable[Splice]) -> str:
    """The text with these splices, which are sorted and do not overlap."""
    parts, at = [], 0
    for start, end, text in splices:
        parts += [content[at:start], text]
        at = end
    return "".join([*parts, content[at:]])


def tidy(splices: Iterable[Splice]) -> list[Splice]:
    """Sorted, and those that touch each other made one. Raises EditError if they overlap.

    At the same place what was to be inserted first stands first, before what is replaced from there on.
    """
    result: list[Splice] = []
    for splice in sorted(splices, key=lambda each: each[:2]):
        if not result or result[-1].end < splice.start:
            result.append(splice)
            continue
        before = result.pop()
        if before.end > splice.start:
            raise EditError("what is to be changed stands too close together in the text")
        result.append(Splice(before.start, splice.end, before.text + splice.text))
    return result
