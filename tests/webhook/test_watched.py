"""The namespaces of a cluster are followed, whatever happens on the way; and what is too old does not count."""

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.webhook.apiserver import ApiServer, Asked, Clock, Feed, api_server
from tests.webhook.serving import HOST, wait
from webhook import watched
from webhook.cluster import Cluster
from webhook.metrics import Metrics
from webhook.watched import STALE_SECONDS, Watched


def namespace(name: str, version: int = 1, **labels: str) -> dict[str, Any]:
    meta = {"name": name, "resourceVersion": str(version), "labels": labels, "annotations": {"any": "thing"}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": meta, "status": {"phase": "Active"}}


def listed(*items: dict[str, Any], version: int = 10, more: str = "") -> tuple[int, dict[str, Any]]:
    meta = {"resourceVersion": str(version), "continue": more}
    return 200, {"apiVersion": "v1", "kind": "NamespaceList", "metadata": meta, "items": list(items)}


@dataclass
class Played:
    """A cluster whose answers are at hand, and what follows it."""

    api: ApiServer
    facts: Watched
    metrics: Metrics
    clock: Clock
    lists: list[Any] = field(default_factory=list)
    feeds: list[Any] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)
    #: Set where failures may be followed by another try.
    go_on: threading.Event = field(default_factory=threading.Event)

    def answer(self, asked: Asked) -> Any:
        answers = self.feeds if "watch" in asked.query else self.lists
        if not answers:
            return 503, {}
        return answers.pop(0) if len(answers) > 1 else answers[0]

    def pause(self, failures: int) -> float:
        self.failures.append(failures)
        self.go_on.wait(10)
        return 0.0

    def knows(self, name: str, **labels: str) -> bool:
        return wait(lambda: self.facts.labels(name) == labels)

    def asked(self, watch: bool) -> list[dict[str, str]]:
        return [asked.query for asked in self.api.asked if ("watch" in asked.query) is watch]

    def value(self, name: str, **labels: str) -> float | None:
        return self.metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Played]:
    monkeypatch.setenv("NO_PROXY", HOST)
    caplog.set_level(logging.INFO, "podgate")
    with api_server() as api:
        cluster, metrics, clock = Cluster(api.kubeconfig(tmp_path), inside=False), Metrics(), Clock()
        facts = Watched(cluster, metrics, clock, lambda failures: found.pause(failures))  # noqa: PLW0108 - it is later
        found = Played(api, facts, metrics, clock)
        api.answer = found.answer
        feed = Feed()
        found.lists, found.feeds = [listed(namespace("shop", team="a"))], [feed]
        yield found
        found.go_on.set()
        found.facts.stop()
        for each in found.feeds:
            if isinstance(each, Feed):
                each.cut()
        cluster.close()


