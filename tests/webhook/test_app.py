"""The admission port's application: what is read, what is refused, and that an error is never a verdict."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from policies import config
from policies.config import Policy
from policies.decision import Verdict
from tests.reviews import body, pod, privileged_pod, review
from tests.webhook.serving import Answer, Wire, running
from webhook import app as app_module
from webhook import pages
from webhook.admission import Admitted
from webhook.app import Bounds, Front, Gate
from webhook.metrics import Stage

BASELINE = config.of_profile("pss-baseline")
BAD = body(review(privileged_pod()))
GOOD = body(review(pod()))
JSON = [(b"content-type", b"application/json")]


async def nothing_else(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


class Tried:
    """A front, and what it told."""

    def __init__(self, bounds: Bounds | None = None) -> None:
        self.gate = Gate(BASELINE)
        self.seen: list[tuple[Admitted, Policy, float]] = []
        self.stages: list[Stage] = []
        self.front = Front(self.gate, nothing_else, lambda *told: self.seen.append(told), self.stages.append, bounds)

    def ask(
        self,
        parts: bytes | Iterable[bytes] = GOOD,
        *,
        method: str = "POST",
        path: str = "/validate",
        headers: list[tuple[bytes, bytes]] = JSON,
        query: bytes = b"",
        leaves: bool = False,
    ) -> Answer | None:
        """The answer; None when there was none. `leaves`: the client goes before the last part has arrived."""
        parts = [parts] if isinstance(parts, bytes) else list(parts)
        messages: list[Message] = [
            {"type": "http.request", "body": part, "more_body": leaves or number < len(parts)}
            for number, part in enumerate(parts, 1)
        ]
        if leaves:
            messages.append({"type": "http.disconnect"})
        return asyncio.run(ask(self.front, messages, method, path, headers, query))


async def ask(
    front: Front, messages: list[Message], method: str, path: str, headers: list[tuple[bytes, bytes]], query: bytes
) -> Answer | None:
    sent: list[Message] = []

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": headers, "query_string": query}
    await front(scope, receive, send)
    if not sent:
        return None
    start, content = sent
    given = {name.decode(): value.decode() for name, value in start["headers"]}
    return Answer(start["status"], given, content["body"])


@pytest.fixture
def tried() -> Tried:
    return Tried()


def refused(answer: Answer | None, status: int) -> Any:
    """The body of a refusal, after a look at what every refusal has in common."""
    assert answer is not None
    assert answer.status == status
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert set(answer.json) == {"error", "detail"}
    assert '"allowed"' not in answer.body.decode()
    return answer.json


@pytest.mark.parametrize(("sent", "allowed"), [(GOOD, True), (BAD, False)], ids=["good", "bad"])
def test_a_review_is_answered_with_a_verdict(tried: Tried, sent: bytes, allowed: bool) -> None:
    answer = tried.ask(sent)

    assert answer is not None
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json["response"]["allowed"] is allowed
    assert [told[0].decision.verdict for told in tried.seen] == [Verdict.ALLOW if allowed else Verdict.DENY]
    assert tried.stages == []


def test_a_review_may_arrive_in_any_number_of_parts(tried: Tried) -> None:
    answer = tried.ask([BAD[:10], b"", BAD[10:500], BAD[500:]])

    assert answer is not None
    assert answer.json["response"]["allowed"] is False


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "post"])
def test_only_post_is_allowed(tried: Tried, method: str) -> None:
    answer = tried.ask(method=method)
    refused(answer, 405)

    assert answer is not None
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "kind", [b"application/json", b"application/json; charset=utf-8", b"Application/JSON", b"application/json ;a=b"]
)
def test_json_may_be_called_json_in_several_ways(tried: Tried, kind: bytes) -> None:
    answer = tried.ask(headers=[(b"content-type", kind), (b"content-encoding", b"identity")])

    assert answer is not None
    assert answer.status == 200


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"content-type", b"text/plain")],
        [(b"content-type", b"application/jsonp")],
        [(b"content-type", b"application/vnd.kubernetes.protobuf")],
        [*JSON, (b"content-encoding", b"gzip")],
        [*JSON, (b"content-encoding", b"identity, gzip")],
    ],
    ids=str,
)
def test_what_is_not_plain_json_is_refused(tried: Tried, headers: list[tuple[bytes, bytes]]) -> None:
    refused(tried.ask(headers=headers), 415)

    assert tried.stages == ["call"]


@pytest.mark.parametrize("parts", [b"", [b"", b""]], ids=["at-once", "in-parts"])
def test_an_empty_body_is_refused(tried: Tried, parts: bytes | list[bytes]) -> None:
    assert "empty" in refused(tried.ask(parts), 400)["detail"]


@pytest.mark.parametrize("sent", [b"{", b"\xff", b"[" * 100_000, b"null", b'{"apiVersion": "v1"}'], ids=len)
def test_what_is_no_review_is_refused(tried: Tried, sent: bytes) -> None:
    assert refused(tried.ask(sent), 400)["error"] == "bad request"
    assert tried.seen == []


SMALL = Bounds(body_bytes=len(GOOD), total_bytes=2 * len(GOOD), reading=2)


@pytest.mark.parametrize("parts", [[GOOD], [GOOD[:9], GOOD[9:]]], ids=["at-once", "in-parts"])
def test_a_body_at_the_limit_is_read_and_one_over_it_is_not(parts: list[bytes]) -> None:
    small = Tried(SMALL)
    at_the_limit = small.ask(parts)

    assert at_the_limit is not None
    assert at_the_limit.status == 200
    refused(small.ask([*parts[:-1], parts[-1] + b" "]), 413)
    refused(small.ask([*parts, b" ", b""]), 413)


def test_a_body_that_is_announced_too_large_is_not_waited_for() -> None:
    announced = [*JSON, (b"content-length", str(len(GOOD) + 1).encode())]

    refused(Tried(SMALL).ask([], headers=announced), 413)


def test_a_client_that_leaves_is_not_answered(tried: Tried) -> None:
    assert tried.ask([], leaves=True) is None
    assert tried.ask([GOOD[:100]], leaves=True) is None
    assert tried.seen == []
    assert tried.stages == []


def test_whatever_else_is_asked_goes_elsewhere(tried: Tried) -> None:
    answer = tried.ask(path="/validate/")

    assert answer is not None
    assert answer.status == 404


class Slow:
    """Clients whose bodies arrive when the test says so."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._queues: list[asyncio.Queue[Message]] = []
        self._tasks: list[asyncio.Task[Answer | None]] = []

    async def start(self, part: bytes) -> int:
        queue: asyncio.Queue[Message] = asyncio.Queue()
        self._queues.append(queue)
        self._tasks.append(asyncio.create_task(self._ask(queue)))
        number = len(self._queues) - 1
        await self.go_on(number, part)
        return number

    async def go_on(self, number: int, part: bytes, *, more: bool = True) -> None:
        self._queues[number].put_nowait({"type": "http.request", "body": part, "more_body": more})
        for _ in range(5):
            await asyncio.sleep(0)

    def answered(self, number: int) -> int | None:
        task = self._tasks[number]
        if not task.done():
            return None
        answer = task.result()
        return answer.status if answer else None

    async def _ask(self, queue: asyncio.Queue[Message]) -> Answer | None:
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/validate", "headers": JSON, "query_string": b""}
        await self._front(scope, queue.get, send)
        given = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return Answer(sent[0]["status"], given, sent[1]["body"])


