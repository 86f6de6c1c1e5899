"""Connections are accepted while there is room for them, and while the system has a handle for them.

asyncio has no bound on connections, and where handles run out uvloop ends new connections without a word.
"""

import asyncio
import logging
import socket
from collections.abc import Callable

_AT_ONCE = 64
_PAUSE_SECONDS = 0.1
_EXHAUSTED_SECONDS = 1.0
_SAY_SECONDS = 60.0
_log = logging.getLogger("podgate")


class Acceptor:
    """Accepts on a socket. While there is no room, who wants to connect waits in the system's queue."""

    def __init__(
        self, sock: socket.socket, begin: Callable[[socket.socket], object], has_room: Callable[[], bool]
    ) -> None:
        """`begin` takes over a connection that was accepted, and must not wait."""
        self._socket = sock
        self._begin = begin
        self._has_room = has_room
        self._loop = asyncio.get_running_loop()
        self._said_at = -_SAY_SECONDS
        self._pause: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._pause = None
        self._loop.add_reader(self._socket, self._accept)

    def close(self) -> None:
        """Accept no more."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()

    async def wait_closed(self) -> None:
        """As a server of asyncio has it."""

    def _accept(self) -> None:
        for _ in range(_AT_ONCE):
            if not self._has_room():
                self._rest(_PAUSE_SECONDS)
                return
            try:
                accepted, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._complain(error)
                return
            accepted.setblocking(False)
            self._begin(accepted)

    def _complain(self, error: OSError) -> None:
        now = self._loop.time()
        if now - self._said_at >= _SAY_SECONDS:
            self._said_at = now
            _log.error("connections cannot be accepted", extra={"fields": {"problem": (error.strerror or "").lower()}})
        self._rest(_EXHAUSTED_SECONDS)

    def _rest(self, seconds: float) -> None:
        # The socket stays readable: without a pause the loop would do nothing but ask again.
        self._loop.remove_reader(self._socket)
        self._pause = self._loop.call_later(seconds, self.start)
