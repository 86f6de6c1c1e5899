"""The commands of the program, a module each, imported only when they are called."""

import math
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TextIO

import click


class BadInputError(click.ClickException):
    """What was given cannot be used: one sentence that says why, and exit code 2."""

    exit_code = 2


def colourful(stream: TextIO) -> bool:
    """Whether colours may be written there (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def write(pieces: Iterable[str], stream: TextIO | None = None) -> None:
    """Write text as it is made, to standard output if nothing else is said."""
    stream = stream or sys.stdout
    for piece in pieces:
        stream.write(piece)
    stream.flush()


def columns(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Rows under their head, each column as wide as it needs to be."""
    table = [head, *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table:
        yield "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"


class Progress:
    """A line on the terminal that tells how far a long run is. It comes after a second, and goes at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._due = time.monotonic() + 1 if sys.stderr.isatty() else math.inf
        self._width = 0

    def __call__(self, *numbers: int) -> None:
        """Show the text with these numbers, if it is time."""
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + 0.1
        line = self._text.format(*numbers)
        self._show(line.ljust(self._width))
        self._width = len(line)

    def erase(self) -> None:
        """Make place for what is said next."""
        if self._width:
            self._show(" " * self._width)
            self._show("")

    @staticmethod
    def _show(line: str) -> None:
        sys.stderr.write(f"\r{line}")
        sys.stderr.flush()
