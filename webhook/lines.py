"""Lines on their way to a file, a pipe or a terminal.

Writing never waits and never fails a review: when a pipe is full, lines wait in a buffer of fixed size, and what does
not fit, or cannot be written at all, is counted and lost. Lines are ASCII with every control character escaped, so
nobody can forge one or steer a terminal.
"""

import asyncio
import json
import os
import select
import sys
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from time import gmtime, strftime
from typing import Any

import msgspec

#: A pipe takes this many bytes whole or not at all (PIPE_BUF).
MAX_LINE = 4096
MAX_WAITING = 1 << 20
_RETRY_SECONDS = 0.05
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
_encode = msgspec.json.Encoder().encode


class LogError(Exception):
    """A log that cannot be opened: which, and why."""


class Lines:
    """Writes lines to a file, a pipe or a terminal. `dropped` is told how many lines were lost."""

    def __init__(
        self, handle: int, dropped: Callable[[int], None], *, may_block: bool = False, file: str | None = None
    ) -> None:
        self._handle = handle
        self._file = file
        self._dropped = dropped
        self._may_block = may_block
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._begun = False
        self._torn = False
        self._timer: asyncio.TimerHandle | None = None

    @classmethod
    def open(cls, target: str, dropped: Callable[[int], None]) -> "Lines":
        """Append to the file of this name; `-` is standard output. Raises LogError."""
        if target == "-":
            if sys.__stdout__ is None:
                raise LogError("standard output is closed: name a file with --decision-log")
            return cls.onto(sys.__stdout__.fileno(), dropped)
        return cls(_open(target), dropped, file=target)

    @classmethod
    def onto(cls, handle: int, dropped: Callable[[int], None]) -> "Lines":
        """Write where this handle leads.

        It is opened anew where the system allows it: whether writing waits is a property that all who share a handle
        share, and others do not expect it to change.
        """
        try:
            return cls(os.open(f"/proc/self/fd/{handle}", _FLAGS), dropped)
        except OSError:
            return cls(os.dup(handle), dropped, may_block=True)

    def reopen(self) -> bool:
        """Write to the file that has the name now; False when it has no name. Raises LogError, and changes nothing."""
        if self._file is None:
            return False
        handle = _open(self._file)
        if self._begun:
            self._lose()  # the new file does not begin with half a line
        self._torn = False
        os.close(self._handle)
        self._handle = handle
        self._flush()
        return True

    def write(self, lines: bytes) -> None:
        """Write lines, each with its end and at most MAX_LINE bytes together, now or as soon as possible."""
        self._waiting.append(lines)
        self._waiting_bytes += len(lines)
        self._flush()
        if self._waiting_bytes > MAX_WAITING:
            last = self._waiting.pop()
            self._waiting_bytes -= len(last)
            self._dropped(_count(last))
        if self._waiting and self._timer is None:
            with suppress(RuntimeError):  # no loop: the next line tries again
                self._timer = asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._retry)

    def close(self) -> None:
        """Write what can be written without waiting, and count the rest as lost."""
        self._flush()
        if self._waiting:
            self._dropped(sum(map(_count, self._waiting)))
            self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()
        os.close(self._handle)

    def _retry(self) -> None:
        self._timer = None
        self._flush()
        if self._waiting:
            self._timer = asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._retry)

    def _flush(self) -> None:
        while self._waiting:
            if self._torn:
                # A full device kept half of the last line: the next one does not continue it.
                self._waiting[0] = b"\n" + self._waiting[0]
                self._waiting_bytes += 1
                self._torn = False
            head = self._waiting[0]
            try:
                written = self._send(head)
            except BlockingIOError:
                return
            except OSError:
                self._lose()
                continue
            self._waiting_bytes -= written
            self._begun = written < len(head)
            if self._begun:
                self._waiting[0] = head[written:]
            else:
                self._waiting.popleft()

    def _lose(self) -> None:
        lost = self._waiting.popleft()
        self._waiting_bytes -= len(lost)
        self._torn = self._begun or lost.startswith(b"\n")
        self._begun = False
        self._dropped(_count(lost))

    def _send(self, data: bytes) -> int:
        if not self._may_block:
            return os.write(self._handle, data)
        poll = select.poll()
        poll.register(self._handle, select.POLLOUT)
        if not poll.poll(0):
            raise BlockingIOError
        return os.write(self._handle, data[:MAX_LINE])


def _open(file: str) -> int:
    try:
        return os.open(file, _FLAGS | os.O_CREAT, 0o600)
    except OSError as error:
        raise LogError(f"{file} cannot be written: {(error.strerror or str(error)).lower()}") from error


def _count(lines: bytes) -> int:
    """How many lines are lost with these bytes; the line end that follows a torn line is nobody's."""
    return lines.count(b"\n") - lines.startswith(b"\n")


def encoded(content: Any) -> bytes:
    """A line of JSON, without its end."""
    line = _encode(content)
    if line.isascii() and b"\x7f" not in line:
        return line
    # Beyond ASCII there are control characters too, which JSON does not ask to escape.
    return json.dumps(msgspec.to_builtins(content), separators=(",", ":")).replace("\x7f", "\\u007f").encode()


def written(at: float) -> str:
    """A time as it stands in a line."""
    return _moment(int(at * 1000))


@lru_cache(maxsize=8)
def _moment(milliseconds: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(milliseconds // 1000)) + f".{milliseconds % 1000:03d}Z"
