"""Counts by key in bounded memory: when there are too many keys, those that matter least become `others`."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Generic, TypeVar

from msgspec import Struct

MOST_KEYS = 10_000
_Key = TypeVar("_Key", bound=Hashable)


class Outcome(IntEnum):
    """What became of an object, worst first. WOULD_BE_DENIED: the policy's mode let it pass."""

    DENIED = 0
    WOULD_BE_DENIED = 1
    WARNED = 2
    ALLOWED = 3


class Counts(Struct, frozen=True, rename="camel"):
    """How many decisions of each outcome. `warned`: told, or where the mode is audit only recorded."""

    denied: int = 0
    would_be_denied: int = 0
    warned: int = 0
    allowed: int = 0

    @property
    def total(self) -> int:
        return self.denied + self.would_be_denied + self.warned + self.allowed


@dataclass(slots=True)
class Tally(Generic[_Key]):
    """Counts decisions by key.

    While there are at most `most` keys at once, every count is exact. Beyond that, counts are lower bounds, and what is
    missing from them is in `others`: nothing is lost from the sum.
    """

    most: int = MOST_KEYS
    others: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    _found: dict[_Key, list[int]] = field(default_factory=dict)

    def add(self, key: _Key, outcome: Outcome) -> None:
        counts = self._found.get(key)
        if counts is None:
            if len(self._found) >= 2 * self.most:
                self._prune()
            counts = self._found[key] = [0, 0, 0, 0]
        counts[outcome] += 1

    @property
    def exact(self) -> bool:
        return not any(self.others)

    def get(self, key: _Key) -> Counts:
        return Counts(*self._found.get(key, ()))

    def worst(self, count: int) -> list[tuple[_Key, Counts]]:
        """The keys that matter most, worst first."""
        return [(key, Counts(*counts)) for key, counts in self._sorted()[:count]]

    def rest(self, shown: int) -> tuple[int, Counts]:
        """How many keys `worst` leaves out, and what is counted for them and for all others."""
        left = self._sorted()[shown:]
        sums = [sum(column) for column in zip(self.others, *(counts for _, counts in left), strict=True)]
        return len(left), Counts(*sums)

    def denied(self) -> list[_Key]:
        """The keys with something that enforcing denies."""
        return [key for key, counts in self._found.items() if counts[0] or counts[1]]

    def _sorted(self) -> list[tuple[_Key, list[int]]]:
        return sorted(self._found.items(), key=_rank)

    def _prune(self) -> None:
        ranked = self._sorted()
        self._found = dict(ranked[: self.most])
        for _, counts in ranked[self.most :]:
            self.others = [one + more for one, more in zip(self.others, counts, strict=True)]


def _rank(item: tuple[Hashable, list[int]]) -> tuple[int, int, int, str]:
    key, (denied, would_be, warned, allowed) = item
    return -(denied + would_be), -warned, -allowed, str(key)
