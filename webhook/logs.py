"""What is written down: one JSON line a decision, and one for everything that rarely happens.

Writing never waits and never fails a review: when a pipe is full, lines wait in a buffer of fixed size, and what does
not fit, or cannot be written at all, is counted and lost. The object under review is never written, nor any value in
it. Lines are ASCII with every control character escaped, so nobody can forge one or steer a terminal.
"""

import asyncio
import json
import logging
import os
import select
import sys
import traceback
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from time import gmtime, strftime, time
from typing import Any

import msgspec
from msgspec import Struct

from policies.config import Policy
from webhook.admission import Admitted

#: A pipe takes a line of at most this many bytes whole or not at all (PIPE_BUF).
MAX_LINE = 4096
MAX_WAITING = 1 << 20
_RETRY_SECONDS = 0.05
_TOGETHER_SECONDS = 0.005
_TOGETHER = 128
_RULES = 20
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class LogError(Exception):
    """A log that cannot be opened: which, and why."""


class Lines:
    """Writes lines to a file, a pipe or a terminal. `dropped` is told how many lines were lost."""

    def __init__(self, handle: int, dropped: Callable[[int], None], *, may_block: bool = False) -> None:
        self._handle = handle
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
            return cls.onto(sys.__stdout__.fileno() if sys.__stdout__ else 1, dropped)
        try:
            return cls(os.open(target, _FLAGS | os.O_CREAT, 0o600), dropped)
        except OSError as error:
            raise LogError(f"{target} cannot be written: {(error.strerror or str(error)).lower()}") from error

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

    def write(self, line: bytes) -> None:
        """Write a line, which ends with a line end, now or as soon as possible."""
        self._waiting.append(line)
        self._waiting_bytes += len(line)
        self._flush()
        if self._waiting_bytes > MAX_WAITING:
            self._waiting_bytes -= len(self._waiting.pop())
            self._dropped(1)
        if self._waiting and self._timer is None:
            with suppress(RuntimeError):  # no loop: the next line tries again
                self._timer = asyncio.get_running_loop().call_later(_RETRY_SECONDS, self._retry)

    def close(self) -> None:
        """Write what can be written without waiting, and count the rest as lost."""
        self._flush()
        if self._waiting:
            self._dropped(len(self._waiting))
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
        self._dropped(1)

    def _send(self, data: bytes) -> int:
        if not self._may_block:
            return os.write(self._handle, data)
        poll = select.poll()
        poll.register(self._handle, select.POLLOUT)
        if not poll.poll(0):
            raise BlockingIOError
        return os.write(self._handle, data[:MAX_LINE])


class _Line(Struct, rename="camel"):
    """A decision as it is written down."""

    ts: str
    uid: str
    operation: str
    group: str
    version: str
    kind: str
    subresource: str
    namespace: str
    name: str
    user: str
    decision: str
    judged: str
    mode: str
    policy: str
    rules: list[str]
    dry_run: bool
    milliseconds: float
    error: str = ""


_encode = msgspec.json.Encoder().encode


class DecisionLog:
    """One line a decision, written a few milliseconds later together with its neighbours.

    In a row, lines cost a third of what they cost one by one between reviews: the code stays in the processor's caches.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._waiting: list[tuple[float, Admitted, Policy, float]] = []

    def write(self, admitted: Admitted, policy: Policy, seconds: float) -> None:
        """Write down what was decided; `seconds` is how long it took."""
        self._waiting.append((time(), admitted, policy, seconds))
        if len(self._waiting) == 1:
            try:
                asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, self._flush)
            except RuntimeError:
                self._flush()  # nobody would call back
        elif len(self._waiting) == _TOGETHER:
            self._flush()

    def close(self) -> None:
        self._flush()
        self._lines.close()

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        for at, admitted, policy, seconds in waiting:
            encoded = _ascii(_line(admitted, policy, seconds, at, 256))
            if len(encoded) >= MAX_LINE:
                encoded = _ascii(_line(admitted, policy, seconds, at, 32))
            self._lines.write(encoded + b"\n")


def _line(admitted: Admitted, policy: Policy, seconds: float, at: float, most: int) -> _Line:
    request, decision = admitted.request, admitted.decision
    rules = list(dict.fromkeys([reason.finding.rule.id for reason in decision.reasons]))
    return _Line(
        ts=_written(at),
        uid=request.uid[:most],
        operation=request.operation,
        group=request.kind.group[:most],
        version=request.kind.version[:most],
        kind=request.kind.kind[:most],
        subresource=(request.sub_resource or "")[:most],
        namespace=(request.namespace or "")[:most],
        name=(request.name or "")[:most],
        user=((request.user_info.username if request.user_info else None) or "")[:most],
        decision=decision.verdict,
        judged=decision.judged,
        mode=policy.mode,
        policy=policy.hash,
        rules=rules if len(rules) <= _RULES else [*rules[:_RULES], f"and {len(rules) - _RULES} more"],
        dry_run=bool(request.dry_run),
        milliseconds=round(seconds * 1000, 3),
        error=(decision.unreadable or "")[:most],
    )


def _ascii(content: Any) -> bytes:
    encoded = _encode(content)
    if encoded.isascii() and b"\x7f" not in encoded:
        return encoded
    # Beyond ASCII there are control characters too, which JSON does not ask to escape.
    return json.dumps(msgspec.to_builtins(content), separators=(",", ":")).replace("\x7f", "\\u007f").encode()


def _now() -> str:
    return _written(time())


def _written(at: float) -> str:
    return f"{_second(int(at))}.{int(at * 1000) % 1000:03d}Z"


@lru_cache(maxsize=2)
def _second(timestamp: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(timestamp))


class JsonHandler(logging.Handler):
    """Everything that rarely happens. `extra={"fields": {...}}` adds to the line."""

    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = _record(record)
        except Exception:  # noqa: BLE001 - a log never fails what it tells of
            line = _ascii({"ts": _now(), "level": "error", "message": f"a line of {record.name} cannot be written"})
        self._lines.write(line + b"\n")

    def close(self) -> None:
        self._lines.close()
        super().close()


def _record(record: logging.LogRecord) -> bytes:
    content: dict[str, Any] = {"ts": _now(), "level": record.levelname.lower(), "message": record.getMessage()[:2048]}
    fields = getattr(record, "fields", None)
    if isinstance(fields, Mapping):
        content |= fields
    if record.name != "podgate":
        content["logger"] = record.name
    if record.exc_info and record.exc_info[1]:
        content["trace"] = "".join(traceback.format_exception(record.exc_info[1], limit=-20))[-8192:]
    return _ascii(content)


def start(level: str, lines: Lines) -> JsonHandler:
    """Let all of the standard library's logging, and so every package's, write its lines here."""
    handler = JsonHandler(lines)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    return handler
