"""The commands of the program, a module each, imported only when they are called."""

import os
import sys
from collections.abc import Iterable
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
