"""What decisions amount to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from webhook.recorded import Entry, Flaw, Summary, Wanted
from webhook.recorded import summary as summaries
from webhook.recorded.summary import outcome, reasons
from webhook.recorded.tally import Counts, Outcome

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def entry(decision: str = "allow", judged: str = "", **fields: Any) -> Entry:
    given = {"ts": NOON, "kind": "Pod", "namespace": "shop", "name": "web-79c6df96f-jxfzf", "user": "alice"}
    return Entry(decision=decision, judged=judged or decision, **{**given, **fields})


def summed(*entries: Entry | Flaw | None, **wanted: Any) -> Summary:
    summary = Summary(Wanted(**wanted))
    for each in entries:
        summary.add(each)
    return summary


@pytest.mark.parametrize(
    ("decision", "judged", "came"),
    [
        ("deny", "deny", Outcome.DENIED),
        ("deny", "", Outcome.DENIED),
        ("warn", "deny", Outcome.WOULD_BE_DENIED),
        ("allow", "deny", Outcome.WOULD_BE_DENIED),
        ("warn", "warn", Outcome.WARNED),
        ("warn", "", Outcome.WARNED),
        ("allow", "warn", Outcome.WARNED),
        ("allow", "allow", Outcome.ALLOWED),
        ("allow", "", Outcome.ALLOWED),
        ("elsewhere", "", Outcome.ALLOWED),
    ],
)
def test_outcomes(decision: str, judged: str, came: Outcome) -> None:
    assert outcome(Entry(decision=decision, judged=judged)) is came


@pytest.mark.parametrize(
    ("found", "led_to"),
    [
        (entry("allow", rules=("sysctls",)), {"sysctls": Outcome.ALLOWED}),
        (entry("warn", rules=("sysctls", "and 3 more")), {"sysctls": Outcome.WARNED}),
        (
            entry("allow", "deny", rules=("privileged", "sysctls"), denying=("privileged",)),
            {"privileged": Outcome.WOULD_BE_DENIED, "sysctls": Outcome.WARNED},
        ),
        (entry("deny", rules=("privileged", "sysctls")), {"privileged": Outcome.DENIED, "sysctls": Outcome.DENIED}),
        (entry("deny", rules=("sysctls",), denying=(), risk=0.9), {"sysctls": Outcome.WARNED, "risk": Outcome.DENIED}),
        (entry("warn", risk=0.5), {"risk": Outcome.WARNED}),
        (entry("deny", error="spec.containers must be a list"), {"(not readable)": Outcome.DENIED}),
        (entry("deny"), {"(not told)": Outcome.DENIED}),
    ],
)
def test_what_rules_led_to(found: Entry, led_to: dict[str, Outcome]) -> None:
    assert reasons(found) == led_to


def test_totals() -> None:
    later = NOON + timedelta(hours=1)
    summary = summed(
        entry("deny", mode="enforce", policy="b", ts=later),
        entry("allow", "deny", mode="audit", policy="a", risk=0.8, user="bob", dry_run=True),
        entry("warn", "deny", mode="warn", policy="a", namespace="ci", kind="Deployment", name="web", risk=0.9),
        entry("allow", mode="audit", policy="a", risk=0.1, ts=None),
        entry("allow", "warn", overridden=("privileged",), refused=("sysctls", "(no rule)")),
        None,
    )
    assert (summary.lines, summary.decisions, summary.dry_runs) == (6, 5, 1)
    assert summary.answered == {"deny": 1, "allow": 3, "warn": 1}
    assert summary.judged == {"deny": 3, "allow": 1, "warn": 1}
    assert summary.denials == (1, 2)
    assert summary.concerned == 2
    assert (summary.span.first, summary.span.last) == (NOON, later)
    assert summary.namespaces.worst(2) == [("shop", Counts(1, 1, 1, 1)), ("ci", Counts(0, 1, 0, 0))]
    assert [str(found) for found, _ in summary.workloads.worst(9)] == ["pod/web-*", "deployment/web"]
    assert summary.users.get("alice") == Counts(1, 1, 1, 1)
    assert (summary.used.get("privileged").total, summary.refused.get("sysctls").total) == (1, 1)
    assert [(found.namespace, risk) for found, risk in summary.risks(9)] == [("ci", 0.9), ("shop", 0.8)]
    assert {key: count for key, ((count,), _) in summary.policies.items()} == {
        ("b", "enforce"): 1,
        ("a", "audit"): 2,
        ("a", "warn"): 1,
        ("", ""): 1,
    }
    assert summary.usable


def test_a_deployment_and_its_pods_are_one_workload() -> None:
    summary = summed(
        entry("deny"), entry("deny", kind="Deployment", name="web"), entry("deny", kind="Pod", name="db-0")
    )
    assert summary.concerned == 2


@pytest.mark.parametrize(
    ("wanted", "count"),
    [
        ({"since": NOON}, 2),
        ({"since": NOON + timedelta(seconds=1)}, 1),
        ({"namespaces": frozenset({"ci"})}, 1),
        ({"namespaces": frozenset({"ci", "shop"})}, 4),
        ({"rules": frozenset({"privileged"})}, 1),
        ({"rules": frozenset({"risk"})}, 1),
        ({"denied": True}, 2),
        ({"denied": True, "namespaces": frozenset({"ci"})}, 0),
    ],
)
def test_what_is_asked_for(wanted: dict[str, Any], count: int) -> None:
    given = [
        entry("deny", rules=("privileged",), ts=NOON - timedelta(hours=1)),
        entry("allow", "deny", risk=0.9, ts=NOON + timedelta(hours=1)),
        entry("allow", namespace="ci"),
        entry("allow", ts=None),
    ]
    summary = summed(*given, **wanted)
    assert summary.decisions == count
    assert summary.undated == ("since" in wanted)
    assert summary.decisions + summary.passed_over + summary.undated == 4


def test_what_could_not_be_read_is_counted_and_a_few_are_told() -> None:
    summary = summed(entry(), *(Flaw("log", number, "is not a decision") for number in range(20)))
    assert (summary.unreadable, len(summary.flaws), summary.usable) == (20, 5, True)
    assert not summed(Flaw("log", 1, "is not a decision")).usable
    assert not summed(Flaw("log", 1, "is JSON, but not a decision", foreign=True)).usable
    assert not summed(entry(), Flaw("log", None, "cannot be read", fatal=True)).usable
    assert summed().usable


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summaries, "_MOST_RISKS", 10)
    monkeypatch.setattr(summaries, "_MOST_POLICIES", 10)
    given = [entry(kind="Service", name=f"s{n}", risk=n % 977 / 1_000, policy=str(n)) for n in range(2_000)]
    summary = summed(*given)
    assert [risk for _, risk in summary.risks(4)] == [0.976, 0.976, 0.975, 0.975]
    assert len(summary._risks) <= 20
    assert len(summary.policies) == 11
    assert summary.policies["others", ""][0] == [1_990]
