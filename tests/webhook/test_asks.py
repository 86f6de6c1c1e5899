"""Reviews that somebody has to be asked about, through the application."""

import asyncio
import time
from typing import Any

import pytest

from tests.reviews import body, review
from tests.webhook.serving import Wire, running
from tests.webhook.test_app import JSON, Tried
from tests.webhook.test_grants import CONTEXT, POLICY, REPLICASETS, asked, made, pod, replicaset
from webhook.admission import Context
from webhook.app import Bounds, Front, Gate
from webhook.asking import Answer, MayOverride, NamespaceOf, OwnerOf, Question
from webhook.deadline import Deadline
from webhook.grants import Asked


class Oracle:
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.heard: list[Question] = []
        self.seconds: list[float] = []

    async def ask(self, question: Question, seconds: float) -> Answer:
        self.heard.append(question)
        self.seconds.append(seconds)
        await asyncio.sleep(0)
        return self.answers.pop(0)


class Nowhere:
    """Knows no namespace."""

    def labels(self, namespace: str) -> None:  # noqa: ARG002
        return None


def sent(obj: dict[str, Any], user: str = "alice") -> bytes:
    return body(review(obj, namespace="shop", userInfo={"username": user}))


def tried(oracle: Oracle | None, context: Context = CONTEXT) -> Tried:
    found = Tried()
    found.gate = Gate(POLICY, context, oracle)
    found.front = Front(found.gate, found.front._other, lambda *told: found.seen.append(told), found.stages.append)
    return found


def allowed(found: Tried, content: bytes, query: bytes = b"") -> bool:
    answer = found.ask(content, query=query)
    assert answer is not None
    assert answer.status == 200
    return bool(answer.json["response"]["allowed"])


def test_the_answer_decides() -> None:
    for answer in (True, False, None):
        oracle = Oracle(answer)
        assert allowed(tried(oracle), sent(pod(asked()))) is (answer is True)
        assert [type(question) for question in oracle.heard] == [MayOverride]


def test_nobody_is_asked_about_what_needs_no_override() -> None:
    oracle = Oracle()
    assert allowed(tried(oracle), sent({**pod(asked()), "spec": {"containers": []}})) is True
    assert not allowed(tried(oracle), sent(pod()))
    assert oracle.heard == []


def test_where_nobody_can_be_asked_it_does_not_count() -> None:
    assert not allowed(tried(None), sent(pod(asked())))


def test_an_owner_is_looked_up_for_what_a_controller_makes() -> None:
    oracle = Oracle(replicaset(asked()))
    assert allowed(tried(oracle), sent(made(), REPLICASETS))
    assert oracle.heard == [OwnerOf("apps/v1", "ReplicaSet", "shop", "app-1")]


def test_a_namespace_that_is_not_known_comes_first_and_then_the_rest() -> None:
    oracle = Oracle({"metadata": {"labels": {}}}, True)
    assert allowed(tried(oracle, Context(Nowhere(), CONTEXT.now)), sent(pod(asked())))
    assert [type(question) for question in oracle.heard] == [NamespaceOf, MayOverride]


def test_a_namespace_that_nobody_knows_is_strict() -> None:
    oracle = Oracle(None)
    plain = {**pod(), "spec": {"containers": [{"name": "a"}]}}
    assert not allowed(tried(oracle, Context(Nowhere(), CONTEXT.now)), sent(plain))


@pytest.mark.parametrize(
    ("query", "most"), [(b"", 3.0), (b"timeout=10s", 3.0), (b"timeout=2s", 1.2), (b"timeout=4.5s", 2.7)]
)
def test_it_is_asked_within_the_time_that_the_caller_waits(query: bytes, most: float) -> None:
    oracle = Oracle(True)
    assert allowed(tried(oracle), sent(pod(asked())), query)
    (seconds,) = oracle.seconds
    assert most - 0.05 < seconds <= most


def test_a_review_is_told_once_and_with_the_policy_of_its_namespace() -> None:
    found = tried(Oracle(True))
    allowed(found, sent(pod(asked())))
    ((admitted, policy, seconds),) = found.seen
    assert policy is admitted.policy
    assert policy.hash == POLICY.hash
    assert 0 < seconds < 3


def test_what_waits_for_answers_counts_against_the_memory() -> None:
    """Otherwise whoever reaches the port could have every connection hold a review of the greatest size."""

    class Slow(Oracle):
        most = 0

        async def ask(self, question: Question, seconds: float) -> Answer:
            self.most = max(self.most, front._held_bytes)
            await asyncio.sleep(0.01)
            return await super().ask(question, seconds)

    content = sent(pod(asked()))
    oracle = Slow(*[True] * 10)
    found = tried(oracle)
    front = Front(found.gate, found.front._other, lambda *_: None, found.stages.append, Bounds(total_bytes=1500))
    waiting = Deadline(time.monotonic(), 10.0)
    assert len(content) * 3 > 1500 > len(content)

    async def together() -> list[bytes]:
        first = front._answer(content, waiting)
        assert isinstance(first, Asked)
        return await asyncio.gather(*(front._ask(first, content, waiting) for _ in range(4)))

    answers = [b'"allowed":true' in answer for answer in asyncio.run(together())]
    assert 0 < oracle.most <= 1500
    assert 0 < answers.count(True) < 4
    assert front._held_bytes == 0


def test_the_short_way_leaves_it_to_the_ordinary_one() -> None:
    oracle = Oracle(True)
    front = tried(oracle).front
    assert front.takes({"type": "http", "method": "POST", "path": "/validate", "headers": JSON})
    assert front.respond(sent(pod(asked())), b"", time.monotonic(), time.monotonic()) is None
    assert front.respond(sent(pod()), b"", time.monotonic(), time.monotonic()) is not None
    assert oracle.heard == []


def test_over_one_connection_what_is_asked_about_and_what_is_not_come_in_turn() -> None:
    front = tried(Oracle(*[True] * 4)).front
    with running(front, desk=front) as server, Wire(server.port) as wire:
        found = [
            wire.ask(content).json["response"]["allowed"]
            for content in (sent(pod(asked())), sent(pod()), sent(pod(asked())), sent(pod()), sent(pod(asked())))
        ]
    assert found == [True, False, True, False, True]
