"""Questions to the cluster: exactly what is sent, what counts as an answer, and how little is asked."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from threading import Event
from typing import Any, TypeVar

import msgspec
import pytest

from policies.identity import Requester
from tests.webhook.apiserver import ApiServer, Asked, Clock, api_server
from tests.webhook.serving import HOST, wait
from webhook import authority
from webhook.asking import MayOverride, NamespaceOf, OwnerOf, Question
from webhook.authority import ClusterAuthority
from webhook.cluster import Cluster
from webhook.metrics import Metrics

T = TypeVar("T")
ALICE = Requester("alice", ("dev", "system:authenticated"), "u-1", (("scopes.example.com/x", ("a", "b")),))
OVERRIDE = MayOverride(ALICE, "host-path", "shop", "web")
REPLICA_SET = OwnerOf("apps/v1", "ReplicaSet", "shop", "web-5d")
SHOP = NamespaceOf("shop")


class Tried:
    def __init__(self, api: ApiServer, folder: Path) -> None:
        self.api = api
        self.metrics = Metrics()
        self.clock = Clock()
        self.cluster = Cluster(api.kubeconfig(folder), inside=False)
        self.asks = ClusterAuthority(self.cluster, self.metrics.cluster, self.clock)

    def run(self, play: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return asyncio.run(play())

    def ask(self, question: Question, seconds: float = 5) -> Any:
        return self.run(lambda: self.asks.ask(question, seconds))

    def says(self, status: int, content: Any) -> None:
        self.api.answer = lambda _: (status, content)

    def counted(self, what: str, result: str) -> float:
        labels = {"what": what, "result": result}
        return self.metrics.registry.get_sample_value("podgate_cluster_requests_total", labels) or 0.0


@pytest.fixture
def tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tried]:
    monkeypatch.setenv("NO_PROXY", HOST)
    with api_server() as api:
        found = Tried(api, tmp_path)
        yield found
        api.released.set()
        found.asks.close()
        found.asks._threads.shutdown()
        found.cluster.close()


def access(*, allowed: Any, **status: Any) -> dict[str, Any]:
    return {"kind": "SubjectAccessReview", "status": {"allowed": allowed, **status}}


def obj(api_version: str, kind: str, name: str, namespace: str | None = None, **meta: Any) -> dict[str, Any]:
    where = {} if namespace is None else {"namespace": namespace}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, **where, **meta}}


OWNER = obj("apps/v1", "ReplicaSet", "web-5d", "shop", uid="1", annotations={"a": "b"})


def test_who_may_override_is_asked_in_these_words(tried: Tried) -> None:
    tried.says(201, access(allowed=True))
    answer = tried.ask(OVERRIDE)

    assert answer is True
    (asked,) = tried.api.asked
    assert (asked.method, asked.path) == ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews")
    assert asked.body == {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "alice",
            "uid": "u-1",
            "groups": ["dev", "system:authenticated"],
            "extra": {"scopes.example.com/x": ["a", "b"]},
            "resourceAttributes": {
                "namespace": "shop",
                "verb": "override",
                "group": "podgate.dev",
                "resource": "rules",
                "name": "host-path",
            },
        },
    }
    assert tried.counted("access", "ok") == 1


@pytest.mark.parametrize(
    ("status", "content", "answer", "result"),
    [
        (201, access(allowed=False), False, "ok"),
        (201, access(allowed=False, denied=True, reason="no"), False, "ok"),
        (201, access(allowed=True, denied=True), False, "ok"),
        (201, access(allowed=False, evaluationError="role not found"), False, "ok"),
        (201, access(allowed="true"), None, "failed"),
        (201, access(allowed=1), None, "failed"),
        (201, {"kind": "SubjectAccessReview", "status": {}}, None, "failed"),
        (201, {"kind": "SubjectAccessReview"}, None, "failed"),
        (201, b"\xff{", None, "failed"),
        (200, b"", None, "failed"),
        (401, access(allowed=True), None, "refused"),
        (403, access(allowed=True), None, "refused"),
        (404, access(allowed=True), None, "missing"),
        (500, access(allowed=True), None, "failed"),
        (307, b"https://127.0.0.1:1/", None, "failed"),
    ],
)
def test_only_a_plain_yes_is_one(tried: Tried, status: int, content: Any, answer: bool | None, result: str) -> None:
    tried.says(status, content)

    assert tried.ask(OVERRIDE) is answer
    assert tried.counted("access", result) == 1


def test_an_owner_is_looked_up_where_its_kind_is_kept(tried: Tried) -> None:
    tried.says(200, OWNER)

    assert tried.ask(REPLICA_SET) == OWNER
    assert [(asked.method, asked.path) for asked in tried.api.asked] == [
        ("GET", "/apis/apps/v1/namespaces/shop/replicasets/web-5d")
    ]


def test_a_namespace_is_looked_up(tried: Tried) -> None:
    found = obj("v1", "Namespace", "shop", labels={"team": "a"})
    tried.says(200, found)

    assert tried.ask(SHOP) == found
    assert tried.api.asked[0].path == "/api/v1/namespaces/shop"
    assert tried.counted("namespace", "ok") == 1


@pytest.mark.parametrize(
    ("api_version", "kind", "path"),
    [
        ("apps/v1", "Deployment", "/apis/apps/v1/namespaces/n/deployments/x.y"),
        ("apps/v1", "StatefulSet", "/apis/apps/v1/namespaces/n/statefulsets/x.y"),
        ("apps/v1", "DaemonSet", "/apis/apps/v1/namespaces/n/daemonsets/x.y"),
        ("batch/v1", "Job", "/apis/batch/v1/namespaces/n/jobs/x.y"),
        ("batch/v1", "CronJob", "/apis/batch/v1/namespaces/n/cronjobs/x.y"),
        ("v1", "ReplicationController", "/api/v1/namespaces/n/replicationcontrollers/x.y"),
    ],
)
def test_every_kind_that_controllers_use_has_its_place(tried: Tried, api_version: str, kind: str, path: str) -> None:
    tried.says(200, obj(api_version, kind, "x.y", "n"))

    assert tried.ask(OwnerOf(api_version, kind, "n", "x.y")) is not None
    assert tried.api.asked[0].path == path


@pytest.mark.parametrize(
    "question",
    [
        OwnerOf("v1", "Secret", "shop", "token"),
        OwnerOf("apps/v1beta1", "ReplicaSet", "shop", "web"),
        OwnerOf("evil.example.com/v1", "ReplicaSet", "shop", "web"),
        OwnerOf("apps/v1", "replicasets", "shop", "web"),
        *[
            OwnerOf("apps/v1", "ReplicaSet", namespace, name)
            for odd in (
                "",
                ".",
                "..",
                "../../secrets/x",
                "a/b",
                "a?b=c",
                "a#b",
                "a%2fb",
                "a\n",
                "a b",
                "é",
                "A",
                "x" * 254,
            )
            for namespace, name in (("shop", odd), (odd, "web"))
        ],
        NamespaceOf(""),
        NamespaceOf("shop/pods"),
        NamespaceOf(".."),
    ],
    ids=repr,
)
def test_nothing_that_a_requester_writes_chooses_what_is_fetched(tried: Tried, question: Question) -> None:
    tried.says(200, {})

    assert tried.ask(question) is None
    assert tried.api.asked == []
    assert tried.counted("owner", "unasked") + tried.counted("namespace", "unasked") == 1


@pytest.mark.parametrize(
    "content",
    [
        obj("apps/v1", "ReplicaSet", "other", "shop"),
        obj("apps/v1", "ReplicaSet", "web-5d", "other"),
        obj("apps/v1", "ReplicaSet", "web-5d"),
        obj("apps/v1", "Deployment", "web-5d", "shop"),
        obj("apps/v2", "ReplicaSet", "web-5d", "shop"),
        {"apiVersion": "apps/v1", "kind": "ReplicaSet"},
        {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": None},
        [],
        b"null",
        b"{",
        b"[" * 100_000,
    ],
)
def test_an_answer_about_something_else_is_none(tried: Tried, content: Any) -> None:
    tried.says(200, content)

    assert tried.ask(REPLICA_SET) is None
    assert tried.counted("owner", "failed") == 1


def test_an_owner_that_is_not_there_is_not_known_and_is_asked_for_again(
    tried: Tried, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [tried.ask(REPLICA_SET)]
    tried.says(200, OWNER)
    answers.append(tried.ask(REPLICA_SET))

    assert answers == [None, OWNER]
    assert (tried.counted("owner", "missing"), caplog.messages) == (1, [])


def test_an_answer_that_comes_too_late_is_none(tried: Tried) -> None:
    tried.api.answer = tried.api.wait

    assert tried.ask(OVERRIDE, 0.2) is None
    assert tried.ask(SHOP, 0) is None
    assert [asked.method for asked in tried.api.asked] == ["POST"]


@pytest.mark.parametrize(("allowed", "seconds"), [(True, 10), (False, 5)])
def test_an_answer_is_good_for_some_seconds(tried: Tried, allowed: bool, seconds: float) -> None:
    asked = []
    for later in (0, seconds - 0.1, 0.1):
        tried.says(201, access(allowed=allowed))
        tried.clock.now += later
        assert tried.ask(OVERRIDE) is allowed
        asked.append(len(tried.api.asked))

    assert asked == [1, 1, 2]


def test_an_object_is_good_for_two_seconds(tried: Tried) -> None:
    tried.says(200, OWNER)
    asked = []
    for later in (0, 1.9, 0.1):
        tried.clock.now += later
        tried.ask(REPLICA_SET)
        asked.append(len(tried.api.asked))

    assert asked == [1, 1, 2]


def test_a_large_object_is_not_kept(tried: Tried) -> None:
    tried.says(200, obj("apps/v1", "ReplicaSet", "web-5d", "shop", annotations={"a": "x" * 70_000}))
    tried.ask(REPLICA_SET)
    tried.ask(REPLICA_SET)

    assert len(tried.api.asked) == 2
    assert len(tried.asks.objects) == 0


def test_an_object_at_the_limit_is_kept_and_a_byte_more_is_not(tried: Tried) -> None:
    def kept(size: int) -> int:
        room = size - len(json.dumps(obj("apps/v1", "ReplicaSet", "web-5d", "shop", annotations={"a": ""})))
        tried.says(200, obj("apps/v1", "ReplicaSet", "web-5d", "shop", annotations={"a": "x" * room}))
        assert tried.ask(REPLICA_SET) is not None
        return len(tried.asks.objects)

    assert kept((64 << 10) + 1) == 0
    assert kept(64 << 10) == 1


def test_what_nobody_could_say_is_asked_again(tried: Tried) -> None:
    tried.says(500, {})
    tried.ask(OVERRIDE)
    tried.says(201, access(allowed=True))

    assert tried.ask(OVERRIDE) is True


@pytest.mark.parametrize(
    "other",
    [
        MayOverride(msgspec.structs.replace(ALICE, username="bob"), "host-path", "shop", "web"),
        MayOverride(msgspec.structs.replace(ALICE, uid="u-2"), "host-path", "shop", "web"),
        MayOverride(msgspec.structs.replace(ALICE, groups=("dev",)), "host-path", "shop", "web"),
        MayOverride(msgspec.structs.replace(ALICE, extra=()), "host-path", "shop", "web"),
        MayOverride(
            msgspec.structs.replace(ALICE, extra=(("scopes.example.com/x", ("a",)),)), "host-path", "shop", "web"
        ),
        MayOverride(ALICE, "host-pid", "shop", "web"),
        MayOverride(ALICE, "host-path", "other", "web"),
        MayOverride(ALICE, "host-path", "", "web"),
    ],
    ids=["user", "uid", "groups", "no extra", "extra", "rule", "namespace", "cluster"],
)
def test_a_yes_is_for_exactly_who_asked_what(tried: Tried, other: MayOverride) -> None:
    tried.says(201, access(allowed=True))
    tried.ask(OVERRIDE)
    tried.says(201, access(allowed=False))

    assert tried.ask(other) is False
    assert tried.ask(OVERRIDE) is True


def test_the_name_of_the_workload_changes_no_answer(tried: Tried) -> None:
    tried.says(201, access(allowed=True))
    tried.ask(OVERRIDE)
    tried.ask(MayOverride(ALICE, "host-path", "shop", "another"))

    assert len(tried.api.asked) == 1


def test_answers_are_kept_in_a_bounded_number(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    tried.asks.access._most = 3
    tried.says(201, access(allowed=True))
    rules = [MayOverride(ALICE, f"rule-{number}", "shop", "") for number in range(5)]
    for question in rules:
        tried.ask(question)
    assert len(tried.asks.access) == 3
    assert tried.asks.access.get(rules[1]) is None
    assert tried.asks.access.get(rules[2]) is True
    tried.clock.now += 11
    tried.ask(OVERRIDE)

    assert len(tried.asks.access) == 1
    assert (authority.MAX_ACCESS, authority.MAX_OBJECTS) == (4096, 128)


def held(tried: Tried, content: Any) -> Event:
    """Answers wait for this."""
    go = Event()

    def answer(_: Asked) -> tuple[int, Any]:
        go.wait(10)
        return 201, content

    tried.api.answer = answer
    return go


def test_the_same_question_is_asked_once_however_many_wait(tried: Tried) -> None:
    go = held(tried, access(allowed=True))

    async def play() -> list[Any]:
        asking = [asyncio.create_task(tried.asks.ask(OVERRIDE, 5)) for _ in range(20)]
        await asyncio.to_thread(wait, lambda: bool(tried.api.asked))
        go.set()
        return await asyncio.gather(*asking)

    assert tried.run(play) == [True] * 20
    assert len(tried.api.asked) == 1


def test_who_gives_up_does_not_spoil_it_for_others(tried: Tried) -> None:
    go = held(tried, access(allowed=True))

    async def play() -> list[Any]:
        patient = asyncio.create_task(tried.asks.ask(OVERRIDE, 5))
        await asyncio.sleep(0)
        hasty = await tried.asks.ask(OVERRIDE, 0.05)
        cancelled = asyncio.create_task(tried.asks.ask(OVERRIDE, 5))
        await asyncio.sleep(0)
        cancelled.cancel()
        go.set()
        return [hasty, await patient]

    assert tried.run(play) == [None, True]
    assert len(tried.api.asked) == 1


def test_eight_questions_are_asked_at_once_and_the_others_wait(tried: Tried) -> None:
    go = held(tried, access(allowed=True))

    async def play() -> tuple[int, list[Any]]:
        questions = [MayOverride(ALICE, f"rule-{number}", "shop", "") for number in range(20)]
        asking = [asyncio.create_task(tried.asks.ask(question, 5)) for question in questions]
        await asyncio.to_thread(wait, lambda: len(tried.api.asked) >= authority.AT_ONCE)
        at_once = len(tried.api.asked)
        go.set()
        return at_once, await asyncio.gather(*asking)

    assert tried.run(play) == (8, [True] * 20)
    assert tried.api.connections <= 8


def test_who_waited_too_long_is_not_asked_for_any_more(tried: Tried) -> None:
    go = held(tried, access(allowed=True))

    async def play() -> Any:
        questions = [MayOverride(ALICE, f"rule-{number}", "shop", "") for number in range(8)]
        asking = [asyncio.create_task(tried.asks.ask(question, 30)) for question in questions]
        waiting = asyncio.create_task(tried.asks.ask(OVERRIDE, 20))
        await asyncio.to_thread(wait, lambda: len(tried.api.asked) == 8)
        tried.clock.now += 21
        go.set()
        await asyncio.gather(*asking)
        return await waiting

    assert tried.run(play) is None
    assert len(tried.api.asked) == 8
    assert tried.counted("access", "late") == 1


def test_beyond_measure_nobody_is_made_to_wait(tried: Tried, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "MAX_WAITING", 2)
    go = held(tried, access(allowed=True))

    async def play() -> list[Any]:
        asking = [asyncio.create_task(tried.asks.ask(MayOverride(ALICE, rule, "shop", ""), 5)) for rule in "abc"]
        third = await asking[2]
        go.set()
        return [third, await asking[0], await asking[1]]

    assert tried.run(play) == [None, True, True]
    assert tried.counted("access", "unasked") == 1


def test_while_nothing_is_answered_one_question_at_a_time_tries_again(tried: Tried) -> None:
    tried.says(500, {})
    for rule in "abc":
        tried.ask(MayOverride(ALICE, rule, "shop", ""))
    go = held(tried, access(allowed=True))

    async def play() -> list[Any]:
        trying = asyncio.create_task(tried.asks.ask(OVERRIDE, 5))
        await asyncio.sleep(0)
        others = [await tried.asks.ask(MayOverride(ALICE, rule, "shop", ""), 5) for rule in "abc"]
        go.set()
        return [*others, await trying, await tried.asks.ask(SHOP, 5)]

    assert tried.run(play)[:4] == [None, None, None, True]
    assert tried.counted("access", "unasked") == 3
    assert len(tried.api.asked) == 5


def test_failures_are_said_once_a_minute_and_without_the_answer(tried: Tried, caplog: pytest.LogCaptureFixture) -> None:
    tried.says(403, {"message": "secret"})
    for later in (0, 30, 31):
        tried.clock.now += later
        tried.ask(OVERRIDE)

    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert caplog.records[0].__dict__["fields"] == {
        "what": "access",
        "result": "refused",
        "problem": "the answer is HTTP 403",
    }


def test_a_mistake_of_ours_is_no_answer_and_is_logged(
    tried: Tried, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tried.cluster, "ask", lambda *_: 1 // 0)

    assert tried.ask(OVERRIDE) is None
    assert caplog.messages == ["the cluster could not be asked by a mistake of ours"]


def test_at_the_end_nobody_is_asked_and_nobody_waits(tried: Tried) -> None:
    go = held(tried, access(allowed=True))

    async def play() -> list[Any]:
        questions = [MayOverride(ALICE, f"rule-{number}", "shop", "") for number in range(10)]
        asking = [asyncio.create_task(tried.asks.ask(question, 5)) for question in questions]
        await asyncio.to_thread(wait, lambda: len(tried.api.asked) == 8)
        late = asyncio.create_task(tried.asks.ask(SHOP, 5))
        tried.asks.close()
        go.set()
        return [*await asyncio.gather(*asking), await late, await tried.asks.ask(REPLICA_SET, 5)]

    assert tried.run(play) == [*[True] * 8, None, None, None, None]
