"""The oracle and the generator are fit for comparing with: they agree with upstream's fixtures."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from . import oracle, pods

pytestmark = pytest.mark.skipif(oracle.build() is None, reason=oracle.WITHOUT_GO)

SEED = 20
MANY = 2000


def test_upstream_fixtures_agree_with_upstream_evaluator() -> None:
    """A fixture passes or fails as its directory says."""
    fixtures = list(oracle.fixtures())
    assert len(fixtures) > 4000
    verdicts = oracle.judge(fixture.pod for fixture in fixtures)
    for fixture, verdict in zip(fixtures, verdicts, strict=True):
        finding = verdict.at(fixture.level, fixture.version)
        assert finding.allowed == fixture.passes, fixture


def test_random_pods_are_repeatable() -> None:
    """The same seed gives the same pods."""
    first, second = random.Random(SEED), random.Random(SEED)
    assert all(pods.random_pod(first) == pods.random_pod(second) for _ in range(MANY))


def test_every_check_decides_some_random_pod() -> None:
    """Each check is the only one to fail for some pod: an error in it could not hide."""
    rng = random.Random(SEED)
    alone: Counter[tuple[str, str]] = Counter()
    for verdicts in oracle.judge(pods.random_pod(rng) for _ in range(MANY)):
        assert verdicts.error is None
        for level in ("baseline", "restricted"):
            failures = {finding.failed for finding in getattr(verdicts, level)}
            alone.update((level, failed[0]) for failed in failures if len(failed) == 1)
    described = oracle.describe()
    for level in ("baseline", "restricted"):
        for check in {check for checks in getattr(described, level) for check in checks}:
            assert alone[level, check] > 1, f"{check} at level {level}"


def test_an_undecodable_pod_is_an_error_and_the_next_one_is_judged() -> None:
    """A wrong type is reported for its pod only."""
    wrong, right = oracle.judge([{"spec": {"containers": {}}}, {"spec": {"hostPID": True}}])
    assert wrong.error is not None
    assert right.at("baseline").detail == "host namespaces (hostPID=true)"
    assert right.at("privileged").allowed


def test_the_last_finding_is_that_of_latest() -> None:
    """Versions beyond the newest are judged as the newest."""
    (verdict,) = oracle.judge([{"spec": {"containers": [{"name": "a"}]}}])
    assert len(verdict.restricted) == len(oracle.describe().versions)
    assert verdict.at("restricted", "v1.7").failed == ("runAsNonRoot",)
    assert verdict.at("restricted", "v1.99") == verdict.at("restricted")
    assert f"v{verdict.newest}" == oracle.describe().versions[-2]
