"""Answers in the time that somebody waits: what is left out when it is short, what never is, since when it counts."""

import asyncio
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from policies import config
from policies.config import Policy
from policies.decision import Verdict
from tests.reviews import body, privileged_pod, review
from tests.reviews import pod as plain
from tests.webhook.apiserver import Clock
from tests.webhook.serving import Wire, running
from tests.webhook.test_app import JSON, Tried, ask
from tests.webhook.test_asks import Nowhere, Oracle, sent
from tests.webhook.test_grants import CONTEXT, HEAD, POLICY, asked, pod
from tests.webhook.test_tls import Setup
from webhook.admission import Admitted, Context
from webhook.app import Front, Gate
from webhook.asking import MayOverride, NamespaceOf, Question
from webhook.deadline import ARRIVED, WHOLE, Arrivals, Deadline, timeout
from webhook.protocol import BoundedProtocol, Limits


@pytest.mark.parametrize(
    ("query", "seconds"),
    [
        (b"timeout=10s", 10.0),
        (b"a=b&timeout=1.5s&c=d", 1.5),
        (b"", float("inf")),
        (b"timeout=10", float("inf")),
        (b"timeout=1e9s", float("inf")),
        (b"timeout=-1s", float("inf")),
        (b"mytimeout=1s", float("inf")),
        (b"timeout=99999999999s", float("inf")),
    ],
    ids=str,
)
def test_how_long_the_api_server_waits(query: bytes, seconds: float) -> None:
    assert timeout(query) == seconds


@pytest.mark.parametrize(
    ("gone", "asking", "spares", "is_over"),
    [
        (0.0, 1.2, (), False),
        (1.0, 0.2, (), False),
        (1.5, -0.3, (), False),
        (1.9, -0.7, ("risk",), False),
        (2.5, -1.3, ("risk",), True),
    ],
    ids=["at once", "after half", "after three quarters", "at the end", "too late"],
)
def test_what_there_is_time_for_of_two_seconds(
    gone: float, asking: float, spares: tuple[str, ...], is_over: bool
) -> None:
    deadline = Deadline(1000.0, 2.0)

    assert deadline.asking(1000 + gone) == pytest.approx(asking)
    assert deadline.spares(1000 + gone) == spares
    assert deadline.is_over(1000 + gone) is is_over


@pytest.mark.parametrize("seconds", [30.0, float("inf")])
def test_nobody_is_asked_for_more_than_three_seconds(seconds: float) -> None:
    deadline = Deadline(1000.0, seconds)

    assert deadline.asking(1001.0) == 3.0
    assert deadline.spares(1001.0) == ()


@pytest.mark.parametrize(
    ("seconds", "waited", "is_crowded"),
    [(10.0, 0.0, False), (10.0, 2.0, False), (10.0, 2.1, True), (1.0, 1.0, False), (1.0, 1.1, True)],
)
def test_who_has_been_in_a_queue_for_too_long(seconds: float, waited: float, *, is_crowded: bool) -> None:
    assert Deadline(0.0, seconds, whole=1000.0).is_crowded(1000.0 + waited) is is_crowded


def test_what_took_long_to_arrive_was_in_no_queue() -> None:
    assert Deadline(1000.0, 10.0, whole=1004.9).is_crowded(1005.0) is False
    assert Deadline(1000.0, 10.0).is_crowded(1005.0) is False


