"""The manifests in a real API server: what is accepted, what is never sent, what goes on with nobody there."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ..manifests.tools import MANIFESTS, OVERLAYS, composed, named, overlay, run
from .cluster import Cluster
from .gate import Gate
from .process import wait_until

IMAGE = "registry.example.com/app:1.0"
NAMESPACE = "orchard"
NODE = ("--as=system:node:n1", "--as-group=system:nodes")
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def gate(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A webhook that is not started yet, and a namespace where everything is asked about that the manifests name."""
    cluster.create_namespace(NAMESPACE)
    for account in ("gardener", "oncall"):
        bound = ("--clusterrole=edit", f"--user={account}", "-n", NAMESPACE)
        assert cluster.kubectl("create", "rolebinding", f"{account}-edits", *bound).returncode == 0
    nodes = ("--clusterrole=system:node", "--group=system:nodes")
    assert cluster.kubectl("create", "clusterrolebinding", "e2e-nodes", *nodes).returncode == 0
    made = Gate(tmp_path_factory.mktemp("manifests"))
    yield made
    made.stop()
    cluster.kubectl("delete", "validatingwebhookconfiguration", "podgate", "--ignore-not-found")
    cluster.kubectl("delete", "clusterrolebinding", "e2e-nodes")
    cluster.kubectl("delete", "namespace", NAMESPACE, "--wait=false")


@pytest.fixture
def nobody(cluster: Cluster, gate: Gate) -> Iterator[None]:
    """Enforced, with every replica down."""
    gate.stop()
    gate.install_overlay(cluster, "enforce")
    wait_until(lambda: create(cluster, pod("probe"), "--dry-run=server").returncode == 1, "pods to be refused")
    yield
    cluster.kubectl("delete", "validatingwebhookconfiguration", "podgate")
    wait_until(lambda: create(cluster, pod("probe"), "--dry-run=server").returncode == 0, "pods to be let in")


def pod(name: str, namespace: str = NAMESPACE, **meta: Any) -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spec = {
        "containers": [{"name": "app", "image": IMAGE, "securityContext": security}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, **meta}, "spec": spec}


def privileged(name: str, namespace: str = NAMESPACE, **meta: Any) -> dict[str, Any]:
    made = pod(name, namespace, **meta)
    made["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    return made


def create(cluster: Cluster, obj: dict[str, Any], *flags: str) -> Ran:
    return cluster.kubectl("create", "-f", "-", *flags, stdin=json.dumps(obj))


def lease(namespace: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"holderIdentity": name},
    }


def event(name: str) -> dict[str, Any]:
    about = {"kind": "Pod", "name": "app", "namespace": NAMESPACE}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "involvedObject": about,
        "reason": "Tested",
    }


def live_without_us(cluster: Cluster, tag: str) -> None:
    """What a cluster lives on: all of it must be possible whatever becomes of the webhook."""
    for namespace in (NAMESPACE, "kube-node-lease"):
        assert create(cluster, lease(namespace, tag)).returncode == 0
        renewed = (
            "patch",
            "lease",
            tag,
            "-n",
            namespace,
            "--type=merge",
            "-p",
            '{"spec": {"holderIdentity": "other"}}',
        )
        assert cluster.kubectl(*renewed).returncode == 0
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": tag}}
    assert create(cluster, node, *NODE).returncode == 0
    assert cluster.kubectl("label", "node", tag, "e2e=on", *NODE).returncode == 0
    assert create(cluster, event(tag)).returncode == 0
    assert create(cluster, pod(tag, "kube-system")).returncode == 0
    assert cluster.kubectl("delete", "pod", tag, "-n", "kube-system", "--wait=false").returncode == 0
    assert cluster.kubectl("delete", "node", tag).returncode == 0


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_overlay_is_accepted(cluster: Cluster, name: str) -> None:
    # A dry run creates no namespace for the others to be in.
    cluster.kubectl("create", "namespace", "podgate-system")
    folder = str(MANIFESTS / "overlays" / name)
    ran = cluster.kubectl("apply", "--dry-run=server", "-k", folder)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("(server dry run)") == len(overlay(name))


def test_every_component_is_accepted_but_for_kinds_of_other_projects(cluster: Cluster, tmp_path: Path) -> None:
    cluster.kubectl("create", "namespace", "podgate-system")
    names = sorted(each.name for each in (MANIFESTS / "components").iterdir() if each.name != "self-signed")
    foreign = {"cert-manager.io/v1", "monitoring.coreos.com/v1"}
    found = [each for each in composed(tmp_path, "enforce", *names) if each["apiVersion"] not in foreign]
    listed = {"apiVersion": "v1", "kind": "List", "items": found}
    ran = cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(listed))

    assert ran.returncode == 0, ran.stderr