def test_namespaces_are_listed_and_then_followed(played: Played) -> None:
    (feed,) = played.feeds
    before = played.facts.labels("shop"), played.facts.problem()
    played.facts.start()
    assert played.knows("shop", team="a")
    feed.send("ADDED", namespace("new", 11, env="dev"))
    assert played.knows("new", env="dev")
    feed.send("MODIFIED", namespace("new", 12, env="prod"))
    assert played.knows("new", env="prod")
    feed.send("MODIFIED", {"metadata": {"name": "shop", "resourceVersion": "13"}})
    assert played.knows("shop")
    feed.send("DELETED", namespace("new", 14))
    assert wait(lambda: played.facts.labels("new") is None)

    assert before == (None, "the namespaces of the cluster are not known yet")
    assert played.facts.problem() is None
    assert played.asked(watch=False) == [{"limit": "500"}]
    assert played.asked(watch=True) == [
        {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": "60", "resourceVersion": "10"}
    ]
    assert wait(lambda: played.value("podgate_namespaces") == 1)
    assert (played.value("podgate_namespaces_heard_timestamp_seconds") or 0) > 1_700_000_000


def test_a_list_comes_in_pages(played: Played) -> None:
    played.lists = [listed(namespace("a"), more="the next/one"), listed(namespace("b"))]
    played.facts.start()

    assert played.knows("b")
    assert played.knows("a")
    assert [query.get("continue") for query in played.asked(watch=False)] == [None, "the next/one"]


def test_a_watch_that_ends_goes_on_where_the_last_bookmark_was(played: Played) -> None:
    first, second = Feed(), Feed()
    played.feeds = [first, second]
    played.facts.start()
    first.send("BOOKMARK", {"kind": "Namespace", "metadata": {"resourceVersion": "99"}})
    first.end()
    second.send("ADDED", namespace("later", 100))

    assert played.knows("later")
    assert [query["resourceVersion"] for query in played.asked(watch=True)] == ["10", "99"]
    assert len(played.asked(watch=False)) == 1
    assert played.failures == []


def test_a_connection_that_is_cut_in_the_middle_goes_on_without_a_word(
    played: Played, caplog: pytest.LogCaptureFixture
) -> None:
    played.go_on.set()
    first, second = Feed(), Feed()
    played.feeds = [first, second]
    played.facts.start()
    first.send("ADDED", namespace("new", 11))
    first.raw(b'{"type": "DELETED", "obj')
    first.cut()
    second.send("ADDED", namespace("later", 12))

    assert played.knows("later")
    assert played.facts.labels("shop") == {"team": "a"}
    assert [query["resourceVersion"] for query in played.asked(watch=True)] == ["10", "11"]
    assert played.failures == [1]
    assert [record.levelno for record in caplog.records if record.levelno > logging.INFO] == []


GONE = {"kind": "Status", "code": 410, "reason": "Expired", "metadata": {}}


@pytest.mark.parametrize(
    "end",
    [
        lambda feed: feed.send("ERROR", GONE),
        lambda feed: feed.raw(b"{]\n"),
        lambda feed: feed.raw(b"\xff\n"),
        lambda feed: feed.raw(b'{"type": "ADDED", "object": {"metadata": {"name": 1}}}\n'),
        lambda feed: feed.send("STRANGE", namespace("x")),
        lambda feed: feed.send("ERROR", {"kind": "Status", "code": 500}),
    ],
    ids=["gone", "no-json", "no-text", "no-namespace", "unknown", "error"],
)
def test_what_cannot_be_followed_is_listed_anew(played: Played, end: Any) -> None:
    played.go_on.set()
    first, second = Feed(), Feed()
    played.feeds = [first, second]
    played.lists = [listed(namespace("shop", team="a")), listed(namespace("fresh"), version=50)]
    played.facts.start()
    end(first)

    assert played.knows("fresh")
    assert played.facts.labels("shop") is None
    assert wait(lambda: len(played.asked(watch=True)) == 2)
    assert [query["resourceVersion"] for query in played.asked(watch=True)] == ["10", "50"]


def test_a_watch_that_is_refused_as_too_old_is_listed_anew(played: Played) -> None:
    played.go_on.set()
    played.feeds = [(410, GONE), Feed()]
    played.lists = [listed(namespace("shop")), listed(namespace("fresh"), version=50)]
    played.facts.start()

    assert played.knows("fresh")


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ((403, {}), "the answer is HTTP 403"),
        ((500, {}), "the answer is HTTP 500"),
        ((200, b"<html>"), "the answer is not what was asked for"),
        ((200, {"metadata": {}, "items": None}), "the list has no version to follow from"),
    ],
    ids=["forbidden", "broken", "garbage", "no-version"],
)
def test_until_the_first_list_it_is_said_why_there_is_none(
    played: Played, answer: Any, problem: str, caplog: pytest.LogCaptureFixture
) -> None:
    played.lists = [answer, listed(namespace("shop", team="a"))]
    played.facts.start()
    assert wait(lambda: played.failures == [1])
    waiting = played.facts.problem()
    played.go_on.set()

    assert played.knows("shop", team="a")
    assert waiting == f"the namespaces of the cluster are not known yet: {problem}"
    assert [record.message for record in caplog.records] == [
        "the namespaces of the cluster cannot be followed",
        "the namespaces of the cluster are known",
    ]


def test_a_cluster_that_is_lost_counts_for_some_minutes_and_comes_back(
    played: Played, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = Feed(), Feed()
    played.feeds, played.lists = [first, second], [*played.lists, (503, {}), listed(namespace("fresh"))]
    played.facts.start()
    assert played.knows("shop", team="a")
    first.cut()
    assert wait(lambda: played.failures == [1])
    played.clock.now += STALE_SECONDS
    still = played.facts.labels("shop")
    played.clock.now += 1
    stale = played.facts.labels("shop"), played.facts.problem()
    played.go_on.set()

    assert played.knows("fresh")
    assert (still, stale) == ({"team": "a"}, (None, None))
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.INFO, "the namespaces of the cluster are known"),
        (logging.ERROR, "what was known of namespaces is too old to count"),
        (logging.INFO, "the namespaces of the cluster are known again"),
    ]
    assert played.value("podgate_cluster_requests_total", what="watch", result="failed") == 1
    assert played.value("podgate_cluster_requests_total", what="list", result="failed") == 1