class Turns:
    """An event loop, as arrivals see it: what it reads, and how long it works."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.arrivals = Arrivals(self.clock)
        self.seen: list[float] = []

    def reads(self, *, works: float) -> None:
        self.seen.append(self.arrivals.since())
        self.clock.now += works


def played(*turns: Callable[[Turns], None]) -> list[float]:
    """Since when each thing that was read may have been there, in seconds from the beginning."""

    async def play() -> list[float]:
        loop = Turns()
        for turn in turns:
            turn(loop)
            await asyncio.sleep(0)
        return [at - 1000.0 for at in loop.seen]

    return asyncio.run(play())


def rest(seconds: float) -> Callable[[Turns], None]:
    def turn(loop: Turns) -> None:
        loop.clock.now += seconds

    return turn


def work(*seconds: float) -> Callable[[Turns], None]:
    def turn(loop: Turns) -> None:
        for each in seconds:
            loop.reads(works=each)

    return turn


def answers_elsewhere(seconds: float) -> Callable[[Turns], None]:
    def turn(loop: Turns) -> None:
        loop.clock.now += seconds
        loop.arrivals.worked()

    return turn


def test_what_is_read_after_a_rest_has_just_come() -> None:
    assert played(rest(1), work(0.1), rest(1), work(0.1)) == pytest.approx([1.0, 2.1])


def test_what_is_read_together_came_together() -> None:
    assert played(rest(1), work(0.5, 0.5, 0.5)) == [1.0, 1.0, 1.0]


def test_what_is_read_after_work_may_have_come_when_the_work_began() -> None:
    assert played(rest(1), work(0.5, 0.5), work(0.5), work(0.1)) == [1.0, 1.0, 1.0, 2.0]


def test_work_of_the_ordinary_way_is_work() -> None:
    assert played(rest(1), work(0.0), answers_elsewhere(2), work(0.1)) == [1.0, 1.0]


def turns(*seconds: float) -> Callable[[Turns], None]:
    def turn(loop: Turns) -> None:
        for each in seconds:
            loop.clock.now += each
            loop.arrivals.turn()

    return turn


def test_what_is_read_after_others_were_asked_came_after_the_last_turns() -> None:
    """Nothing was read for seconds, because nothing came: the loop had turned all the time."""
    waits_for_others = (turns(0.25, 0.25, 0.25, 0.25), answers_elsewhere(0.01))
    assert played(rest(1), work(0.1), *waits_for_others, work(0.1)) == pytest.approx([1.0, 1.85])


def test_turns_do_not_hide_that_work_was_waiting() -> None:
    assert played(rest(1), turns(0), work(0.5, 0.5), turns(0), work(0.5), turns(0), work(0.1)) == [1.0, 1.0, 1.0, 2.0]


POLICIES = {
    "audit": "{profile: recommended, mode: audit}",
    "warn": "{profile: recommended, mode: warn}",
    "reported": "{profile: pss-baseline}",
    "never denied": "{profile: recommended, classifier: {denyAt: null}}",
    "denied": "{profile: recommended}",
    "denied at one": "{profile: pss-baseline, classifier: {denyAt: 1.0}}",
}


class Late(Tried):
    """A front that answers when some of the time has gone."""

    def __init__(self, policy: Policy = POLICY, oracle: Oracle | None = None, context: Context = CONTEXT) -> None:
        super().__init__()
        self.clock = Clock()
        self.gate = Gate(policy, context, oracle)
        told: Callable[[Admitted, Policy, float], None] = lambda *given: self.seen.append(given)  # noqa: E731
        self.front = Front(self.gate, self.front._other, told, self.stages.append, clock=self.clock)

    def answered(self, content: bytes, *, gone: float, of: float = 2.0) -> dict[str, Any]:
        """The response to what arrived so many seconds ago."""
        arrived, query = self.clock.now - gone, f"timeout={of}s".encode()
        short = self.front.respond(content, query, arrived, self.clock.now)
        answer = asyncio.run(ask_since(self.front, content, query, arrived))
        assert answer["response"]["uid"]
        if short is not None:
            self.seen.pop()
            assert short.endswith(body_of(answer))
        response: dict[str, Any] = answer["response"]
        return response


async def ask_since(front: Front, content: bytes, query: bytes, arrived: float) -> dict[str, Any]:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await front({**scope, "state": {ARRIVED: arrived}}, receive, send)

    message = {"type": "http.request", "body": content, "more_body": False}
    answer = await ask(app, [message], "POST", "/validate", JSON, query)  # type: ignore[arg-type]
    assert answer is not None
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def body_of(answer: dict[str, Any]) -> bytes:
    return msgspec.json.encode(answer)


def marks(response: dict[str, Any]) -> tuple[str | None, str | None]:
    """What the audit annotations say of what was left out, and of the risk."""
    said = response["auditAnnotations"]
    return said.get("skipped"), said.get("risk")


def test_somebody_is_asked_while_there_is_time() -> None:
    oracle = Oracle(True)
    response = Late(oracle=oracle).answered(sent(pod(asked())), gone=1.0)

    assert response["allowed"] is True
    assert oracle.seconds == pytest.approx([0.2])
    assert "skipped" not in response["auditAnnotations"]


def test_nobody_is_asked_when_it_is_too_late_and_the_override_does_not_count() -> None:
    oracle, late = Oracle(), Late(oracle=Oracle())
    response = late.answered(sent(pod(asked())), gone=1.3)

    assert oracle.heard == []
    assert response["allowed"] is False
    assert "nobody could say in time whether alice may override it" in response["status"]["message"]
    assert response["auditAnnotations"]["skipped"] == "cluster"
    assert [told[0].spared for told in late.seen] == [("cluster",)]


def test_what_was_learnt_in_time_counts_when_there_is_no_time_for_more() -> None:
    """The first answer took long: the second question is not asked any more, and the namespace's labels are known."""

    class Slow(Oracle):
        async def ask(self, question: Question, seconds: float) -> Any:
            late.clock.now += seconds
            return await super().ask(question, seconds)

    oracle = Slow({"metadata": {"labels": {"podgate.dev/mode": "warn"}}})
    late = Late(oracle=oracle, context=Context(Nowhere(), CONTEXT.now))
    response = late.answered(sent(pod(asked())), gone=0.1)

    assert [type(question) for question in oracle.heard] == [NamespaceOf]
    assert response["allowed"] is True
    assert (response["auditAnnotations"]["mode"], marks(response)[0]) == ("warn", "cluster")


