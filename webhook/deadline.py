"""How long somebody waits for an answer, and what is left of it: from the moment when the question may have arrived.

The API server counts from before it has sent anything, so what a review spends in queues counts, too.
"""

import asyncio
import re
from collections.abc import Callable
from functools import lru_cache
from time import monotonic
from typing import Literal, NamedTuple

_TIMEOUT = re.compile(rb"(?:^|&)timeout=([0-9]{1,4}(?:\.[0-9]{1,9})?)s(?:&|$)")
#: Until which share of the time others are asked, and for how many seconds at most; until which share pods are assessed
#: for a risk that could only be warned of.
_ASKING, _MOST_ASKING = 0.6, 3.0
_ASSESSING = 0.9
#: How often a loop says that it still turns, in seconds.
_TURN = 0.25
#: Work that begins so soon (seconds) after other work was waiting for it.
_BREATH = 0.005


#: What an answer can go without when there is no time for it: asking the cluster, and assessing a risk.
Spared = Literal["cluster", "risk"]
#: Where an application finds, in the state of a scope, since when a request may have been waiting, and the whole of it.
ARRIVED, WHOLE = "arrived", "whole"
#: Whoever has waited so long (seconds) for being read is sent away: more is asked than can be done, and who is told at
#: once to come back is better off than who learns nothing until the time is over.
_QUEUED = 2.0


class Deadline(NamedTuple):
    """When somebody began to wait, and for how many seconds; and since when all that they ask may have been there."""

    begun: float
    seconds: float
    whole: float = float("inf")

    def asking(self, now: float) -> float:
        """For how many seconds others may be asked; none or less when it is too late for that."""
        return min(self.begun + self.seconds * _ASKING - now, _MOST_ASKING)

    def spares(self, now: float) -> tuple[Spared, ...]:
        """What there is no time for when a review is judged now, whether anybody was asked before or not."""
        return ("risk",) if now - self.begun > self.seconds * _ASSESSING else ()

    def is_crowded(self, now: float) -> bool:
        """Whether a question that is read only now has been in a queue for too long."""
        return now - self.whole > min(self.seconds, _QUEUED)

    def is_over(self, now: float) -> bool:
        """Whether nobody waits any more."""
        return now - self.begun > self.seconds


@lru_cache(maxsize=64)
def timeout(query: bytes) -> float:
    """How many seconds the API server waits, as it says in the address; for ever when it does not."""
    found = _TIMEOUT.search(query)
    return float(found[1]) if found else float("inf")


class Arrivals:
    """Since when what is read may have been waiting: while the loop was at work, nobody looked. Of one event loop.

    A loop reads whatever has come, works, and looks again. What it reads after a rest has just come; what it reads
    right after work may have come at any time since it looked the last time. It looks in each of its turns, also while
    nothing comes: a timer tells of that, where somebody starts it.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._looked = clock()
        self._turned = self._worked = float("-inf")
        self._since: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """From now on look whether the loop turns."""
        self.turn()
        self._timer = asyncio.get_running_loop().call_later(_TURN, self.start)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def turn(self) -> None:
        """The loop begins another turn: what had come before the last one is read."""
        self._looked = max(self._looked, self._turned)
        self._turned = self._clock()

    def since(self) -> float:
        """Since when, at the most, what is read now may have been there."""
        if self._since is None:
            now = self._clock()
            self._since = now if now - self._worked > _BREATH else self._looked
            self._looked = now
            asyncio.get_running_loop().call_soon(self._end)
        return self._since

    def now(self) -> float:
        return self._clock()

    def worked(self) -> float:
        """Something was just finished that kept the loop from looking. Returns what time it is."""
        self._worked = self._clock()
        return self._worked

    def _end(self) -> None:
        """All is read that had come when the loop looked."""
        self._since = None
        self.worked()
