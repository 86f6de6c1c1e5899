"""What a namespace says of itself, as upstream reads it (k8s.io/pod-security-admission/api/helpers.go)."""

import pytest

from policies.namespace import Declared, declared
from policies.standard import LATEST, Level, Standard, Version

PSA = "pod-security.kubernetes.io/"
NONE = Standard(Level.PRIVILEGED, LATEST)


def psa(**labels: str) -> dict[str, str]:
    return {f"{PSA}{key.replace('_', '-')}": value for key, value in labels.items()}


@pytest.mark.parametrize(
    "labels", [{}, {"app": "web"}, {"pod-security.kubernetes.io": "restricted"}, {"podgate.dev/other": "x"}]
)
def test_labels_that_say_nothing(labels: dict[str, str]) -> None:
    assert declared(labels) == Declared(None, NONE, NONE, None, ())


@pytest.mark.parametrize("level", ["privileged", "baseline", "restricted"])
def test_an_enforced_level_is_warned_of_too(level: str) -> None:
    standard = Standard(Level[level.upper()], LATEST)
    assert declared(psa(enforce=level)) == Declared(standard, standard, NONE)


def test_versions() -> None:
    found = declared(psa(enforce="baseline", enforce_version="v1.25", audit="restricted", audit_version="v1.30"))
    assert found.enforce == found.warn == Standard(Level.BASELINE, Version(1, 25))
    assert found.audit == Standard(Level.RESTRICTED, Version(1, 30))


def test_a_version_to_warn_by_goes_with_the_enforced_level() -> None:
    found = declared(psa(enforce="baseline", enforce_version="v1.25", warn_version="v1.28"))
    assert found.warn == Standard(Level.BASELINE, Version(1, 28))


def test_each_mode_has_its_own_level() -> None:
    found = declared(psa(enforce="privileged", warn="restricted", audit="baseline"))
    assert [standard.level for standard in (found.enforce or NONE, found.warn, found.audit)] == [
        Level.PRIVILEGED,
        Level.RESTRICTED,
        Level.BASELINE,
    ]


def test_a_version_alone_enforces_nothing() -> None:
    assert declared(psa(enforce_version="v1.25")).enforce is None


@pytest.mark.parametrize("level", ["Baseline", "strict", "", "RESTRICTED", "baseline "])
def test_a_level_that_is_none_is_enforced_as_restricted_and_said(level: str) -> None:
    found = declared(psa(enforce=level))
    assert found.enforce == Standard(Level.RESTRICTED, LATEST)
    assert found.warn == NONE
    (problem,) = found.problems
    assert problem.startswith(f"label {PSA}enforce is ")
    assert problem.endswith(": write privileged, baseline or restricted")


def test_a_level_to_warn_or_audit_by_that_is_none_asks_for_nothing() -> None:
    found = declared(psa(enforce="baseline", warn="x", audit="y"))
    assert (found.warn.level, found.audit.level) == (Level.PRIVILEGED, Level.PRIVILEGED)
    assert len(found.problems) == 2


@pytest.mark.parametrize("version", ["1.25", "v1", "v1.25.1", "newest", ""])
def test_a_version_that_is_none_is_the_latest_and_said(version: str) -> None:
    found = declared(psa(enforce="baseline", enforce_version=version))
    assert found.enforce == Standard(Level.BASELINE, LATEST)
    assert [problem.partition(": ")[2] for problem in found.problems] == [f"write latest or v1.N, as in {LATEST}"]


@pytest.mark.parametrize("mode", ["enforce", "warn", "audit", "off"])
def test_a_mode_of_our_own(mode: str) -> None:
    assert declared({"podgate.dev/mode": mode}) == Declared(mode=mode)


def test_a_mode_that_is_none_counts_for_nothing_and_is_said() -> None:
    found = declared({"podgate.dev/mode": "\u202eoff"})
    assert found.mode is None
    assert found.problems == ('label podgate.dev/mode is "\\u202eoff": write enforce, warn, audit or off',)
