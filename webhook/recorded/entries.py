"""Files of decision logs to their lines. What cannot be read is told, and never stops the rest."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from io import BufferedIOBase, BufferedReader, RawIOBase
from typing import Annotated, cast

import msgspec
from msgspec import Meta, Struct

#: No line that we write is longer than a sixteenth of this.
MAX_LINE = 1 << 16
_GZIP = b"\x1f\x8b"


class Entry(Struct, frozen=True, rename="camel"):
    """A line of a decision log, as any version wrote it: what it lacks has no value, what is unknown is passed over.

    `denying` is None in lines of versions that did not tell which of the rules deny.
    """

    decision: str = ""
    judged: str = ""
    ts: Annotated[datetime, Meta(tz=True)] | None = None
    kind: str = ""
    group: str = ""
    namespace: str = ""
    name: str = ""
    user: str = ""
    mode: str = ""
    policy: str = ""
    rules: tuple[str, ...] = ()
    denying: tuple[str, ...] | None = None
    dry_run: bool = False
    risk: float | None = None
    overridden: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    error: str = ""


class Flaw(Struct, frozen=True):
    """Something that could not be read. `line` is None where it is the file; `fatal`: nothing more comes of it.

    `foreign`: the line is JSON, but no decision; logs that were put together hold such lines.
    """

    file: str
    line: int | None
    problem: str
    fatal: bool = False
    foreign: bool = False

    def __str__(self) -> str:
        return f"{self.file}{'' if self.line is None else f':{self.line}'}: {self.problem}"


_decode = msgspec.json.Decoder(Entry).decode


def read(path: str) -> Iterator[Entry | Flaw | None]:
    """The entries of a file, compressed or not; `-` is standard input. None stands for an empty line."""
    name = "stdin" if path == "-" else path
    number = 0
    try:
        with _opened(path) as stream:
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                yield _too_long(stream, line, name, number) if len(line) > MAX_LINE else _entry(line, name, number)
    except OSError as error:  # gzip's complaint is one, too, without a number
        problem = f"cannot be read: {(error.strerror or str(error)).lower()}"
        yield Flaw(name, number + 1 if number else None, problem, fatal=True)
    except (EOFError, zlib.error):
        yield Flaw(name, number + 1, "the compressed file is damaged or not complete from here on", fatal=True)


@contextmanager
def _opened(path: str) -> Iterator[BufferedIOBase]:
    with nullcontext(sys.stdin.buffer) if path == "-" else open(path, "rb") as plain:  # noqa: PTH123
        buffered = BufferedReader(cast("RawIOBase", plain))
        try:
            if buffered.peek(len(_GZIP)).startswith(_GZIP):
                with gzip.GzipFile(fileobj=buffered) as unpacked:
                    yield unpacked
            else:
                yield buffered
        finally:
            buffered.detach()


def _too_long(stream: BufferedIOBase, line: bytes, name: str, number: int) -> Flaw:
    while line and not line.endswith(b"\n"):
        line = stream.readline(MAX_LINE)
    return Flaw(name, number, f"is longer than {MAX_LINE:,} bytes")


def _entry(line: bytes, name: str, number: int) -> Entry | Flaw | None:
    if line.isspace():
        return None
    try:
        entry = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        cut = "" if line.endswith(b"\n") else "; the line has no end, perhaps it is still being written"
        return Flaw(name, number, f"is not a decision: {error}{cut}")
    if not entry.decision:
        return Flaw(name, number, "is JSON, but not a decision", foreign=True)
    return entry
