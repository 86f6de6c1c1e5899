"""What a review costs when the cluster has thousands of namespaces, and of workloads that ask for an override."""

import argparse
import json
import time

from benchmarks.peers import webhooks
from benchmarks.peers.apiserver import administrator
from benchmarks.peers.pods import MARK, NAMESPACE, Json, hardened
from benchmarks.peers.servers import Running, Yard
from tests.e2e.cluster import Cluster

COUNT = 2_000
CONNECTIONS = 16
_POD = "hardened-3"
_SETTLE_SECONDS = 3


def measure(
    cluster: Cluster, yard: Yard, servers: list[Running], reviews: dict[str, str], options: argparse.Namespace
) -> list[Json]:
    """Before, and after each thing that there may be much of."""
    case = webhooks.case(servers, _POD, reviews[_POD], CONNECTIONS, options.requests)
    plan = webhooks.plan(servers, [case], yard.ca, options.samples, options.requests // 4)
    found = [{"after": "nothing", **each} for each in webhooks.ask(plan)]
    for what, path, body in (
        ("namespaces", "/api/v1/namespaces", _namespace()),
        ("overrides", f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments", _overridden()),
    ):
        _make(cluster, path, body)
        time.sleep(_SETTLE_SECONDS)  # until whoever watches has seen them
        found += [{"after": what, **each} for each in webhooks.ask(plan)]
        for each in servers:
            each.remember(what)
    return found


def _make(cluster: Cluster, path: str, body: Json) -> None:
    many = {"name": "many", "body": json.dumps(body), "connections": 16, "requests": COUNT, "expect": {"": MARK[:0]}}
    webhooks.ask(administrator(cluster, [{"name": "apiserver", "url": cluster.url + path}], [many], 1, 0))


def _namespace() -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": f"many-{MARK}", "labels": {"team": MARK}}}


def _overridden() -> Json:
    """A Deployment of no pods, with an override that may be granted."""
    annotations = {
        "podgate.dev/override": "host-network",
        "podgate.dev/override-reason": "it watches the network of its node",
        "podgate.dev/override-expires": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 7 * 86_400)),
    }
    labels = {"app": f"many-{MARK}"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": f"many-{MARK}", "annotations": annotations},
        "spec": {
            "replicas": 0,
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": _spec()},
        },
    }


def _spec() -> Json:
    return {**hardened(1)["spec"], "hostNetwork": True}
