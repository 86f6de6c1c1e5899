"""Podgate's verdicts are upstream's, at every level and version: on upstream's fixtures and on random pods."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator, Mapping
from functools import cache

import pytest

from policies import config, decision, resource
from policies.config import Policy
from policies.decision import Verdict
from policies.resource import Resource
from policies.standard import LATEST

from . import oracle, pods
from .oracle import Fixture, Pod

LEVELS = ("baseline", "restricted")
SEEDS = (1, 2, 3)
PODS_A_SEED = 1_000

#: Which rules stand for which of upstream's checks.
RULES: Mapping[str, frozenset[str]] = {
    "allowPrivilegeEscalation": frozenset({"privilege-escalation"}),
    "appArmorProfile": frozenset({"apparmor"}),
    "capabilities_baseline": frozenset({"capabilities-added"}),
    "capabilities_restricted": frozenset({"capabilities-added-strict", "capabilities-drop-all-missing"}),
    "hostNamespaces": frozenset({"host-ipc", "host-network", "host-pid"}),
    "hostPathVolumes": frozenset({"host-path"}),
    "hostPorts": frozenset({"host-port"}),
    "hostProbesAndHostLifecycle": frozenset({"host-probe"}),
    "privileged": frozenset({"privileged"}),
    "procMount": frozenset({"proc-mount"}),
    "procMount_restricted": frozenset({"proc-mount"}),
    "restrictedVolumes": frozenset({"volume-types"}),
    "runAsNonRoot": frozenset({"run-as-non-root-missing"}),
    "runAsUser": frozenset({"run-as-user-zero"}),
    "seLinuxOptions": frozenset({"selinux"}),
    "seccompProfile_baseline": frozenset({"seccomp-unconfined"}),
    "seccompProfile_restricted": frozenset({"seccomp-unset"}),
    "sysctls": frozenset({"sysctls"}),
    "windowsHostProcess": frozenset({"windows-host-process"}),
}


@pytest.fixture(scope="module", autouse=True)
def go() -> None:
    """Upstream can be asked. With PODGATE_E2E_REQUIRED=1 it is a failure when it cannot."""
    if oracle.build() is None or shutil.which("go") is None:
        if os.environ.get("PODGATE_E2E_REQUIRED") == "1":
            pytest.fail(oracle.WITHOUT_GO, pytrace=False)
        pytest.skip(oracle.WITHOUT_GO)


@cache
def policy(level: str, version: str) -> Policy:
    """What is held against upstream."""
    return config.of_profile(f"pss-{level}", version)


def denied_by(found: Resource, level: str, version: str) -> frozenset[str]:
    """The rules that deny a pod; none, if and only if it is not denied."""
    decided = decision.decide(policy(level, version).engine.evaluate(found), policy(level, version))
    rules = frozenset(reason.finding.rule.id for reason in decided.reasons)
    assert (decided.verdict is Verdict.DENY) == bool(rules)
    return rules


@cache
def fixtures() -> Mapping[tuple[str, str, bool], list[Fixture]]:
    """Upstream's fixtures by level, version and side."""
    found: dict[tuple[str, str, bool], list[Fixture]] = {}
    for fixture in oracle.fixtures():
        found.setdefault((fixture.level, fixture.version, fixture.passes), []).append(fixture)
    return found


def versions() -> list[str]:
    """The versions that have fixtures. Ours, as tests are named before it is known whether Go is there."""
    return [f"v1.{minor}" for minor in range(LATEST.minor + 1)]


@pytest.mark.parametrize("passes", [True, False], ids=["pass", "fail"])
@pytest.mark.parametrize("version", versions())
@pytest.mark.parametrize("level", LEVELS)
def test_fixture_is_judged_as_upstream_says(level: str, version: str, passes: bool) -> None:
    """Every pod that upstream's own tests let pass is not denied, and every other is."""
    some = fixtures()[level, version, passes]
    wrong = [each.name for each in some if (not denied_by(resource.read(each.pod), level, version)) != passes]
    assert not wrong, f"{len(wrong)} of {len(some)} fixtures are judged otherwise"


def test_no_fixture_is_left_out() -> None:
    """Upstream has no level and no version that the test above does not know."""
    assert set(fixtures()) == {
        (level, version, passes) for level in LEVELS for version in versions() for passes in (True, False)
    }
    assert sum(map(len, fixtures().values())) > 4_000


def test_the_newest_version_is_upstreams() -> None:
    """`latest` means the same here and there."""
    described = oracle.describe()
    assert list(described.versions) == [*versions(), "latest"]
    assert {check for checks in (*described.baseline, *described.restricted) for check in checks} == set(RULES)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_pod_is_judged_as_upstream_does(seed: int) -> None:
    """At every level and version, the rules that deny a pod are those that stand for the checks which failed."""
    rng = random.Random(seed)
    some = [pods.as_an_api_server_sends(pods.random_pod(rng)) for _ in range(PODS_A_SEED)]
    wrong = [
        (pod, difference)
        for pod, verdicts in zip(some, oracle.judge(some), strict=True)
        for difference in differences(pod, verdicts)
    ]
    if wrong:
        pod, difference = min(wrong, key=lambda each: len(json.dumps(each[0])))
        pytest.fail(f"{len(wrong)} disagreements; on the smallest pod {difference}\n{json.dumps(pod, indent=1)}")


def differences(pod: Pod, verdicts: oracle.Verdicts) -> Iterator[str]:
    """Where podgate and upstream disagree about a pod."""
    assert verdicts.error is None
    found = resource.read(pod)
    for level in LEVELS:
        for version in oracle.describe().versions:
            ours, failed = denied_by(found, level, version), verdicts.at(level, version).failed
            theirs = [RULES[check] for check in failed]
            if not all(ours & rules for rules in theirs) or not ours <= frozenset().union(*theirs):
                yield f"at {level} {version} upstream fails {list(failed)} and podgate {sorted(ours)}"
