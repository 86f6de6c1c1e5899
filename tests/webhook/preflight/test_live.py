"""Reading a cluster: pages of lists, and what may not be read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webhook.apiserver import ApiServer, Asked, api_server
from webhook.cluster import MAX_BYTES, connect
from webhook.preflight import live
from webhook.preflight.live import Live, UnseenError

PODS = "/api/v1/pods"


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as found:
        yield found


@pytest.fixture
def cluster(api: ApiServer, tmp_path: Path) -> Live:
    found = connect(str(api.kubeconfig(tmp_path)))
    assert found is not None
    return Live(found)


def paged(asked: Asked) -> tuple[int, Any]:
    """Five pods, by pages that hold as many as were asked for."""
    start, limit = int(asked.query.get("continue", "0=").rstrip("=/")), int(asked.query["limit"])
    end = start + limit
    more = {"continue": f"{end}=/"} if end < 5 else {}
    return 200, {"metadata": more, "items": [{"metadata": {"name": f"p{i}"}} for i in range(start, min(end, 5))]}


def names(cluster: Live) -> list[str]:
    return [live.dig(each, "metadata", "name") for each in cluster.items(PODS, "&fieldSelector=a%21%3Db")]


def test_pages_follow_each_other(api: ApiServer, cluster: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_PAGE", 2)
    api.answer = paged

    assert names(cluster) == ["p0", "p1", "p2", "p3", "p4"]
    assert [each.query for each in api.asked] == [
        {"limit": "2", "fieldSelector": "a!=b"},
        {"limit": "2", "fieldSelector": "a!=b", "continue": "2=/"},
        {"limit": "2", "fieldSelector": "a!=b", "continue": "4=/"},
    ]
    assert {each.method for each in api.asked} == {"GET"}


def test_a_page_that_is_too_large_is_asked_for_by_halves(api: ApiServer, cluster: Live) -> None:
    def answer(asked: Asked) -> tuple[int, Any]:
        return (200, b" " * (MAX_BYTES + 1)) if int(asked.query["limit"]) > 3 else paged(asked)

    api.answer = answer

    assert names(cluster) == ["p0", "p1", "p2", "p3", "p4"]
    assert [each.query["limit"] for each in api.asked] == ["500", "250", "125", "62", "31", "15", "7", "3", "3"]


def test_an_object_that_is_larger_than_is_read_is_told_of(api: ApiServer, cluster: Live) -> None:
    api.answer = lambda _: (200, b" " * (MAX_BYTES + 1))

    with pytest.raises(UnseenError, match="/api/v1/pods could not be read: the answer is larger than 8 MiB"):
        names(cluster)


def test_a_list_without_an_end_has_one(api: ApiServer, cluster: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_MOST_PAGES", 3)
    api.answer = lambda _: (200, {"metadata": {"continue": "again"}, "items": []})

    with pytest.raises(UnseenError, match="/api/v1/pods has more than 3 pages: what was counted is not all"):
        names(cluster)
    assert len(api.asked) == 3


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (403, "your account may not read /api/v1/pods"),
        (401, "your account may not read /api/v1/pods"),
        (410, "/api/v1/pods changed too much while it was read: what was counted is not all"),
        (500, "/api/v1/pods could not be read: the answer is HTTP 500"),
    ],
)
def test_what_was_not_read_is_told_by_its_path(api: ApiServer, cluster: Live, status: int, expected: str) -> None:
    api.answer = lambda _: (status, {})

    with pytest.raises(UnseenError) as caught:
        names(cluster)
    assert str(caught.value) == expected


def test_a_kind_that_the_cluster_does_not_know_has_no_objects(api: ApiServer, cluster: Live) -> None:
    api.answer = lambda _: (404, {})

    assert names(cluster) == []
    assert cluster.get("/api/v1/namespaces/a/services/b") is None


@pytest.mark.parametrize("content", [b"<html>", b"\xff", b"[" * 100_000])
def test_what_is_not_json(api: ApiServer, cluster: Live, content: bytes) -> None:
    api.answer = lambda _: (200, content)

    with pytest.raises(UnseenError, match=r"what /api/v1/pods\?limit=500.* holds is not JSON"):
        names(cluster)


@pytest.mark.parametrize("page", [[], None, "x", {"items": None}, {"items": {}}, {"items": [None, 1], "metadata": []}])
def test_a_page_that_is_no_list_has_nothing(api: ApiServer, cluster: Live, page: Any) -> None:
    api.answer = lambda _: (200, page)

    assert names(cluster) == []


def test_who_waits_is_told_how_far_it_is(api: ApiServer, tmp_path: Path) -> None:
    found = connect(str(api.kubeconfig(tmp_path)))
    assert found is not None
    seen: list[tuple[int, int]] = []
    api.answer = paged
    cluster = Live(found, lambda *numbers: seen.append(numbers))
    [*cluster.items(PODS), *cluster.items(PODS)]

    assert (seen[0], seen[-1]) == ((1, 1), (10, 2))


def test_fields_of_hostile_objects() -> None:
    assert live.dig({"a": {"b": 1}}, "a", "b") == 1
    assert live.dig({"a": [1]}, "a", "b") is None
    assert live.dig(None, "a") is None
    assert live.listed({"a": [{"b": 1}, None, "x"]}, "a") == [{"b": 1}]
    assert live.listed({"a": {"b": 1}}, "a") == []
