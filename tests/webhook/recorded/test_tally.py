"""Counts are exact while there is room, and say so when they are not."""

import random
from collections import Counter

from webhook.recorded.tally import Counts, Outcome, Tally


def test_counts_by_outcome_worst_first() -> None:
    tally: Tally[str] = Tally()
    for key, outcome in [("a", 3), ("a", 3), ("b", 2), ("c", 1), ("c", 3), ("d", 0), ("d", 1), ("e", 2)]:
        tally.add(key, Outcome(outcome))
    assert [key for key, _ in tally.worst(9)] == ["d", "c", "b", "e", "a"]
    assert tally.worst(1) == [("d", Counts(1, 1, 0, 0))]
    assert tally.rest(1) == (4, Counts(0, 1, 2, 3))
    assert tally.rest(5) == (0, Counts())
    assert tally.denied() == ["c", "d"]
    assert (tally.get("a"), tally.get("none")) == (Counts(allowed=2), Counts())
    assert tally.exact


def test_memory_is_bounded_and_nothing_is_lost_from_the_sum() -> None:
    rng = random.Random(1)
    tally: Tally[int] = Tally(most=50)
    real: Counter[int] = Counter()
    for _ in range(20_000):
        key = int(rng.paretovariate(0.6)) % 5_000
        tally.add(key, Outcome.WARNED)
        real[key] += 1
    shown = tally.worst(10)
    keys, rest = tally.rest(10)
    assert not tally.exact
    assert keys <= 90
    assert sum(counts.total for _, counts in shown) + rest.total == 20_000
    assert all(counts.total <= real[key] for key, counts in shown)
    assert [key for key, _ in shown[:3]] == [key for key, _ in real.most_common(3)]


def test_what_is_denied_stays_when_room_is_short() -> None:
    tally: Tally[int] = Tally(most=10)
    tally.add(-1, Outcome.DENIED)
    for key in range(1_000):
        tally.add(key, Outcome.ALLOWED)
    assert tally.worst(1) == [(-1, Counts(denied=1))]
    assert sum(tally.others) > 900
