"""Memory that was freed goes back to the system.

Each TLS connection has buffers of some hundred KiB. glibc keeps what was freed for as long as something that is in use
lies behind it: after some bursts of connections, most of what a server holds is free and nobody's.
"""

import ctypes
from collections.abc import Callable
from time import monotonic

#: Long enough to cost nothing (some milliseconds where much is given back), and short enough that bursts do not add up.
SECONDS = 10.0


def _of_the_library() -> Callable[[int], int] | None:
    """malloc_trim(3); None where there is none, as with musl or on macOS."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


class Trim:
    """Gives back what is free, from time to time (webhook.reload.Watch)."""

    def __init__(self, clock: Callable[[], float] = monotonic, trim: Callable[[int], int] | None = None) -> None:
        self._clock = clock
        self._trim = trim or _of_the_library()
        self._due = clock() + SECONDS

    def check(self, *, force: bool = False) -> None:
        """Give back what is free, if it is time."""
        now = self._clock()
        if self._trim is None or (now < self._due and not force):
            return
        self._due = now + SECONDS
        self._trim(0)
