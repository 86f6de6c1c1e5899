"""HTTP/1.1 with bounds: what uvicorn's protocol accepts for ever and without limit ends here, with an answer.

This touches names that uvicorn does not promise to keep: pyproject.toml pins its version, and every bound has a test.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from webhook.deadline import ARRIVED, WHOLE, Arrivals

#: What is asked so soon after a connection was made is what it was made for.
_TOGETHER_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, and for how long. Seconds and bytes."""

    read_seconds: float = 5.0
    """From the first byte of a request to its last; also how long a new connection may say nothing."""
    handshake_seconds: float = 5.0
    goodbye_seconds: float = 1.0
    """How long a peer that was refused is listened to, so that it reads the answer and not a reset."""
    keep_alive_seconds: float = 120.0
    """Longer than the API server keeps idle connections (90 s): who closes first loses no request."""
    header_bytes: int = 64 * 1024
    body_bytes: int = 8 * 1024 * 1024
    """An API request is at most 3 MiB, so a review with the old and the new object fits."""
    held_bytes: int = 64 * 1024
    """How much of a request with a known head is held until it is whole; a larger one goes the ordinary way."""
    pipelined: int = 8
    connections: int = 1000
    """The API server opens one for every review that it has under way at the same time."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to what never becomes a request."""

    status: int
    error: str
    detail: str
    headers: bytes = b""

    @property
    def body(self) -> bytes:
        return msgspec.json.encode({"error": self.error, "detail": self.detail})

    def encode(self) -> bytes:
        """The whole response. The connection ends with it."""
        body = self.body
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(body)
        return STATUS_LINE[self.status] + self.headers + head + body


MALFORMED = Refusal(400, "bad request", "this is not HTTP/1.1")
UPGRADE = Refusal(400, "bad request", "this server speaks HTTP/1.1 and upgrades to nothing else")
SLOW = Refusal(408, "request timeout", "the request did not arrive in time")
BODY = Refusal(413, "content too large", "the body is larger than this server reads")
CROWD = Refusal(429, "too many requests", "too many requests at once on one connection")
FULL = Refusal(429, "too many requests", "too many connections at once", b"retry-after: 1\r\n")
HEADERS = Refusal(431, "request header fields too large", "the headers are larger than this server reads")