def test_it_is_installed_gets_two_replicas_and_leaves_nothing_behind(cluster: Cluster, tmp_path: Path) -> None:
    # Without the webhook configuration: the address of its Service leads out of this machine.
    unasked = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "x"}, "$patch": "delete"}
    found = {
        "resources": [os.path.relpath(MANIFESTS / "overlays" / "observe", tmp_path.resolve())],
        "patches": [{"target": {"kind": "ValidatingWebhookConfiguration"}, "patch": json.dumps(unasked)}],
    }
    (tmp_path / "kustomization.yaml").write_text(json.dumps(found))
    installed = cluster.kubectl("apply", "-k", str(tmp_path))
    assert installed.returncode == 0, installed.stderr
    pods = ("get", "pods", "-n", "podgate-system", "-l", "app.kubernetes.io/name=podgate", "-o", "name")
    wait_until(lambda: len(cluster.kubectl(*pods).stdout.split()) == 2, "two replicas, by the autoscaler")
    # What was filled in later stays when it is applied again.
    filled = '{"data": {"tls.crt": "eA==", "tls.key": "eA=="}}'
    secret = ("secret", "podgate-tls", "-n", "podgate-system")
    assert cluster.kubectl("patch", *secret, "--type=merge", "-p", filled).returncode == 0
    assert cluster.kubectl("apply", "-k", str(tmp_path)).returncode == 0
    assert cluster.kubectl("get", *secret, "-o", "jsonpath={.data}").stdout != ""

    assert cluster.kubectl("delete", "-k", str(tmp_path), "--wait=false").returncode == 0
    kinds = "clusterroles,clusterrolebindings,validatingwebhookconfigurations"
    left = cluster.kubectl("get", kinds, "-l", "app.kubernetes.io/part-of=podgate", "-o", "name")
    assert (left.returncode, left.stdout) == (0, "")


def test_helm_installs_says_the_next_step_upgrades_and_leaves_nothing_behind(cluster: Cluster) -> None:
    # Nothing is asked about: the address of the Service leads out of this machine.
    unasked = "webhook.objects.enabled=false,webhook.namespaceSelector.matchLabels.nobody=here"
    where = ("--kubeconfig", str(cluster.kubeconfig), "--namespace", "helmed")
    chart = MANIFESTS / "chart"
    installed = run("helm", "install", "podgate", chart, "--create-namespace", "--set", unasked, *where)
    assert installed.returncode == 0, installed.stderr
    assert "podgate decisions --denied" in installed.stdout
    filled = ("secret", "podgate-tls", "-n", "helmed", "--type=merge", "-p", '{"data": {"tls.crt": "eA=="}}')
    assert cluster.kubectl("patch", *filled).returncode == 0
    values = chart / "ci" / "enforce-values.yaml"
    enforce = run("helm", "upgrade", "podgate", chart, "--values", values, "--set", unasked, *where)
    kept = cluster.kubectl("get", "secret", "podgate-tls", "-n", "helmed", "-o", "jsonpath={.data}").stdout
    removed = run("helm", "uninstall", "podgate", *where)

    assert enforce.returncode == 0, enforce.stderr
    assert "kubectl delete validatingwebhookconfiguration podgate" in enforce.stdout
    assert "tls.crt" in kept
    assert removed.returncode == 0, removed.stderr
    left = ("-l", "app.kubernetes.io/part-of=podgate", "-o", "name", "-n", "helmed")
    kinds = (
        "clusterroles,clusterrolebindings,validatingwebhookconfigurations,roles,rolebindings,secrets,leases,configmaps,"
        "services,deployments,serviceaccounts,poddisruptionbudgets,horizontalpodautoscalers,resourcequotas"
    )
    assert cluster.kubectl("get", kinds, *left).stdout == ""
    cluster.kubectl("delete", "namespace", "helmed", "--wait=false")


def test_with_nobody_there_the_cluster_lives_and_pods_are_refused(cluster: Cluster, gate: Gate, nobody: None) -> None:
    live_without_us(cluster, "alone")
    refused = create(cluster, pod("alone"))

    assert refused.returncode == 1
    assert 'failed calling webhook "pods.podgate.dev"' in refused.stderr


def test_with_nobody_there_what_is_only_advised_goes_on(cluster: Cluster, gate: Gate, nobody: None) -> None:
    for made in (
        ("create", "configmap", "advised", "-n", NAMESPACE, "--from-literal=a=b"),
        ("create", "service", "clusterip", "advised", "-n", NAMESPACE, "--tcp=80"),
        ("create", "namespace", "advised"),
        ("create", "clusterrole", "advised", "--verb=get", "--resource=pods"),
        ("delete", "clusterrole", "advised"),
        ("delete", "namespace", "advised", "--wait=false"),
    ):
        ran = cluster.kubectl(*made)
        assert ran.returncode == 0, ran.stderr


