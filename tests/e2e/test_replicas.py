"""Two replicas behind a balancer: a rollout that nobody notices, and a cluster that comes back by itself."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .balancer import Balancer
from .caller import Caller
from .cluster import Cluster
from .gate import Gate
from .process import wait_until
from .test_enforcement import hardened, pod

NAMESPACE = "replicas"
OWN = "podgate-system"
IN = ("-n", NAMESPACE)
NODE = ("--as=system:node:n1", "--as-group=system:nodes")
DENIED = 'admission webhook "pods.podgate.dev" denied the request: privileged: '
UNANSWERED = 'failed calling webhook "pods.podgate.dev"'
#: With probes every 0.2 s instead of 2 s, as long as 10 s are in the Deployment, and more.
DRAIN = ("--drain-seconds", "4")
PER_SECOND, LEAST, MOST = 200, 4_000, 12_000
Ran = subprocess.CompletedProcess[str]


@dataclass
class Pair:
    """Two replicas, and what stands before them."""

    replicas: tuple[Gate, Gate]
    balancer: Balancer

    def start(self) -> None:
        for each in self.replicas:
            each.start()
        self.balancer.wait_for(*self.replicas)


@pytest.fixture(scope="module")
def pair(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both serve, and the API server asks as the overlay `enforce` has it."""
    cluster.create_namespace(NAMESPACE)
    cluster.kubectl("create", "namespace", OWN)  # other tests leave it, and so does this one
    account = ("get", "serviceaccount", "default", "-n", OWN)
    wait_until(lambda: cluster.kubectl(*account).returncode == 0, f"the service account of {OWN}")
    nodes = ("--clusterrole=system:node", "--group=system:nodes")
    assert cluster.kubectl("create", "clusterrolebinding", "replicas-nodes", *nodes).returncode == 0
    one = Gate(tmp_path_factory.mktemp("one"), *DRAIN)
    two = Gate(tmp_path_factory.mktemp("two"), *DRAIN, beside=one)
    with Balancer((one, two)) as balancer:
        found = Pair((one, two), balancer)
        found.start()
        one.called_at = balancer.port
        one.install_overlay(cluster, "enforce")
        wait_until(
            lambda: DENIED in create(cluster, bad("probe"), "--dry-run=server").stderr, "the webhook to be asked"
        )
        yield found
        cluster.kubectl("delete", "validatingwebhookconfiguration", "podgate")
        for each in found.replicas:
            each.stop()
    cluster.kubectl("delete", "clusterrolebinding", "replicas-nodes")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


def good(name: str, namespace: str = NAMESPACE) -> dict[str, Any]:
    return hardened(name, namespace)


def bad(name: str) -> dict[str, Any]:
    return pod(name, NAMESPACE, securityContext={"privileged": True})


def create(cluster: Cluster, obj: dict[str, Any], *flags: str) -> Ran:
    return cluster.kubectl("create", "-f", "-", *flags, stdin=json.dumps(obj))


def roll(pair: Pair) -> list[int | None]:
    """Restart both in turn, as a Deployment does: the next one only when the one before is ready. Their exit codes."""
    codes = []
    for each in pair.replicas:
        codes.append(each.stop(grace=30))
        each.start()
        pair.balancer.wait_for(*pair.replicas)
    return codes


def apply_until(cluster: Cluster, is_over: Callable[[], bool]) -> list[Ran]:
    """What came of `kubectl apply` with good and bad pods by turns."""
    found: list[Ran] = []
    while not is_over() or len(found) % 2:
        name = f"roll-{len(found)}"
        found.append(cluster.kubectl("apply", "-f", "-", stdin=json.dumps(bad(name) if len(found) % 2 else good(name))))
    return found


def roll_under_load(cluster: Cluster, pair: Pair, caller: Caller) -> tuple[list[int | None], list[Ran]]:
    rolled = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        calls = caller.run(PER_SECOND, lambda asked: asked >= LEAST and rolled.is_set(), MOST)
        calling = pool.submit(asyncio.run, calls)
        applied = pool.submit(apply_until, cluster, rolled.is_set)
        try:
            # Here and not in a thread of its own: a replica ends with the thread that started it.
            codes = roll(pair)
        finally:
            rolled.set()
        calling.result()
        return codes, applied.result()


