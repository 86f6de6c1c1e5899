"""What Podgate learns from a real API server: namespaces as they change, who may override, and owners."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from policies.identity import Requester
from webhook.asking import Answer, MayOverride, NamespaceOf, OwnerOf, Question
from webhook.authority import ClusterAuthority
from webhook.cluster import Cluster as Reached
from webhook.cluster import connect
from webhook.metrics import Metrics
from webhook.watched import Watched

from .cluster import Cluster
from .process import wait_until

SECONDS = 5.0
RIGHTS = Path(__file__).parent.parent.parent / "manifests" / "base" / "rights.yaml"
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "override", "namespace": "facts"},
    "rules": [
        {"apiGroups": ["podgate.dev"], "resources": ["rules"], "resourceNames": ["host-path"], "verbs": ["override"]}
    ],
}
BINDING = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "RoleBinding",
    "metadata": {"name": "override", "namespace": "facts"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "override"},
    "subjects": [
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"},
        {"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "security"},
    ],
}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "facts", "annotations": {"podgate.dev/override": "host-path"}},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "registry.example.com/web:1.0"}]},
        },
    },
}


@pytest.fixture(scope="module", autouse=True)
def _facts(cluster: Cluster) -> None:
    cluster.create_namespace("facts", {"team": "shop"})


@pytest.fixture
def watched(cluster: Cluster) -> Iterator[Watched]:
    """The cluster's namespaces, as they are followed."""
    reached = connect(str(cluster.kubeconfig))
    assert reached is not None
    found = Watched(reached, Metrics())
    found.start()
    wait_until(lambda: found.problem() is None, "the first list of namespaces")
    yield found
    found.stop()
    reached.close()


def apply(cluster: Cluster, *objects: dict[str, Any]) -> None:
    for each in objects:
        made = cluster.kubectl("apply", "-f", "-", stdin=json.dumps(each))
        assert made.returncode == 0, made.stderr


def ask(cluster: Cluster, *questions: Question, reached: Reached | None = None) -> list[Answer]:
    reached = reached or connect(str(cluster.kubeconfig))
    assert reached is not None
    authority = ClusterAuthority(reached, Metrics().cluster)

    async def play() -> list[Answer]:
        return await asyncio.gather(*(authority.ask(question, SECONDS) for question in questions))

    try:
        return asyncio.run(play())
    finally:
        authority.close()
        reached.close()


def test_namespaces_are_seen_as_they_come_change_and_go(cluster: Cluster, watched: Watched) -> None:
    before = watched.labels("facts"), watched.labels("brief")
    cluster.create_namespace("brief", {"podgate.dev/mode": "audit"})
    wait_until(lambda: watched.labels("brief") is not None, "the new namespace", seconds=SECONDS)
    made = watched.labels("brief") or {}
    cluster.kubectl("label", "namespace", "brief", "podgate.dev/mode=enforce", "--overwrite")
    changed = {**made, "podgate.dev/mode": "enforce"}
    wait_until(lambda: watched.labels("brief") == changed, "the label", seconds=SECONDS)
    cluster.kubectl("delete", "namespace", "brief")
    wait_until(lambda: watched.labels("brief") is None, "the namespace to be gone", seconds=SECONDS)

    assert before == ({"team": "shop", "kubernetes.io/metadata.name": "facts"}, None)
    assert made == {"podgate.dev/mode": "audit", "kubernetes.io/metadata.name": "brief"}
    assert not watched.stale


def test_a_role_lets_its_users_override_its_rules_in_its_namespace_and_nobody_else(cluster: Cluster) -> None:
    apply(cluster, ROLE, BINDING)
    alice, bob = Requester("alice", ("system:authenticated",)), Requester("bob", ("system:authenticated",))
    carol = Requester("carol", ("security",), "u-3", (("authentication.kubernetes.io/credential-id", ("X509",)),))
    admin = Requester("root", ("system:masters",))
    asked = {
        MayOverride(alice, "host-path", "facts", "web"): True,
        MayOverride(carol, "host-path", "facts", "web"): True,
        MayOverride(admin, "host-pid", "", "web"): True,
        MayOverride(alice, "host-pid", "facts", "web"): False,
        MayOverride(alice, "host-path", "default", "web"): False,
        MayOverride(alice, "host-path", "", "web"): False,
        MayOverride(bob, "host-path", "facts", "web"): False,
    }

    def granted() -> bool:
        # The API server's own view of roles follows a little later.
        return ask(cluster, next(iter(asked))) == [True]

    wait_until(granted, "the role to be in force")
    assert dict(zip(asked, ask(cluster, *asked), strict=True)) == asked


def test_an_owner_is_what_the_api_server_has(cluster: Cluster) -> None:
    apply(cluster, DEPLOYMENT)
    listing = ("get", "replicasets", "-n", "facts", "-o", "json")
    wait_until(lambda: json.loads(cluster.kubectl(*listing).stdout)["items"] != [], "the deployment's replica set")
    (made,) = json.loads(cluster.kubectl(*listing).stdout)["items"]
    name = made["metadata"]["name"]
    deployment, owner, missing, elsewhere = ask(
        cluster,
        OwnerOf("apps/v1", "Deployment", "facts", "web"),
        OwnerOf("apps/v1", "ReplicaSet", "facts", name),
        OwnerOf("apps/v1", "ReplicaSet", "facts", "none"),
        OwnerOf("apps/v1", "ReplicaSet", "default", name),
    )

    assert isinstance(owner, dict)
    assert isinstance(deployment, dict)
    assert owner["metadata"]["uid"] == made["metadata"]["uid"]
    assert owner["metadata"]["annotations"]["podgate.dev/override"] == "host-path"
    assert owner["metadata"]["ownerReferences"][0]["uid"] == deployment["metadata"]["uid"]
    assert (missing, elsewhere) == (None, None)


def test_a_namespace_that_is_not_known_yet_is_looked_up(cluster: Cluster) -> None:
    found, missing = ask(cluster, NamespaceOf("facts"), NamespaceOf("nowhere"))

    assert isinstance(found, dict)
    assert found["metadata"]["labels"]["team"] == "shop"
    assert missing is None


def test_the_rights_that_the_installation_gives_are_enough(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster.create_namespace("podgate-system")
    apply(cluster, DEPLOYMENT)
    cluster.kubectl("create", "serviceaccount", "podgate", "-n", "podgate-system")
    assert cluster.kubectl("apply", "-f", str(RIGHTS)).returncode == 0
    made = cluster.kubectl("create", "token", "podgate", "-n", "podgate-system")
    (tmp_path / "token").write_text(made.stdout)
    (tmp_path / "ca.crt").write_bytes((cluster.folder / "ca.crt").read_bytes())
    host, _, port = cluster.url.removeprefix("https://").partition(":")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", port)
    reached = connect("auto", tmp_path)
    assert reached is not None
    found = Watched(reached, Metrics())
    found.start()
    wait_until(lambda: found.problem() is None, "the first list of namespaces", seconds=20)
    found.stop()
    nobody = MayOverride(Requester("nobody"), "host-path", "facts", "web")
    allowed, owner, namespace = ask(
        cluster, nobody, OwnerOf("apps/v1", "Deployment", "facts", "web"), NamespaceOf("facts"), reached=reached
    )

    assert allowed is False
    assert isinstance(owner, dict)
    assert isinstance(namespace, dict)
    assert (found.labels("facts") or {}).get("team") == "shop"