def test_a_cluster_that_is_lost_is_said_once(played: Played, caplog: pytest.LogCaptureFixture) -> None:
    played.go_on.set()
    first, second = Feed(), Feed()
    played.feeds, played.lists = [first, (503, {}), second], [*played.lists, (503, {}), listed(namespace("fresh"))]
    played.facts.start()
    first.cut()

    assert played.knows("fresh")
    assert played.failures == [1, 2, 3]
    assert wait(lambda: len(caplog.records) == 3)  # it is said when it is known
    assert [(record.levelno, record.message) for record in caplog.records] == [
        (logging.INFO, "the namespaces of the cluster are known"),
        (logging.WARNING, "the namespaces of the cluster cannot be followed"),
        (logging.INFO, "the namespaces of the cluster are known again"),
    ]


def test_a_watch_that_ends_at_once_is_not_asked_for_without_end(played: Played) -> None:
    feeds = [Feed() for _ in range(3)]
    played.feeds = list(feeds)
    feeds[0].end()
    played.facts.start()

    assert wait(lambda: played.failures == [1])
    assert len(played.asked(watch=True)) == 1


def test_no_more_namespaces_are_kept_than_there_is_room_for(
    played: Played, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(watched, "MAX_NAMESPACES", 2)
    (feed,) = played.feeds
    played.lists = [listed(*map(namespace, "abc"), more="next"), (500, {})]
    played.facts.start()
    assert played.knows("b")
    feed.send("ADDED", namespace("d", 11))
    feed.send("MODIFIED", namespace("a", 12, still="kept"))
    assert played.knows("a", still="kept")

    assert [played.facts.labels(name) for name in "cd"] == [None, None]
    assert "there are more namespaces than are kept" in caplog.messages
    feed.send("DELETED", namespace("b", 13))
    feed.send("ADDED", namespace("d", 14))
    assert played.knows("d")


def test_labels_beyond_all_measure_are_not_kept_in_part(played: Played) -> None:
    (feed,) = played.feeds
    played.facts.start()
    assert played.knows("shop", team="a")
    feed.send("MODIFIED", namespace("shop", 11, **{f"label-{number}": "x" * 60 for number in range(1000)}))

    assert wait(lambda: played.facts.labels("shop") is None)


def test_labels_at_the_limit_are_kept_and_one_character_more_is_not(played: Played) -> None:
    (feed,) = played.feeds
    played.facts.start()
    assert played.knows("shop", team="a")
    many = {f"label-{number:04}": "x" * 54 for number in range(256)}  # 64 characters each
    feed.send("MODIFIED", namespace("shop", 11, **many))
    assert played.knows("shop", **many)
    feed.send("MODIFIED", namespace("shop", 12, **{**many, "label-0000": "x" * 55}))
    assert wait(lambda: played.facts.labels("shop") is None)


def test_pauses_grow_differ_and_stay_bounded() -> None:
    first, tenth = ([watched.pause(failures) for _ in range(50)] for failures in (1, 10_000))

    assert len(set(first)) > 1
    assert 0.5 <= min(first) <= max(first) <= 1.0
    assert 15.0 <= min(tenth) <= max(tenth) <= 30.0


def test_it_ends_while_it_waits_and_while_it_follows(played: Played) -> None:
    played.facts.start()
    assert played.knows("shop", team="a")
    assert wait(lambda: len(played.asked(watch=True)) == 1)
    played.facts.stop()

    assert not played.facts._thread.is_alive()
    assert played.failures == []


def test_a_mistake_of_ours_does_not_end_it(
    played: Played, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    played.go_on.set()
    with monkeypatch.context() as patched:
        patched.setattr(played.facts, "_list", lambda: 1 // 0)
        played.facts.start()
        assert wait(lambda: len(played.failures) > 1)

    assert played.knows("shop", team="a")
    assert "namespaces could not be followed by a mistake of ours" in caplog.messages
