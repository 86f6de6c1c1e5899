"""The whole program beside a cluster, and with a file of namespaces: what a review is judged by."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.reviews import body, privileged_pod, review
from tests.webhook.apiserver import ApiServer, Asked, Feed, api_server
from tests.webhook.serving import HOST, wait
from tests.webhook.test_serve import OLD, Served, failed, install, start
from tests.webhook.test_watched import listed, namespace

Begin = Callable[..., Served]
LENIENT = {"podgate.dev/mode": "audit"}


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture
def begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    monkeypatch.setenv("NO_PROXY", HOST)
    started: list[Served] = []

    def go(*flags: str) -> Served:
        install(tmp_path, OLD)
        found = Served(tmp_path, start(tmp_path, "--drain-seconds", "0", *flags))
        started.append(found)
        found.begin()
        return found

    yield go
    for found in started:
        found.process.terminate()
        assert found.end() == 0
        for stream in (found.process.stdout, found.process.stderr):
            if stream is not None:
                stream.close()


def allowed(served: Served, where: str) -> bool:
    found: bool = served.ask(body(review(privileged_pod(), namespace=where))).json["response"]["allowed"]
    return found


def test_it_is_ready_when_the_cluster_has_told_of_its_namespaces_and_stays_so(
    begin: Begin, api: ApiServer, tmp_path: Path
) -> None:
    feed, answers = Feed(), {"list": listed(namespace("lenient", 1, **LENIENT), namespace("other"))}

    def answer(asked: Asked) -> Any:
        if "watch" in asked.query:
            return feed
        return answers.get("list", (503, {})) if asked.path == "/api/v1/namespaces" else (404, {})

    api.answer = lambda _: (403, {})
    served = begin("--cluster", str(api.kubeconfig(tmp_path)))
    assert wait(lambda: "HTTP 403" in str(served.ops("/readyz").body))
    before = served.ops("/readyz")
    api.answer = answer
    assert wait(lambda: served.ops("/readyz").status == 200, 20)

    assert before.json["problems"] == ["the namespaces of the cluster are not known yet: the answer is HTTP 403"]
    assert [allowed(served, where) for where in ("lenient", "other", "unknown")] == [True, False, False]
    assert "/api/v1/namespaces/unknown" in [asked.path for asked in api.asked]
    feed.send("MODIFIED", namespace("other", 11, **LENIENT))
    assert wait(lambda: allowed(served, "other"))
    del answers["list"]
    feed.cut()
    api.answer = lambda _: (503, {})
    assert wait(lambda: "the namespaces of the cluster cannot be followed" in served.messages(), 20)
    assert served.ops("/readyz").status == 200
    assert allowed(served, "lenient")
    assert b'podgate_cluster_requests_total{result="missing",what="namespace"} 1.0' in served.ops("/metrics").body


def test_a_file_says_what_namespaces_are_and_is_followed(begin: Begin, tmp_path: Path) -> None:
    path = tmp_path / "namespaces.yaml"
    content = 'apiVersion: v1\nkind: Namespace\nmetadata: {name: tools, labels: {podgate.dev/mode: "%s"}}\n'
    path.write_text(content % "audit")
    served = begin("--namespaces", str(path))
    before = [allowed(served, where) for where in ("tools", "unknown")]
    path.write_text(content % "enforce")

    assert wait(lambda: "the new namespaces count" in served.messages(), 10)
    assert before == [True, False]
    assert not allowed(served, "tools")


def test_a_file_wins_over_a_cluster(begin: Begin, api: ApiServer, tmp_path: Path) -> None:
    (tmp_path / "namespaces.yaml").write_text("[]")
    served = begin("--namespaces", str(tmp_path / "namespaces.yaml"), "--cluster", str(api.kubeconfig(tmp_path)))

    assert served.ops("/readyz").status == 200
    assert not allowed(served, "shop")
    assert [asked.path for asked in api.asked] == ["/api/v1/namespaces/shop"]


def test_what_cannot_be_used_keeps_it_from_starting(tmp_path: Path) -> None:
    install(tmp_path, OLD)
    (tmp_path / "bad").write_text("- x\n")

    assert (
        failed(tmp_path, "--namespaces", str(tmp_path / "bad")) == f"Error: {tmp_path}/bad:1: is not a Namespace of v1"
    )
    assert failed(tmp_path, "--cluster", str(tmp_path / "none")) == (
        f"Error: {tmp_path}/none cannot be read: no such file or directory"
    )
