"""The operations port: alive, able to judge, counted. Able to judge is proved by judging."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from policies import config
from policies.config import Policy
from tests.webhook.serving import Answer, Wire, running
from webhook import ops
from webhook.admission import Admitted, admit
from webhook.app import Gate
from webhook.metrics import Metrics
from webhook.ops import Ops, Readiness, SelfReview

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def policy(spec: str) -> Policy:
    return config.parse(f"apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {{{spec}}}")


class Tried:
    """Readiness whose every part the test can change."""

    def __init__(self) -> None:
        self.gate = Gate(config.of_profile())
        self.not_after = NOW + timedelta(days=1)
        self.missing: str | None = None
        self.readiness = Readiness(self.gate, lambda: self.not_after, lambda: NOW, lambda: self.missing)
        self.readiness.serving = True
        self.metrics = Metrics()
        self.ops = Ops(self.readiness, self.metrics)


@pytest.fixture
def tried() -> Tried:
    return Tried()


@pytest.fixture
def wire(tried: Tried) -> Iterator[Wire]:
    with running(tried.ops) as server, Wire(server.port) as found:
        yield found


def problems(answer: Answer) -> list[str]:
    assert answer.status == 503
    assert answer.json["ready"] is False
    found: list[str] = answer.json["problems"]
    return found


def test_all_is_well(wire: Wire) -> None:
    for path in ("/healthz", "/readyz"):
        answer = wire.get(path)
        assert (answer.status, answer.body) == (200, b"ok\n")


def test_a_file_that_cannot_be_used_is_told_and_keeps_nobody_from_being_ready(tried: Tried, wire: Wire) -> None:
    tried.readiness.notes += [lambda: "", lambda: "the files as they are now cannot be used: policy.yaml"]
    answer = wire.get("/readyz")
    assert (answer.status, answer.body) == (200, b"ok\nthe files as they are now cannot be used: policy.yaml\n")
    assert wire.get("/healthz").body == b"ok\n"


def test_it_is_alive_while_it_is_not_ready_and_says_all_that_is_missing(tried: Tried, wire: Wire) -> None:
    tried.readiness.serving = False
    tried.readiness.draining = True
    tried.not_after = NOW
    tried.missing = "nobody is there"

    assert wire.get("/healthz").status == 200
    assert problems(wire.get("/readyz")) == [
        "the server is starting",
        "the server is draining",
        "the serving certificate expired at 2026-05-01T12:00:00Z",
        "nobody is there",
    ]


def test_what_else_is_asked_is_refused(wire: Wire) -> None:
    missing, posted = wire.get("/validate"), wire.ask(b"", "/readyz")

    assert (missing.status, missing.json["error"]) == (404, "not found")
    assert (posted.status, posted.json["error"], posted.headers["allow"]) == (405, "method not allowed", "get, head")


def test_metrics_are_rendered_at_most_once_a_second(tried: Tried, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    first = wire.get("/metrics")
    tried.metrics.error("call")
    second = wire.get("/metrics")
    monkeypatch.setattr(ops, "_METRICS_SECONDS", 0.0)
    third = wire.get("/metrics")

    assert first.headers["content-type"].startswith("text/plain; version=")
    assert first.body == second.body
    assert b'podgate_errors_total{stage="call"} 1.0' in third.body


def test_what_is_not_counted_yet_is_counted_before_metrics_are_rendered(tried: Tried) -> None:
    late = Ops(tried.readiness, tried.metrics, lambda: tried.metrics.error("late"))
    with running(late) as server, Wire(server.port) as wire:
        assert b'podgate_errors_total{stage="late"} 1.0' in wire.get("/metrics").body


@pytest.mark.parametrize(
    "spec",
    [
        "profile: recommended",
        "profile: pss-restricted",
        "profile: all",
        "profile: pss-baseline, mode: audit",
        "profile: pss-baseline, mode: warn",
        "profile: pss-baseline, rules: {privileged: {action: audit}}",
        "profile: pss-baseline, rules: {privileged: {action: 'off'}}",
    ],
)
def test_any_policy_that_judges_is_ready(tried: Tried, spec: str) -> None:
    tried.gate.policy = policy(spec)

    assert tried.readiness.problems() == []


def broken(change: Callable[[bytes, Policy], Policy]) -> Callable[[bytes, Policy], Admitted]:
    return lambda body, given: admit(body, change(body, given))


BLIND = policy("profile: pss-baseline, rules: {privileged: {action: 'off'}}")
AUDIT = policy("profile: pss-baseline, mode: audit")


def test_rules_that_deny_nothing_any_more_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "admit", broken(lambda _body, _given: BLIND))

    assert SelfReview().problem(AUDIT) == (
        "the self-review failed: a privileged pod is not denied at the baseline level"
    )


def test_a_policy_that_does_not_see_what_it_judges_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "admit", broken(lambda _body, given: BLIND if given is AUDIT else given))

    assert SelfReview().problem(AUDIT) == (
        "the self-review failed: the policy in force does not see that a pod is privileged"
    )


def test_a_review_that_breaks_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_body: bytes, _policy: Policy) -> Admitted:
        raise ZeroDivisionError

    monkeypatch.setattr(ops, "admit", fail)

    assert SelfReview().problem(AUDIT) == "the self-review failed: ZeroDivisionError"


def test_many_who_ask_for_metrics_wait_for_one_rendering(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    rendered: list[bytes] = []

    def render() -> bytes:
        rendered.append(b"x")
        return b"x"

    monkeypatch.setattr(tried.metrics, "render", render)

    async def play() -> None:
        await asyncio.gather(*(tried.ops._render() for _ in range(20)))

    asyncio.run(play())
    assert rendered == [b"x"]
