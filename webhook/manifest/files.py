"""Paths of the command line to the files that are read."""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from stat import S_ISDIR, S_ISREG
from typing import NamedTuple

from webhook.manifest.text import MAX_BYTES

STDIN = "stdin"
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class File:
    """A file's content, or why there is none. `walked`: it was found in a folder, not named."""

    name: str
    content: bytes = b""
    problem: str | None = None
    walked: bool = False


class Unread(NamedTuple):
    """A file that was found and not read yet. `walked`: it was found in a folder, not named."""

    path: str
    walked: bool

    def read(self) -> File:
        try:
            with open(self.path, "rb") as file:  # noqa: PTH123
                return File(_printed(self.path), file.read(MAX_BYTES + 1), walked=self.walked)
        except OSError as error:
            return _failed(self.path, error)


def find(paths: Iterable[str]) -> Iterator[File]:
    """The files that these paths name, one at a time, as `seek` finds them."""
    for found in seek(paths):
        yield found if isinstance(found, File) else found.read()


def seek(paths: Iterable[str]) -> Iterator[File | Unread]:
    """What these paths name: files whatever they are called, folders with all that is below.

    In folders only *.yaml, *.yml and *.json count, in the order of their names; hidden folders are not entered, links
    are followed, and a folder that is met again is not entered again. `-` is standard input.
    """
    for path in paths:
        if path == "-":
            yield File(STDIN, sys.stdin.buffer.read(MAX_BYTES + 1))
        elif os.path.isdir(path):  # noqa: PTH112 - pathlib costs a tenth of our start-up
            yield from _walked(path)
        else:
            yield Unread(path, walked=False)


def _walked(folder: str) -> Iterator[File | Unread]:
    count = 0
    for count, found in enumerate(_below(folder, set()), 1):  # noqa: B007 - counted for afterwards
        yield found
    if not count:
        yield File(_printed(folder), problem="is a folder without any .yaml, .yml or .json file")


def _below(folder: str, seen: set[tuple[int, int]]) -> Iterator[File | Unread]:
    try:
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            return
        seen.add((status.st_dev, status.st_ino))
        entries = sorted(os.listdir(folder))  # noqa: PTH208
    except OSError as error:
        yield _failed(folder, error)
        return
    for entry in entries:
        yield from _entry(os.path.join(folder, entry), entry, seen)  # noqa: PTH118


def _entry(path: str, name: str, seen: set[tuple[int, int]]) -> Iterator[File | Unread]:
    wanted = name.endswith(_SUFFIXES)
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116
    except OSError as error:
        if wanted:
            yield _failed(path, error)
        return
    if S_ISDIR(mode):
        if not name.startswith("."):
            yield from _below(path, seen)
    elif wanted and S_ISREG(mode):
        yield Unread(path, walked=True)
    elif wanted:
        # Reading a pipe that nobody writes to would wait for ever.
        yield File(_printed(path), problem="is not a regular file", walked=True)


def _failed(path: str, error: OSError) -> File:
    return File(_printed(path), problem=f"cannot be read: {error.strerror or error}", walked=True)


def _printed(path: str) -> str:
    """The name as text: a name that is not UTF-8 cannot be written into any report."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
