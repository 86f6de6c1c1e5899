"""Podgate's verdicts are upstream's, as they were written down: also where there is no Go to ask upstream itself."""

from __future__ import annotations

from functools import cache

import pytest

from policies import config, resource
from policies.config import Policy
from policies.decision import Verdict, decide
from policies.standard import LATEST

from . import recorded


@cache
def policy(level: str, minor: int) -> Policy:
    return config.of_profile(f"pss-{level}", f"v1.{minor}")


def test_every_seed_still_makes_the_pod_that_was_judged() -> None:
    changed = [one.seed for one in recorded.load() if recorded.digest(recorded.pod(one.seed)) != one.digest]

    assert not changed, "the generator changed: run `python -m tests.conformance.recorded` where Go is at hand"


def test_there_is_a_verdict_of_both_kinds_at_every_level_and_version() -> None:
    some = list(recorded.load())
    every = (1 << (LATEST.minor + 1)) - 1

    assert len(some) == recorded.COUNT
    for column in ("baseline", "restricted"):
        bits = [getattr(one, column) for one in some]
        assert all(any(each >> minor & 1 for each in bits) for minor in range(LATEST.minor + 1))
        assert any(each != every for each in bits)


@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_every_verdict_is_upstreams(level: str) -> None:
    wrong = []
    for one in recorded.load():
        found = resource.read(recorded.pod(one.seed))
        for minor in range(LATEST.minor + 1):
            ours = policy(level, minor)
            denied = decide(ours.engine.evaluate(found), ours).verdict is Verdict.DENY
            if denied != bool(getattr(one, level) >> minor & 1):
                wrong.append((one.seed, f"v1.{minor}"))

    assert wrong == []
