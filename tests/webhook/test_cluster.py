"""How the API server is spoken to: who it is told we are, what is not believed, and what is never said aloud."""

import base64
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs.authority import Authority
from tests.webhook.apiserver import AUTHORITY, TOKEN, ApiServer, Asked, Clock, Feed, api_server
from tests.webhook.serving import HOST, wait
from webhook import cluster
from webhook.cluster import Cluster, ClusterError, connect


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", HOST)


@pytest.fixture
def api() -> Iterator[ApiServer]:
    with api_server() as running:
        yield running


@pytest.fixture
def reached(api: ApiServer, tmp_path: Path) -> Iterator[Cluster]:
    found = Cluster(api.kubeconfig(tmp_path), inside=False)
    yield found
    found.close()


def failed(found: Cluster, seconds: float = 5) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        found.ask("GET", "/x", seconds)
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None
    return caught.value


def test_a_request_is_sent_as_it_is_with_the_token_of_the_kubeconfig(api: ApiServer, reached: Cluster) -> None:
    api.answer = lambda _: (201, {"yes": True})
    answer = reached.ask("POST", "/apis/x?y=1", 5, {"a": ["ü"]})

    (asked,) = api.asked
    assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/apis/x", {"y": "1"}, {"a": ["ü"]})
    assert asked.headers["authorization"] == f"Bearer {TOKEN}"
    assert (asked.headers["content-type"], asked.headers["user-agent"]) == ("application/json", "podgate")
    assert json.loads(answer) == {"yes": True}


def test_a_connection_is_used_again(api: ApiServer, reached: Cluster) -> None:
    api.answer = lambda _: (200, {})
    for _ in range(3):
        reached.ask("GET", "/x", 5)
    failed_status = api.connections
    api.answer = lambda _: (404, {})
    failed(reached)
    failed(reached)

    assert (failed_status, api.connections) == (1, 1)


@pytest.mark.parametrize(
    ("status", "result"), [(401, "refused"), (403, "refused"), (404, "missing"), (429, "failed"), (500, "failed")]
)
def test_a_status_says_what_became_of_it(api: ApiServer, reached: Cluster, status: int, result: str) -> None:
    api.answer = lambda _: (status, {})
    error = failed(reached)

    assert (error.status, error.result, str(error)) == (status, result, f"the answer is HTTP {status}")


def test_a_redirect_is_not_followed(api: ApiServer, reached: Cluster) -> None:
    api.answer = lambda _: (307, f"{api.address}/elsewhere".encode())

    assert failed(reached).status == 307
    assert [asked.path for asked in api.asked] == ["/x"]


def test_an_answer_that_does_not_come_is_not_waited_for(api: ApiServer, reached: Cluster) -> None:
    api.answer = api.wait

    assert failed(reached, 0.2).result == "late"


def test_an_answer_that_is_too_large_is_not_read(
    api: ApiServer, reached: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "MAX_BYTES", 1 << 20)
    api.answer = lambda _: (200, b"x" * (2 << 20))

    assert str(failed(reached)) == "the answer is larger than 1 MiB"


def test_an_answer_at_the_limit_is_read_and_a_byte_more_is_not(
    api: ApiServer, reached: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "MAX_BYTES", 1 << 20)
    api.answer = lambda _: (200, b"x" * (1 << 20))
    assert len(reached.ask("GET", "/x", 5)) == 1 << 20
    api.answer = lambda _: (200, b"x" * ((1 << 20) + 1))
    assert str(failed(reached)) == "the answer is larger than 1 MiB"


def test_an_answer_that_comes_too_slowly_is_given_up(api: ApiServer, tmp_path: Path) -> None:
    clock, feed = Clock(), Feed()
    found = Cluster(api.kubeconfig(tmp_path), inside=False, clock=clock)
    api.answer = lambda _: feed
    feed.raw(b"x")
    feed.raw(b"y")

    def late() -> float:
        clock.now += 2
        return clock.now

    found._clock = late
    assert failed(found, 3).result == "late"
    feed.cut()
    found.close()


def test_a_connection_that_is_cut_is_a_failure(api: ApiServer, reached: Cluster) -> None:
    feed = Feed()
    api.answer = lambda _: feed
    feed.raw(b"half")
    feed.cut()

    assert failed(reached).result == "failed"


def test_nobody_there_is_a_failure(tmp_path: Path) -> None:
    with api_server() as gone:
        path = gone.kubeconfig(tmp_path)
    error = failed(Cluster(path, inside=False))

    assert error.result == "failed"
    assert "refused" in str(error)


def test_a_server_of_another_authority_is_not_spoken_to(tmp_path: Path) -> None:
    with api_server(Authority.create("another", datetime.now(UTC))) as other:
        error = failed(Cluster(other.kubeconfig(tmp_path), inside=False))

    assert "certificate verify failed" in str(error).lower()
    assert other.asked == []


def test_a_token_that_cannot_be_sent_is_not_shown(api: ApiServer, tmp_path: Path) -> None:
    error = failed(Cluster(api.kubeconfig(tmp_path, token=f"{TOKEN}\nx: y"), inside=False))

    assert str(error) == "ValueError"


def test_lines_are_followed_as_they_come(api: ApiServer, reached: Cluster) -> None:
    feed = Feed()
    api.answer = lambda _: feed
    with reached.follow("/x?watch=true", 5) as stream:
        lines = iter(stream)
        feed.raw(b'{"a":')
        feed.raw(b"1}\n\n{")
        first = next(lines)
        feed.raw(b"}\n")
        second = next(lines)
        feed.end()

        assert (first, second, list(lines)) == (b'{"a":1}', b"{}", [])


