"""Heads of requests that need not be read again.

The API server sends the same head with every review, but for the length of the body. Once the HTTP parser has read such
a head, the next request that begins with it is known without the parser, and a request that has arrived whole can be
answered at once: no task, no scope, no waiting. Whatever differs in a byte goes the ordinary way.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Scope

_END = b"\r\n\r\n"
_LENGTH = b"\r\nContent-Length: "  # as Go writes it
_DIGITS = 7
_MOST_HEADS = 64
_MOST_BYTES = 4096


class Desk(Protocol):
    """Answers whole requests without waiting for anything."""

    def takes(self, scope: Scope, /) -> bool:
        """Whether a request with this head, and a body, may be answered by `respond`."""
        ...

    def respond(self, body: bytes, query: bytes, arrived: float, whole: float, /) -> bytes | None:
        """The whole response, head and body; None when it cannot be given at once. The connection is kept.

        `arrived` tells since when the request may have been waiting, `whole` since when the whole of it may.
        """
        ...


@dataclass(frozen=True, slots=True)
class Read:
    """A head as the parser has read it."""

    url: bytes
    headers: Sequence[tuple[bytes, bytes]]
    scope: Scope


class Heads:
    """The heads that a desk takes, as far as they were seen."""

    def __init__(self, desk: Desk) -> None:
        self.respond = desk.respond
        self._takes = desk.takes
        self._queries: dict[bytes, bytes] = {}

    def find(self, data: bytes) -> tuple[bytes, int, int] | None:
        """Query, begin of the body and its end of a request that begins with a known head."""
        end = data.find(_END)
        at = data.find(_LENGTH, 0, end) + len(_LENGTH)
        stop = data.find(b"\r", at)
        query = self._queries.get(data[:at] + data[stop:end]) if end > 0 else None
        digits = data[at:stop]
        if query is None or len(digits) > _DIGITS or not digits.isdigit() or digits[0] == ord("0"):
            return None
        begin = end + len(_END)
        return query, begin, begin + int(digits)

    def learn(self, data: bytes, read: Read) -> None:
        """Remember the head that this request begins with, if the desk takes it, and if it is what was read."""
        head, _, _ = data.partition(_END)
        before, length, after = head.partition(_LENGTH)
        if not length or len(head) > _MOST_BYTES or not _is_same(head, read) or not self._takes(read.scope):
            return
        if len(self._queries) >= _MOST_HEADS:
            self._queries.clear()  # somebody invents them
        self._queries[before + length + after.lstrip(b"0123456789")] = read.scope["query_string"]


def _is_same(head: bytes, read: Read) -> bool:
    """Whether the parser found in these bytes what stands in them, and nothing that changes how the body arrives."""
    first, *lines = head.split(b"\r\n")
    found = [name + b": " + value for name, value in read.headers]
    return first == b"POST " + read.url + b" HTTP/1.1" and [_lowered(line) for line in lines] == found


def _lowered(line: bytes) -> bytes:
    name, colon, value = line.partition(b": ")
    return name.lower() + colon + value
