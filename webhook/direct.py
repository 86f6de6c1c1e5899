"""The short way: a request whose head is known, and which is there whole, is answered where it is received.

Everything else is left to the parser and to the application behind it, as if it had come by itself.
"""

from collections.abc import Callable
from typing import Any, cast

from starlette.types import Scope

from webhook.deadline import Arrivals
from webhook.heads import Heads, Read
from webhook.protocol import BoundedProtocol, Limits, Refusal


class DirectProtocol(BoundedProtocol):
    """One connection."""

    def __init__(
        self, heads: Heads, limits: Limits, refused: Callable[[Refusal], None], arrivals: Arrivals, **given: Any
    ) -> None:
        super().__init__(limits, refused, arrivals, **given)
        self._heads = heads
        self._held = b""  # the begin of a request with a known head: the parser does not know of it
        self._begun = 0.0
        self._first = b""  # what the parser was told first of the request that it reads
        self._answered_at = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._held = b""

    def data_received(self, data: bytes) -> None:
        self._since = self._arrival()
        if not self._held:
            self._begun = self._since
        data = self._held + data
        if self._is_at_rest():
            if self._is_known(data):
                return
            self._first = data
        self._held = b""
        self._take(data)

    def _is_at_rest(self) -> bool:
        """Whether what arrives begins a request, and nothing else is to be done first."""
        return not (
            self._incomplete
            or self._finished
            or self._is_busy()
            or self.flow.write_paused
            or self.server_state.default_headers  # draining: the ordinary way adds them
            or self.transport.is_closing()
        )

    def _is_known(self, data: bytes) -> bool:
        """Answer a request that is known by its head, or hold what there is of it. False when it is not known."""
        found = self._heads.find(data)
        if found is None:
            return False
        query, begin, end = found
        if len(data) == end:
            response = self._heads.respond(data[begin:], query, self._begun, self._since)
            if response is None:
                return False
            self._held = b""
            self._disarm()
            self._answer_at_once(response)
            return True
        if len(data) < end <= self._limits.held_bytes:
            self._hold(data)
            return True
        return False

    def _answer_at_once(self, response: bytes) -> None:
        self.transport.write(response)
        self._answered_at = self.loop.time()
        self._answered = self._arrivals.now()
        if self.timeout_keep_alive_task is None:
            self._keep_alive(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        # A timer for every answer costs more than looking, when it ends, how long ago the last answer was.
        rest = self._answered_at + self.timeout_keep_alive - self.loop.time()
        if rest > 0:
            self._keep_alive(rest)
        else:
            super().timeout_keep_alive_handler()

    def _hold(self, data: bytes) -> None:
        if not self._held:
            self._unset_keepalive_if_required()
            self._disarm()
            self._arm()
        self._held = data

    def _release(self) -> None:
        """Let the parser have what is held: it will not be answered at once."""
        if self._held:
            held, self._first, self._held = self._held, b"", b""
            self._take(held)

    def _expire(self) -> None:
        self._release()
        super()._expire()

    def shutdown(self) -> None:
        self._release()
        super().shutdown()

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        first, self._first = self._first, b""
        if first and self.cycle.keep_alive:
            self._heads.learn(first, Read(self.url, self.headers, cast("Scope", self.scope)))
