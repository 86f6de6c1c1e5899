"""Bytes to text, and text to the places that people look for: lines and columns."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from typing import NamedTuple

MAX_BYTES = 64 << 20
#: In a text that is shorter, counting lines again for each place is quicker than to know where all of them begin.
_SHORT = 16_384


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
    """Decoded text with `\\n` for every line break, and where its lines begin. What it was made of is remembered."""

    __slots__ = ("_breaks", "_mark", "_original", "content")

    def __init__(self, content: str, mark: bytes = b"") -> None:
        self._mark = mark
        self._original = content
        if "\r" in content:
            content = content.replace("\r\n", "\n").replace("\r", "\n")
        self.content = content
        self._breaks: list[int] | None = None

    def place(self, offset: int) -> Place:
        """Where the character at this offset stands."""
        if len(self.content) < _SHORT:
            return Place(self.content.count("\n", 0, offset) + 1, offset - self.content.rfind("\n", 0, offset))
        if self._breaks is None:
            self._breaks = [match.end() for match in re.finditer("\n", self.content)]
        line = bisect_right(self._breaks, offset)
        return Place(line + 1, offset - (self._breaks[line - 1] if line else 0) + 1)

    def rewritten(self, splices: Iterable[tuple[int, int, str]]) -> bytes:
        """The file with these stretches of `content` replaced; every other byte stays as it is.

        A new line ends as the first one does.
        """
        first = re.search("\r\n|\r|\n", self._original)
        newline = first[0] if first else "\n"
        # Where a line break is one character longer than in `content`.
        long = [match.start() - index for index, match in enumerate(re.finditer("\r\n", self._original))]
        parts, at = [], 0
        for start, end, text in splices:
            parts += [self._original[at : start + bisect_left(long, start)], text.replace("\n", newline)]
            at = end + bisect_left(long, end)
        content = "".join([*parts, self._original[at:]])
        return self._mark + content.encode(_encoding(self._mark), "surrogateescape")


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
    encoding = _encoding(mark)
    content = content[len(mark) :]
    if encoding == "utf-8":
        return Text(content.decode(encoding, "surrogateescape"), mark)
    try:
        return Text(content.decode(encoding), mark)
    except UnicodeDecodeError as error:
        raise ManifestError(f"is not {encoding[:6].upper()}, though its byte order mark says so", 0) from error


def _encoding(mark: bytes) -> str:
    return _BYTE_ORDER_MARKS.get(mark, "utf-8")


def refuse_undecodable(text: str, base: int) -> None:
    """Raises ManifestError at the first byte that was not UTF-8."""
    if not text.isascii() and (match := _ESCAPED_BYTE.search(text)) is not None:
        byte = ord(match[0]) - 0xDC00
        raise ManifestError(f"holds the byte 0x{byte:02x}, which is not UTF-8", base + match.start())
