"""Bytes to text, and text to the places that people look for: lines and columns."""

import re
from bisect import bisect_right
from typing import NamedTuple

MAX_BYTES = 64 << 20


class Place(NamedTuple):
    """A line and a column, both counted from 1."""

    line: int
    column: int


class ManifestError(Exception):
    """Something that cannot be read: what is wrong, and at which character of the text."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset


class Text:
    """Decoded text with `\\n` for every line break, and where its lines begin."""

    __slots__ = ("_breaks", "content")

    def __init__(self, content: str) -> None:
        if "\r" in content:
            content = content.replace("\r\n", "\n").replace("\r", "\n")
        self.content = content
        self._breaks: list[int] | None = None

    def place(self, offset: int) -> Place:
        """Where the character at this offset stands."""
        if self._breaks is None:
            self._breaks = [match.end() for match in re.finditer("\n", self.content)]
        line = bisect_right(self._breaks, offset)
        return Place(line + 1, offset - (self._breaks[line - 1] if line else 0) + 1)


_BYTE_ORDER_MARKS = {b"\xef\xbb\xbf": "utf-8", b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_ESCAPED_BYTE = re.compile("[\udc80-\udcff]")


def decode(content: bytes) -> Text:
    """Text of UTF-8, or of UTF-16 that says so with a byte order mark.

    Bytes that are not UTF-8 are kept apart (see `refuse_undecodable`), so that they spoil only the document that they
    are in. Raises ManifestError when there is nothing to keep apart.
    """
    if len(content) > MAX_BYTES:
        raise ManifestError(f"is larger than {MAX_BYTES >> 20} MiB", 0)
    mark = next((mark for mark in _BYTE_ORDER_MARKS if content.startswith(mark)), b"")
    encoding = _BYTE_ORDER_MARKS.get(mark, "utf-8")
    content = content[len(mark) :]
    if encoding == "utf-8":
        return Text(content.decode(encoding, "surrogateescape"))
    try:
        return Text(content.decode(encoding))
    except UnicodeDecodeError as error:
        raise ManifestError(f"is not {encoding[:6].upper()}, though its byte order mark says so", 0) from error


def refuse_undecodable(text: str, base: int) -> None:
    """Raises ManifestError at the first byte that was not UTF-8."""
    if not text.isascii() and (match := _ESCAPED_BYTE.search(text)) is not None:
        byte = ord(match[0]) - 0xDC00
        raise ManifestError(f"holds the byte 0x{byte:02x}, which is not UTF-8", base + match.start())