def test_lines_that_stay_away_are_not_waited_for(api: ApiServer, reached: Cluster) -> None:
    feed = Feed()
    api.answer = lambda _: feed
    with reached.follow("/x", 0.2) as stream, pytest.raises(ClusterError, match=r"within 0\.2 s"):
        list(stream)
    feed.cut()


@pytest.mark.parametrize("end", ["end", "cut"])
def test_half_a_line_is_a_failure(api: ApiServer, reached: Cluster, end: str) -> None:
    feed = Feed()
    api.answer = lambda _: feed
    feed.raw(b'{"half')
    getattr(feed, end)()
    with reached.follow("/x", 5) as stream, pytest.raises(ClusterError):
        list(stream)


def test_a_line_that_does_not_end_is_not_held(
    api: ApiServer, reached: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "MAX_BYTES", 1 << 20)
    feed = Feed()
    api.answer = lambda _: feed
    feed.raw(b"x" * (2 << 20))
    with reached.follow("/x", 5) as stream, pytest.raises(ClusterError, match="larger than 1 MiB"):
        list(stream)
    feed.cut()


def test_a_line_at_the_limit_is_read_and_of_a_byte_more_nothing(
    api: ApiServer, reached: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = 1 << 20
    monkeypatch.setattr(cluster, "MAX_BYTES", most)
    feed = Feed()
    api.answer = lambda _: feed
    for part in (b"x" * most, b"\nshort\n", b"y" * (most + 1)):
        feed.raw(part)
    with reached.follow("/x", 5) as stream:
        lines = iter(stream)
        assert next(lines) == b"x" * most
        assert next(lines) == b"short"
        with pytest.raises(ClusterError, match="a line is larger than 1 MiB"):
            next(lines)
    feed.cut()


def test_lines_are_ended_by_another_thread(api: ApiServer, reached: Cluster) -> None:
    feed = Feed()
    api.answer = lambda _: feed
    ended = threading.Event()

    def read() -> None:
        with reached.follow("/x", 30) as stream:
            streams.append(stream)
            with pytest.raises(ClusterError):
                list(stream)
        ended.set()

    streams: list[cluster.Stream] = []
    thread = threading.Thread(target=read)
    thread.start()
    assert wait(lambda: bool(streams))
    streams[0].stop()

    assert ended.wait(5)
    thread.join()
    streams[0].stop()  # once more is no harm
    feed.cut()


def test_a_client_certificate_is_shown(api: ApiServer, tmp_path: Path) -> None:
    api.answer = lambda _: (200, {})
    pair = AUTHORITY.client("podgate", datetime.now(UTC))
    inline = {
        "client-certificate-data": base64.b64encode(pair.cert).decode(),
        "client-key-data": base64.b64encode(pair.key).decode(),
    }
    found = Cluster(api.kubeconfig(tmp_path, **inline), inside=False)

    assert found.ask("GET", "/x", 5) == b"{}"
    assert "authorization" not in api.asked[0].headers
    found.close()


def account(folder: Path, monkeypatch: pytest.MonkeyPatch, api: ApiServer) -> Path:
    """What a pod finds of its service account."""
    (folder / "token").write_text("first\n")
    (folder / "ca.crt").write_bytes(AUTHORITY.pair.cert)
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", HOST)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", api.address.rpartition(":")[2])
    return folder


def test_a_token_that_is_rotated_is_read_anew_when_the_old_one_is_refused(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    found = Cluster(account(tmp_path, monkeypatch, api), inside=True, clock=clock)

    def answer(asked: Asked) -> tuple[int, dict[str, str]]:
        return (200 if asked.headers["authorization"] == "bearer second" else 401), {}

    api.answer = answer
    (tmp_path / "token").write_text("second\n")
    clock.now += 60
    assert failed(found).result == "refused"

    assert found.ask("GET", "/x", 5) == b"{}"
    found.close()


def test_files_are_not_read_anew_at_every_refusal(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    found = Cluster(api.kubeconfig(tmp_path), inside=False, clock=clock)
    api.answer = lambda _: (401, {})
    pools = [found._pool]
    for seconds in (0, 60, 1):
        clock.now += seconds
        failed(found)
        pools.append(found._pool)
    (tmp_path / "kubeconfig").write_text("{}")
    clock.now += 60
    failed(found)

    assert [pools[1] is pools[0], pools[2] is pools[1], pools[3] is pools[2]] == [True, False, True]
    assert found._pool is pools[3]


@pytest.mark.parametrize("setting", ["off", "auto"])
def test_without_a_cluster_there_is_none(setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    (tmp_path / "token").write_text("x")

    assert connect(setting, tmp_path) is None


def test_the_cluster_that_podgate_runs_in_is_found(
    api: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = connect("auto", account(tmp_path, monkeypatch, api))

    assert found is not None
    assert found.address == api.address
    assert connect("off", tmp_path) is None
    (tmp_path / "token").unlink()
    assert connect("auto", tmp_path) is None


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: no such file or directory"),
        ("", "does not lead to a cluster: Invalid kube-config. "),
        ("{}", "does not lead to a cluster: "),
        (f"[{TOKEN}", "does not lead to a cluster: while parsing a flow sequence"),
        (f"- {TOKEN}", "does not lead to a cluster: "),
        (
            json.dumps({"current-context": "x", "contexts": [{"name": "x", "token": TOKEN}]}),
            "does not lead to a cluster: Invalid kube-config file. Expected key context in ",
        ),
    ],
    ids=["missing", "empty", "nothing", "not-yaml", "list", "secret"],
)
def test_a_file_that_leads_nowhere_is_named_and_not_shown(tmp_path: Path, content: str | None, problem: str) -> None:
    path = tmp_path / "kubeconfig"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ClusterError) as caught:
        connect(str(path))

    assert str(caught.value).startswith(f"{path} {problem}")
    assert TOKEN not in str(caught.value)