def test_with_nobody_there_nodes_still_tell_of_their_static_pods(cluster: Cluster, gate: Gate, nobody: None) -> None:
    static = pod("static-n1", annotations={"kubernetes.io/config.mirror": "x", "kubernetes.io/config.hash": "x"})
    static["spec"] |= {"nodeName": "n1"}

    ran = create(cluster, static, *NODE)
    assert "failed calling webhook" not in ran.stderr
    # The annotation alone lets nobody pass, and neither does being a node.
    assert "failed calling webhook" in create(cluster, {**static, "metadata": pod("x")["metadata"]}, *NODE).stderr
    assert "failed calling webhook" in create(cluster, static).stderr


def test_with_nobody_there_bookkeeping_goes_on(cluster: Cluster, gate: Gate, request: pytest.FixtureRequest) -> None:
    assert create(cluster, pod("kept", finalizers=["podgate.dev/e2e"])).returncode == 0
    request.getfixturevalue("nobody")
    patch = ("patch", "pod", "kept", "-n", NAMESPACE, "--type=merge", "-p")

    assert cluster.kubectl("delete", "pod", "kept", "-n", NAMESPACE, "--wait=false").returncode == 0
    assert cluster.kubectl(*patch, '{"metadata": {"labels": {"a": "b"}}}').returncode == 1
    released = cluster.kubectl(*patch, '{"metadata": {"finalizers": null}}')
    assert released.returncode == 0, released.stderr


def test_with_nobody_there_a_deployment_can_be_scaled_down(
    cluster: Cluster, gate: Gate, request: pytest.FixtureRequest
) -> None:
    labels = {"app": "pears"}
    template = {"metadata": {"labels": labels}, "spec": pod("x")["spec"]}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": "pears", "namespace": NAMESPACE}
    assert (
        create(cluster, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}).returncode == 0
    )
    listing = ("get", "pods", "-n", NAMESPACE, "-l", "app=pears", "-o", "name")
    wait_until(lambda: len(cluster.kubectl(*listing).stdout.split()) == 2, "the pods of the deployment")
    request.getfixturevalue("nobody")

    scaled = cluster.kubectl("scale", "deployment", "pears", "-n", NAMESPACE, "--replicas=1")
    assert scaled.returncode == 0, scaled.stderr
    wait_until(lambda: len(cluster.kubectl(*listing).stdout.split()) == 1, "a pod to be gone")


def test_break_glass_is_a_right_and_a_word(cluster: Cluster, gate: Gate, nobody: None) -> None:
    role = json.dumps(named(overlay("enforce"), "ClusterRole", "podgate-breakglass"))
    assert cluster.kubectl("apply", "-f", "-", stdin=role).returncode == 0
    said: dict[str, Any] = {"annotations": {"podgate.dev/break-glass": "INC-1"}}
    before = create(cluster, pod("glass", **said), "--as=oncall")
    granted = ("--clusterrole=podgate-breakglass", "--user=oncall", "-n", NAMESPACE)
    assert cluster.kubectl("create", "rolebinding", "glass", *granted).returncode == 0

    assert before.returncode == 1
    wait_until(lambda: create(cluster, pod("glass", **said), "--as=oncall").returncode == 0, "the right to count")
    assert create(cluster, pod("unsaid"), "--as=oncall").returncode == 1
    assert create(cluster, pod("unentitled", **said), "--as=gardener").returncode == 1
    assert cluster.kubectl("delete", "clusterrole", "podgate-breakglass").returncode == 0


def test_with_nobody_there_observing_lets_everything_through(cluster: Cluster, gate: Gate) -> None:
    gate.stop()
    gate.install_overlay(cluster, "enforce")
    wait_until(lambda: create(cluster, pod("probe"), "--dry-run=server").returncode == 1, "pods to be refused")
    gate.install_overlay(cluster, "observe")

    wait_until(lambda: create(cluster, privileged("observed"), "--dry-run=server").returncode == 0, "pods to be let in")
    assert create(cluster, privileged("observed")).returncode == 0


def test_with_us_there_a_bad_pod_is_denied_and_the_cluster_lives_unasked(cluster: Cluster, gate: Gate) -> None:
    gate.start()
    gate.install_overlay(cluster, "enforce")
    denied = 'admission webhook "pods.podgate.dev" denied the request: privileged: '
    bad = privileged("bad")
    wait_until(lambda: denied in create(cluster, bad, "--dry-run=server").stderr, "the webhook to be asked")

    live_without_us(cluster, "watched")
    assert create(cluster, pod("good")).returncode == 0
    service = ("create", "service", "nodeport", "seen", "-n", NAMESPACE, "--tcp=80")
    assert "service-nodeport" in cluster.kubectl(*service).stderr
    gate.decided(kind="Service")
    seen = {each["kind"] for each in gate.decisions()}
    assert "Pod" in seen
    assert not {"Lease", "Node", "Event", "CertificateSigningRequest"} & seen
    assert "kube-system" not in {each["namespace"] for each in gate.decisions()}