def test_two_replicas_are_restarted_in_turn_under_reviews_and_nobody_notices(cluster: Cluster, pair: Pair) -> None:
    before = pair.balancer.taken.copy()
    caller = Caller(pair.balancer.port, pair.replicas[0].certs / "ca.crt")
    codes, applied = roll_under_load(cluster, pair, caller)
    print(f"\n{caller.told()}; {len(applied)} times kubectl apply")

    assert codes == [0, 0]
    assert caller.asked >= LEAST
    assert (caller.failed, caller.wrong) == ([], [])
    assert pair.balancer.refused == 0
    assert all((pair.balancer.taken - before)[each.port] for each in pair.replicas)
    assert [(ran.returncode, ran.stdout) for ran in applied[::2]] == [
        (0, f"pod/roll-{number} created\n") for number in range(0, len(applied), 2)
    ]
    assert [(ran.returncode, DENIED in ran.stderr) for ran in applied[1::2]] == [(1, True)] * (len(applied) // 2)


def test_who_is_told_to_leave_is_unready_first_and_takes_connections_until_it_has_left(pair: Pair) -> None:
    leaving, staying = pair.replicas
    caller = Caller(leaving.port, leaving.certs / "ca.crt")
    with ThreadPoolExecutor(1) as pool:
        code = pool.submit(leaving.stop, 30)
        pair.balancer.wait_for(staying)
        asyncio.run(caller.run(PER_SECOND, lambda asked: asked >= 10, MOST))
        ended = code.result()
    late = Caller(leaving.port, leaving.certs / "ca.crt")
    asyncio.run(late.run(PER_SECOND, lambda asked: asked >= 1, MOST))
    leaving.start()
    pair.balancer.wait_for(*pair.replicas)

    assert ended == 0
    # Each answer ends its connection: so the next one finds another replica.
    assert (caller.failed, caller.wrong, caller.connections) == ([], [], 10)
    assert [each.split(": ")[1] for each in late.failed] == ["ConnectionRefusedError"]


def deployment(name: str) -> dict[str, Any]:
    labels = {"app": name}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}}
    spec |= {"template": {"metadata": {"labels": labels}, "spec": good(name)["spec"]}}
    meta = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def signing_request() -> dict[str, Any]:
    """As a node asks for a certificate of its own."""
    key = ec.generate_private_key(ec.SECP256R1())
    parts = [(NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, "system:node:n1")]
    name = x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
    asked = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
    content = base64.b64encode(asked.public_bytes(serialization.Encoding.PEM)).decode()
    signer = "kubernetes.io/kube-apiserver-client-kubelet"
    spec = {"request": content, "signerName": signer, "usages": ["digital signature", "client auth"]}
    meta = {"name": "n1"}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": meta,
        "spec": spec,
    }


def lease(name: str, namespace: str) -> dict[str, Any]:
    spec = {"holderIdentity": name, "leaseDurationSeconds": 40}
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": spec}


def system_components_work(cluster: Cluster, bound: str) -> None:
    """What nodes and controllers do all the time; `bound` is a pod of the namespace."""

    def make(obj: dict[str, Any], *flags: str) -> Ran:
        return create(cluster, obj, *flags)

    def patch(what: str, name: str, content: dict[str, Any], *flags: str) -> Ran:
        return cluster.kubectl("patch", what, name, "--type=merge", "-p", json.dumps(content), *flags)

    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastHeartbeatTime": now[:19] + "Z"}
    about = {"kind": "Node", "name": "n1"}
    event = {"apiVersion": "v1", "kind": "Event", "involvedObject": about, "reason": "NodeReady"}
    running = {"status": {"phase": "Running"}}
    # A node may write its state and not read it, which kubectl does first: so the two are written by somebody else.
    done = {
        "a node registers": make({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}}, *NODE),
        "its heartbeat": patch("node", "n1", {"status": {"conditions": [ready]}}, "--subresource=status"),
        "its lease": make(lease("n1", "kube-node-lease"), *NODE),
        "it is renewed": patch("lease", "n1", {"spec": {"renewTime": now}}, "-n", "kube-node-lease", *NODE),
        "its event": make({**event, "metadata": {"name": "n1.1", "namespace": "default"}}, *NODE),
        "it asks for a certificate": make(signing_request(), *NODE),
        "which is approved": cluster.kubectl("certificate", "approve", "n1"),
        "the state of its pod": patch("pod", bound, running, "--subresource=status", *IN),
        "a leader": make(lease("leader", "kube-system")),
        "it leads on": patch("lease", "leader", {"spec": {"renewTime": now}}, "-n", "kube-system"),
        "a token": cluster.kubectl("create", "token", "default", *IN),
        "a Service": cluster.kubectl("create", "service", "clusterip", "apples", "--tcp=80", *IN),
        "a replica of ours": make(good("podgate-successor", OWN)),
    }
    assert {name: ran.stderr for name, ran in done.items() if ran.returncode != 0} == {}
    slices = ("get", "endpointslices", "-l", "kubernetes.io/service-name=apples", "-o", "name", *IN)
    wait_until(lambda: cluster.kubectl(*slices).stdout != "", "the controller to make the Service's EndpointSlice")


def test_with_every_replica_down_the_cluster_lives_and_all_of_it_comes_back_without_a_hand(
    cluster: Cluster, pair: Pair
) -> None:
    listing = ("get", "pods", "-l", "app=apples", "-o", "jsonpath={.items[*].metadata.name}", *IN)

    def pods() -> list[str]:
        return cluster.kubectl(*listing).stdout.split()

    assert create(cluster, deployment("apples")).returncode == 0
    wait_until(lambda: len(pods()) == 2, "the pods of the Deployment")
    for each in pair.replicas:
        each.crash()
    pair.balancer.wait_for()

    assert UNANSWERED in create(cluster, good("alone")).stderr
    assert UNANSWERED in create(cluster, bad("alone")).stderr
    kept, lost = pods()
    system_components_work(cluster, kept)
    assert cluster.kubectl("delete", "pod", lost, "--wait=false", "--grace-period=0", "--force", *IN).returncode == 0
    failures = ("get", "events", "--field-selector", "reason=FailedCreate", "-o", "jsonpath={.items[*].message}", *IN)
    wait_until(lambda: UNANSWERED in cluster.kubectl(*failures).stdout, "the controller to be refused a pod")
    assert pods() == [kept]

    # As their kubelets restart them; nobody touches the configuration, the API server or the Deployment.
    pair.start()
    wait_until(lambda: len(pods()) == 2, "the controller to have its second pod", seconds=120)
    assert create(cluster, good("after")).returncode == 0
    assert DENIED in create(cluster, bad("after")).stderr
