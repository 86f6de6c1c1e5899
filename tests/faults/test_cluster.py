"""The API server that Podgate asks is slow, gone, or says things that are none."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.conftest import Begin
from tests.reviews import body, review
from tests.webhook.apiserver import ApiServer, Asked, Feed
from tests.webhook.serving import wait
from tests.webhook.test_grants import pod
from tests.webhook.test_serve import POLICY, Served
from tests.webhook.test_watched import listed, namespace

NAMESPACES = "/api/v1/namespaces"
OVERRIDE = {
    "podgate.dev/override": "host-path",
    "podgate.dev/override-reason": "reads logs",
}
LENIENT = {"podgate.dev/mode": "audit"}


class Cluster:
    """Lists its namespaces, says yes to whoever wants to override, and fails when told to."""

    def __init__(self, api: ApiServer) -> None:
        self.api, self.feed = api, Feed()
        self.fails: Callable[[Asked], Any] | None = None
        api.answer = self._answer

    def _answer(self, asked: Asked) -> Any:
        if "watch" in asked.query:
            return self.feed
        if asked.path == NAMESPACES:
            return listed(namespace("shop"), namespace("lenient", 2, **LENIENT))
        if self.fails is not None:
            return self.fails(asked)
        if asked.method == "POST":
            return 201, {"kind": "SubjectAccessReview", "status": {"allowed": True}}
        found = namespace(asked.path.rpartition("/")[2], 3, **LENIENT)
        return 200, found | {"apiVersion": "v1", "kind": "Namespace"}


def saying(status: int, content: Any) -> Callable[[Asked], Any]:
    return lambda _: (status, content)


def policy(folder: Path) -> str:
    file = folder / "policy.yaml"
    file.write_text(POLICY % "")
    return str(file)


def answer(served: Served, annotations: dict[str, str], user: str, where: str = "shop") -> dict[str, Any]:
    sent = review(pod(annotations), namespace=where, userInfo={"username": user})
    with served.wire() as wire:
        found = wire.ask(body(sent), "/validate?timeout=3s")
    assert found.status == 200
    response: dict[str, Any] = found.json["response"]
    return response


def overriding() -> dict[str, str]:
    ends = datetime.now(UTC) + timedelta(days=1)
    return OVERRIDE | {"podgate.dev/override-expires": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}


def test_an_override_that_nobody_can_vouch_for_in_time_does_not_count_and_the_denial_says_so(
    begin: Begin, api: ApiServer, tmp_path: Path
) -> None:
    cluster = Cluster(api)
    served = begin("--cluster", str(api.kubeconfig(tmp_path)), "--policy", policy(tmp_path))
    assert wait(lambda: served.ops("/readyz").status == 200)
    granted = answer(served, overriding(), "alice")
    for number, cluster.fails in enumerate((api.wait, saying(500, {}), saying(200, b"{"), saying(403, {}))):
        denied = answer(served, overriding(), f"user-{number}")
        assert denied["allowed"] is False
        said = f"nobody could say in time whether user-{number} may override it"
        assert said in denied["status"]["message"], denied
    cluster.fails = None

    assert granted["allowed"] is True
    assert wait(lambda: answer(served, overriding(), "bob")["allowed"] is True)


def test_what_an_api_server_that_is_gone_would_say_of_a_namespace_is_taken_to_be_strict(
    begin: Begin, api: ApiServer, tmp_path: Path
) -> None:
    cluster = Cluster(api)
    served = begin("--cluster", str(api.kubeconfig(tmp_path)), "--policy", policy(tmp_path))
    assert wait(lambda: served.ops("/readyz").status == 200)
    asked = answer(served, {}, "alice", "made-just-now")
    for number, cluster.fails in enumerate((api.wait, saying(503, {}), saying(200, []))):
        assert answer(served, {}, "alice", f"made-later-{number}")["allowed"] is False
        assert f"{NAMESPACES}/made-later-{number}" in [each.path for each in api.asked]
    known = answer(served, {}, "alice", "lenient")

    assert (asked["allowed"], known["allowed"]) == (True, True)
    assert wait(lambda: "the cluster does not answer a question of a review" in served.messages())


def test_before_the_api_server_was_heard_it_is_not_ready_and_whoever_asks_all_the_same_is_judged_strictly(
    begin: Begin, api: ApiServer, tmp_path: Path
) -> None:
    api.answer = saying(503, {})
    served = begin("--cluster", str(api.kubeconfig(tmp_path)), "--policy", policy(tmp_path))
    early = answer(served, {}, "alice", "lenient")
    unready = served.ops("/readyz")
    Cluster(api)
    assert wait(lambda: served.ops("/readyz").status == 200, 20)

    assert early["allowed"] is False
    assert unready.status == 503
    assert unready.json["problems"] == ["the namespaces of the cluster are not known yet: the answer is HTTP 503"]
    assert answer(served, {}, "alice", "lenient")["allowed"] is True
