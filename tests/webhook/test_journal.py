"""Decisions are told together, in order, soon, and none is forgotten."""

import asyncio
from collections.abc import Sequence

import pytest

from policies import config
from tests.reviews import body, pod, review
from webhook import journal
from webhook.admission import admit
from webhook.journal import Journal, Told

POLICY = config.of_profile("pss-baseline")
ADMITTED = admit(body(review(pod())), POLICY)


class Reader:
    def __init__(self) -> None:
        self.read: list[list[float]] = []

    def __call__(self, told: Sequence[Told]) -> None:
        self.read.append([seconds for _, _, _, seconds in told])


def test_neighbours_are_told_together_to_everybody() -> None:
    first, second = Reader(), Reader()

    async def play() -> None:
        made = Journal(first, second)
        for number in range(3):
            made.add(ADMITTED, POLICY, float(number))
        assert first.read == []
        await asyncio.sleep(0.05)
        made.add(ADMITTED, POLICY, 3.0)
        made.flush()
        made.flush()

    asyncio.run(play())
    assert first.read == second.read == [[0.0, 1.0, 2.0], [3.0]]


def test_a_crowd_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_TOGETHER", 4)
    reader = Reader()

    async def play() -> None:
        made = Journal(reader)
        for _ in range(9):
            made.add(ADMITTED, POLICY, 0.0)
        assert [len(told) for told in reader.read] == [4, 4]
        await asyncio.sleep(0.05)

    asyncio.run(play())
    assert [len(told) for told in reader.read] == [4, 4, 1]


def test_without_a_loop_it_is_told_at_once() -> None:
    reader = Reader()
    Journal(reader).add(ADMITTED, POLICY, 1.0)

    assert reader.read == [[1.0]]
