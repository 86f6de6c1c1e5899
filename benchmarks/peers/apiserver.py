"""Layer 3: what creating a pod through the API server costs, with each way to judge it and with none, in turn.

Every way has a namespace of its own, so all are in place at once, and the next sample is another path and nothing else.
"""

import argparse
import json
from functools import partial

from benchmarks.peers import programs, standards, webhooks
from benchmarks.peers.capture import apply, configuration
from benchmarks.peers.pods import NAMESPACE, Json, careless, hardened_cases
from benchmarks.peers.servers import Running
from tests.e2e.cluster import Cluster
from tests.e2e.process import wait_until

SIZES = (1, 15)
CONNECTIONS = (1, 16)
NONE, BUILT_IN, CEL = "none", "built-in", "vap"
TITLES = {
    NONE: "nothing",
    BUILT_IN: "Pod Security inside the API server",
    CEL: "ValidatingAdmissionPolicy, 17 policies",
}


def measure(cluster: Cluster, servers: list[Running], bundle: bytes, options: argparse.Namespace) -> list[Json]:
    """Creations that are thrown away (dryRun=All), and creations that are kept."""
    ways = [NONE, BUILT_IN, *_install_policies(cluster), *(each.server.name for each in servers)]
    for way in ways:
        extra = {"pod-security.kubernetes.io/enforce": "restricted"} if way == BUILT_IN else {}
        cluster.create_namespace(f"bench-{way}", _selector(way) | extra)
    for each in servers:
        name = each.server.name
        apply(cluster, configuration(name, each.url, bundle, _selector(name)))
    for way in ways:
        wait_until(partial(_is_judged, cluster, way), f"pods to be judged in the namespace of {way}", seconds=60)
    watch = {way: {"apiserver": cluster.pids()["kube-apiserver"]} for way in ways}
    for each in servers:
        watch[each.server.name]["server"] = each.process.pid
    thrown = _created(cluster, watch, "?dryRun=All", hardened_cases(SIZES), options)
    kept = _created(cluster, watch, "", hardened_cases((3,)), options)
    return [{"query": query, **each} for query, found in (("dryRun", thrown), ("", kept)) for each in found]


def _install_policies(cluster: Cluster) -> list[str]:
    try:
        apply(cluster, *standards.admission_policies(_selector(CEL)))
    except programs.UnavailableError as error:
        webhooks.say(f"{CEL} is not measured: {error}")
        return []
    return [CEL]


def _selector(way: str) -> dict[str, str]:
    return {"bench": way}


def _is_judged(cluster: Cluster, way: str) -> bool:
    """Whether a careless pod is now turned away, or warned of."""
    pod = json.dumps(careless(1)).replace(NAMESPACE, f"bench-{way}").replace("@", "0")
    made = cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=pod)
    return way == NONE or made.returncode != 0 or "Warning" in made.stderr


def _created(
    cluster: Cluster, watch: dict[str, Json], query: str, pods: dict[str, Json], options: argparse.Namespace
) -> list[Json]:
    url = f"{cluster.url}/api/v1/namespaces/bench-{{}}/pods{query}"
    servers = [
        {"name": way, "url": url.format(way), "watch": pids, "replace": {NAMESPACE: f"bench-{way}"}}
        for way, pids in watch.items()
    ]
    cases = [
        {
            "name": name,
            "body": json.dumps(pod),
            "connections": many,
            "requests": options.creations,
            "expect": {"": '"Pending"'},
        }
        for name, pod in pods.items()
        for many in CONNECTIONS
    ]
    return webhooks.ask(administrator(cluster, servers, cases, options.samples, options.creations // 4))


def administrator(cluster: Cluster, servers: list[Json], cases: list[Json], samples: int, warm: int) -> Json:
    """What the client is to do with the API server, as whoever may do all."""
    return {
        "ca": str(cluster.folder / "ca.crt"),
        "cert": str(cluster.folder / "admin.crt"),
        "key": str(cluster.folder / "admin.key"),
        "servers": servers,
        "cases": cases,
        "samples": samples,
        "warm": warm,
    }