@pytest.mark.parametrize("name", ["audit", "warn", "reported", "never denied"])
def test_a_risk_that_denies_nothing_is_not_assessed_when_it_is_late(name: str) -> None:
    late = Late(config.parse(HEAD + POLICIES[name]))

    assert marks(late.answered(sent(plain()), gone=1.7))[0] is None
    assert marks(late.answered(sent(plain()), gone=1.9)) == ("risk", "not assessed")
    assert [told[0].decision.risk is None for told in late.seen] == [False, True]
    assert late.stages == []


@pytest.mark.parametrize("name", ["denied", "denied at one"])
@pytest.mark.parametrize("gone", [1.9, 60.0])
def test_a_risk_that_may_deny_is_always_assessed(name: str, gone: float) -> None:
    skipped, risk = marks(Late(config.parse(HEAD + POLICIES[name])).answered(sent(plain()), gone=gone))

    assert (skipped, risk is not None and risk.startswith("0.")) == (None, True)


def test_who_is_late_is_denied_for_a_risk_all_the_same() -> None:
    found = Late(config.parse(HEAD + "{profile: pss-baseline, classifier: {warnAt: 0.0, denyAt: 0.0}}"))
    response = found.answered(sent(plain()), gone=60.0)

    assert response["allowed"] is False
    assert response["status"]["message"].startswith("risk: spec looks dangerous")


def test_rules_are_never_left_out() -> None:
    late = Late(config.parse(HEAD + POLICIES["reported"]))
    response = late.answered(body(review(privileged_pod())), gone=1.9)

    assert response["allowed"] is False
    assert response["status"]["message"].startswith("privileged: ")
    assert marks(response) == ("risk", "not assessed")
    assert late.seen[0][0].decision.verdict is Verdict.DENY


def test_what_holds_no_pod_has_no_risk_that_could_be_left_out() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "NodePort"}}
    late = Late(config.parse(HEAD + "{profile: all}"))

    assert marks(late.answered(sent(service), gone=1.9)) == (None, None)


def test_both_are_left_out_when_both_are_too_late() -> None:
    late = Late(config.parse(HEAD + POLICIES["reported"]), Oracle())

    assert marks(late.answered(sent(pod(asked())), gone=1.9)) == ("cluster,risk", "not assessed")


@pytest.mark.parametrize(("gone", "stages"), [(1.99, []), (2.01, ["late", "late"])])
def test_an_answer_after_the_end_is_counted_and_the_wait_before_it_was_read_is_part_of_it(
    gone: float, stages: list[str]
) -> None:
    late = Late(config.parse(HEAD + POLICIES["denied"]))
    late.answered(sent(plain()), gone=gone)

    assert late.stages == stages  # by the short way, and by the ordinary one


def test_a_right_that_is_asked_for_is_never_waited_for_beyond_its_share() -> None:
    oracle = Oracle(True)
    Late(oracle=oracle).answered(sent(pod(asked())), gone=0.0, of=1.0)

    assert [type(question) for question in oracle.heard] == [MayOverride]
    assert oracle.seconds == pytest.approx([0.6])