def play(scene: Callable[[Slow, Tried], Awaitable[None]], bounds: Bounds) -> None:
    async def run() -> None:
        tried = Tried(bounds)
        await scene(Slow(tried.front), tried)

    asyncio.run(run())


def test_too_many_half_read_reviews_are_turned_away_and_whole_ones_are_not() -> None:
    async def scene(slow: Slow, tried: Tried) -> None:
        first, second = await slow.start(GOOD[:10]), await slow.start(GOOD[:10])
        third = await slow.start(GOOD[:10])
        whole = await ask(tried.front, [{"type": "http.request", "body": GOOD}], "POST", "/validate", JSON, b"")
        await slow.go_on(first, GOOD[10:], more=False)
        fourth = await slow.start(GOOD[:10])

        assert [slow.answered(number) for number in (first, second, third, fourth)] == [200, None, 429, None]
        assert whole is not None
        assert whole.status == 200
        assert tried.stages == ["overload"]
        for number in (second, fourth):
            await slow.go_on(number, GOOD[10:], more=False)
        assert [slow.answered(number) for number in (second, fourth)] == [200, 200]

    play(scene, SMALL)


def test_the_bytes_that_are_held_are_bounded_and_given_back() -> None:
    async def scene(slow: Slow, tried: Tried) -> None:
        first, second = await slow.start(GOOD[:-1]), await slow.start(GOOD[:-1])
        third = await slow.start(b" " * 3)
        assert [slow.answered(number) for number in (first, second, third)] == [None, None, 429]
        for number in (first, second):
            await slow.go_on(number, GOOD[-1:], more=False)
        fourth = await slow.start(GOOD[:-1])
        await slow.go_on(fourth, GOOD[-1:], more=False)
        assert [slow.answered(number) for number in (first, second, fourth)] == [200, 200, 200]
        assert tried.front._held_bytes == tried.front._reading == 0

    play(scene, Bounds(body_bytes=len(GOOD), total_bytes=2 * len(GOOD), reading=10))