class _RefusedError(Exception):
    """Ends the parsing of a request; the parser wraps it."""


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `refused` is told of every refusal."""

    def __init__(self, limits: Limits, refused: Callable[[Refusal], None], arrivals: Arrivals, **given: Any) -> None:
        super().__init__(**given)
        self.timeout_keep_alive = limits.keep_alive_seconds  # type: ignore[assignment]  # call_later takes both
        self._limits = limits
        self._refused = refused
        self._arrivals = arrivals
        self._accepted = self._connected = self._since = arrivals.since()
        self._answered = float("-inf")
        self._refusal: Refusal | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._finished = False
        self._running: RequestResponseCycle | None = None
        # Of the message that is being read:
        self._incomplete = False
        self._own: RequestResponseCycle | None = None
        self._raw_bytes = 0
        self._header_bytes = 0
        self._body_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._connected = self._arrivals.worked()
        self._arm()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # uvicorn does this only when there was no error: after a reset the connection would stay in memory for as
        # long as it could have been kept alive.
        self._unset_keepalive_if_required()
        self._disarm()

    def data_received(self, data: bytes) -> None:
        self._since = self._arrival()
        self._take(data)

    def _arrival(self) -> float:
        """Since when what is read now may have been waiting. A connection is made for a request that waits already, and
        brings the next one after the answer to the last."""
        since = self._arrivals.since()
        return max(since, self._answered) if since - self._connected > _TOGETHER_SECONDS else self._accepted

    def _take(self, data: bytes) -> None:
        if self._finished:
            return
        self._unset_keepalive_if_required()
        self._raw_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(self._refusal or MALFORMED)
        else:
            self._after_data()

    def _after_data(self) -> None:
        if self._incomplete:
            if refusal := self._excess():
                self._refuse(refusal)
            else:
                self._arm()
        elif self._is_busy():
            self._disarm()
        elif self.timeout_keep_alive_task is None:
            self._arm()  # line ends between requests: they do not keep a connection open

    def _excess(self) -> Refusal | None:
        """What the parser does not tell: half a header, chunk extensions, trailers."""
        limits = self._limits
        if self._own is None:
            return HEADERS if self._raw_bytes > limits.header_bytes else None
        return BODY if self._raw_bytes > limits.header_bytes + 2 * limits.body_bytes else None

    def _is_busy(self) -> bool:
        return self._running is not None and not self._running.response_complete

    # What the parser tells

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][ARRIVED] = self._since
        self._disarm()
        self._incomplete = True
        self._own = None
        self._raw_bytes = self._header_bytes = self._body_bytes = 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_header(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._count_header(len(name) + len(value) + 4)

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            self._reject(UPGRADE)
        if any(name == b"content-length" and int(value) > self._limits.body_bytes for name, value in self.headers):
            self._reject(BODY)
        if len(self.pipeline) >= self._limits.pipelined:
            self._reject(CROWD)
        super().on_headers_complete()
        self._own = self.cycle
        if self.expect_100_continue:
            # An answer that comes before the body leaves open whether the body will: nothing may follow it.
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._limits.body_bytes:
            self._reject(BODY)
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.scope["state"][WHOLE] = self._since
        super().on_message_complete()
        self._disarm()
        self._incomplete = False
        if self.cycle.response_complete:
            # It was answered before it had arrived: only now does the wait for the next one begin.
            self._unset_keepalive_if_required()
            self._keep_alive(self.timeout_keep_alive)

    def _keep_alive(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def _count_header(self, size: int) -> None:
        self._header_bytes += size
        if self._header_bytes > self._limits.header_bytes:
            self._reject(HEADERS)

    def _reject(self, refusal: Refusal) -> NoReturn:
        self._refusal = refusal
        raise _RefusedError

    # What uvicorn tells

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._answered = self._arrivals.worked()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def shutdown(self) -> None:
        """End the connection, once what has begun to arrive is answered."""
        if not (self._incomplete and self._own is None):
            super().shutdown()

    # How it ends

    def _arm(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(self._limits.read_seconds, self._expire)

    def _disarm(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _expire(self) -> None:
        self._disarm()
        if self._incomplete:
            self._refuse(SLOW)
        elif not self._is_busy():
            self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer what cannot be read further, unless earlier requests are still to be answered: those come first."""
        self._finished = True
        self._incomplete = False
        self._disarm()
        self._refused(refusal)
        own = self._own
        if self.pipeline and self.pipeline[0][0] is own:
            self.pipeline.popleft()
        if self._is_busy() and self._running is not own:
            last = self.pipeline[0][0] if self.pipeline else self._running
            if last is not None:
                last.keep_alive = False
        else:
            self._answer(refusal, own)

    def _answer(self, refusal: Refusal, own: RequestResponseCycle | None) -> None:
        if self.transport.is_closing():
            return
        if own is None or not own.response_started:
            self.transport.write(refusal.encode())
        if own is not None:
            own.disconnected = True
            own.message_event.set()
        # Whatever still arrives is read and dropped: closing at once would reset the connection under the answer.
        self.flow.resume_reading()
        self._deadline = self.loop.call_later(self._limits.goodbye_seconds, self.transport.close)


class CrowdedProtocol(BoundedProtocol):
    """A connection that there is no room for: whatever it asks, it is told so."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        super().connection_made(transport)
        self._refused(FULL)
        self._disarm()
        self._deadline = self.loop.call_later(self._limits.goodbye_seconds, transport.close)

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - it is not read
        if not self._finished:
            self._finished = True
            self._disarm()
            self._answer(FULL, None)