CLIENTS, EACH_SECONDS = 60, 0.03


class Busy:
    """A loop that has more to do than it can: every answer keeps it for a while."""

    def __init__(self) -> None:
        self.told: list[Admitted] = []
        self.stages: list[str] = []

    def __call__(self, admitted: Admitted, _policy: Policy, _seconds: float) -> None:
        self.told.append(admitted)
        time.sleep(EACH_SECONDS)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


@pytest.mark.parametrize("short", [True, False], ids=["the short way", "the ordinary way"])
def test_over_tls_what_waits_for_a_busy_loop_is_late_before_anybody_has_looked_at_it(setup: Setup, short: bool) -> None:
    """Clients that are there from the start, and clients whose connections wait to be accepted. Who comes late gets an
    answer without what there is no time for, and who comes too late is told to come back."""
    busy = Busy()
    gate = Gate(config.parse(HEAD + POLICIES["audit"]))
    front = Front(gate, Tried().front, busy, busy.stages.append)
    content = body(review(plain()))
    answers: list[Any] = []

    def client(port: int, begun: threading.Barrier, *, connects_late: bool) -> None:
        if connects_late:
            begun.wait()
        with Wire(port, setup.client()) as wire:
            if not connects_late:
                begun.wait()
            wire.socket.settimeout(30)
            answers.append(wire.ask(content, "/validate?timeout=1s"))

    with running(front, Limits(), setup.watch.keeper.context, front if short else None) as server:
        begun = threading.Barrier(CLIENTS)
        threads = [
            threading.Thread(target=client, args=(server.port, begun), kwargs={"connects_late": number % 4 == 0})
            for number in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    # More than a second of work was there at once: who comes last has waited for most of it.
    verdicts = [each.json["response"] for each in answers if each.status == 200]
    sent_away = [each for each in answers if each.status == 429]
    assert len(verdicts) + len(sent_away) == CLIENTS
    assert [response["allowed"] for response in verdicts] == [True] * len(busy.told)
    spared = [each.spared for each in busy.told]
    assert (spared[0], spared[-1]) == ((), ("risk",))
    assert busy.stages.count("overload") == len(sent_away) > 0
    assert sum(marks(each) == ("risk", "not assessed") for each in verdicts) == spared.count(("risk",))


def test_who_asks_again_has_not_waited_since_before_the_last_answer() -> None:
    """A loop that works all the time read this connection's last request a long time ago, but its answer is young."""
    clock = Clock()
    protocol = object.__new__(BoundedProtocol)
    protocol._arrivals = Arrivals(clock)
    protocol._accepted = protocol._connected = clock.now - 60
    protocol._answered = float("-inf")

    async def asks() -> tuple[float, float]:
        clock.now += 0.5
        protocol._arrivals.worked()
        before = protocol._arrival()
        protocol._answered = clock.now - 0.2
        return before, protocol._arrival()

    assert asyncio.run(asks()) == (1000.0, 1000.3)


class TestCrowd:
    """More is asked than can be answered: who has waited in the queue for long is told to come back."""

    def test_on_the_short_way(self) -> None:
        late = Late()
        now = late.clock.now
        answer = late.front.respond(sent(pod()), b"timeout=10s", now - 2.5, now - 2.1)

        assert answer is not None
        head, _, content = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nretry-after: 1" in head
        assert b"connection: close" not in head
        assert json.loads(content) == {"error": "too many requests", "detail": "too many reviews are arriving at once"}
        assert (late.stages, late.seen) == (["overload"], [])

    def test_on_the_ordinary_way(self) -> None:
        late = Late()
        now = late.clock.now

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await late.front({**scope, "state": {ARRIVED: now - 2.5, WHOLE: now - 2.1}}, receive, send)

        message = {"type": "http.request", "body": sent(pod()), "more_body": False}
        answer = asyncio.run(ask(app, [message], "POST", "/validate", JSON, b"timeout=10s"))  # type: ignore[arg-type]

        assert answer is not None
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert (late.stages, late.seen) == (["overload"], [])

    def test_who_has_waited_for_others_to_be_asked_is_answered(self) -> None:
        late = Late(oracle=Oracle(True))
        now = late.clock.now
        asyncio.run(ask_since(late.front, sent(pod(asked())), b"timeout=10s", now - 5.0))

        assert late.stages == []