def test_who_is_turned_away_is_told_when_to_come_back() -> None:
    answer = Tried(Bounds(reading=0)).ask([GOOD[:10], GOOD[10:]])

    assert refused(answer, 429)["error"] == "too many requests"
    assert answer is not None
    assert answer.headers["retry-after"] == "1"


@pytest.mark.parametrize("error", [ValueError("secret"), RecursionError(), MemoryError(), KeyError("secret")], ids=repr)
def test_a_mistake_of_ours_is_no_verdict(
    tried: Tried, error: Exception, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Admitted:
        raise error

    monkeypatch.setattr(app_module, "consider", fail)
    with caplog.at_level(logging.ERROR, "podgate"):
        problem = refused(tried.ask(), 500)

    assert problem["error"] == "internal server error"
    assert "secret" not in json.dumps(problem)
    assert [record.__dict__["fields"]["uid"] for record in caplog.records] == ["b5a9c1f2-0001-4000-8000-000000000001"]
    assert (tried.seen, tried.stages) == ([], ["review"])


def test_a_mistake_of_ours_about_an_unreadable_review_is_logged_without_a_uid(
    tried: Tried, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> Admitted:
        raise ValueError

    monkeypatch.setattr(app_module, "consider", fail)
    refused(tried.ask(b"{"), 500)

    assert caplog.records[-1].__dict__["fields"] == {"uid": None}


def test_a_policy_that_is_swapped_is_used_from_the_next_review_on(tried: Tried) -> None:
    tried.ask(BAD)
    tried.gate.policy = config.parse(
        "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {profile: pss-baseline, mode: audit}"
    )
    answer = tried.ask(BAD)

    assert answer is not None
    assert answer.json["response"]["allowed"] is True
    assert [told[0].decision.verdict for told in tried.seen] == [Verdict.DENY, Verdict.ALLOW]


def test_an_answer_that_comes_too_late_is_counted(tried: Tried) -> None:
    answer = tried.ask(query=b"timeout=0s")

    assert answer is not None
    assert answer.status == 200
    assert tried.stages == ["late"]


def test_over_the_wire_the_connection_survives_a_refusal() -> None:
    with running(Tried().front) as server, Wire(server.port) as wire:
        answers = [
            wire.ask(b""),
            wire.ask(GOOD, content_type="text/plain"),
            wire.ask(b"{" * 100_000),
            wire.get("/validate"),
            wire.ask(GOOD),
        ]

    assert [(answer.status, answer.closes) for answer in answers] == [
        (400, False),
        (415, False),
        (400, False),
        (405, False),
        (200, False),
    ]


def test_the_pages_behind_the_front_describe_it_and_answer_in_the_same_form() -> None:
    tried = Tried()
    front = Front(tried.gate, pages.build(), lambda *_: None, tried.stages.append)
    with running(front) as server, Wire(server.port) as wire:
        described = wire.get("/openapi.json")
        missing = wire.get("/docs")
        wrong = wire.ask(b"", "/openapi.json")

    operation = described.json["paths"]["/validate"]["post"]
    assert set(operation["responses"]) >= {"200", "400", "405", "413", "415", "429", "500"}
    assert "$ref" not in described.body.decode()
    assert refused(missing, 404)["error"] == "not found"
    assert refused(wrong, 405)["error"] == "method not allowed"
