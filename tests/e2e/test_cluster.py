"""The test cluster itself: that it answers, and that its controllers make pods."""

from __future__ import annotations

import json
from typing import Any

from .cluster import Cluster
from .process import wait_until

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "smoke", "namespace": "smoke"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "smoke"}},
        "template": {
            "metadata": {"labels": {"app": "smoke"}},
            "spec": {"containers": [{"name": "web", "image": "registry.example/web:1.0"}]},
        },
    },
}


def _items(cluster: Cluster, kind: str) -> list[dict[str, Any]]:
    listed = cluster.kubectl("get", kind, "--namespace=smoke", "--output=json")
    assert listed.returncode == 0, listed.stderr
    items: list[dict[str, Any]] = json.loads(listed.stdout)["items"]
    return items


def test_the_api_server_is_ready(cluster: Cluster) -> None:
    answer = cluster.kubectl("get", "--raw", "/readyz")
    assert (answer.returncode, answer.stdout.strip(), answer.stderr) == (0, "ok", "")


def test_a_deployment_gets_its_pod_from_the_replicaset_controller(cluster: Cluster) -> None:
    cluster.create_namespace("smoke")
    applied = cluster.kubectl("apply", "-f", "-", stdin=json.dumps(DEPLOYMENT))
    assert applied.returncode == 0, applied.stderr

    wait_until(lambda: _items(cluster, "pods") != [], "the deployment's pod")
    (pod,) = _items(cluster, "pods")

    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["controller"]) == ("ReplicaSet", True)
    assert pod["spec"]["serviceAccountName"] == "default"
    assert pod["status"]["phase"] == "Pending"
