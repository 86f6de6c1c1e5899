"""Policies by namespace, modes, overrides by two users, and a reload in mid-traffic, against a real API server."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from .cluster import Cluster
from .gate import Gate
from .process import wait_until

Ran = subprocess.CompletedProcess[str]
PROGRAM = str(Path(sys.executable).with_name("podgate"))
ON = {"podgate-policy": "on"}
PSA = "pod-security.kubernetes.io/"
PREFIX = "podgate.dev/override"
POLICY = """apiVersion: podgate.dev/v1alpha1
kind: GatePolicy
metadata: {{name: shop}}
spec:
  profile: pss-baseline
  mode: {mode}
  namespaces:
  - {{names: [watched], mode: audit}}
  overrides: {{keys: [{{id: team, publicKey: "{key}"}}]}}
"""


class Shop:
    """The cluster, a webhook that knows it, and what people do."""

    def __init__(self, cluster: Cluster, gate: Gate, policy: Path, key: Path, public: str) -> None:
        self.cluster = cluster
        self.gate = gate
        self.key = key
        self._policy = policy
        self._public = public

    def write(self, mode: str) -> None:
        """Put another policy into the file that the server watches."""
        fresh = self._policy.with_suffix(".new")
        fresh.write_text(POLICY.format(mode=mode, key=self._public))
        fresh.replace(self._policy)

    def apply(self, obj: Mapping[str, Any], user: str | None = None, *flags: str) -> Ran:
        who = ["--as", user, "--as-group", "developers"] if user else []
        return self.cluster.kubectl("apply", "-f", "-", *who, *flags, stdin=json.dumps(obj))


def pod(name: str, namespace: str, annotations: Mapping[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "annotations": dict(annotations or {})}
    containers = [{"name": "app", "image": "registry.example.com/app:1.0"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers, **spec}}


def deployment(name: str, namespace: str, annotations: Mapping[str, str], replicas: int = 1) -> dict[str, Any]:
    labels = {"app": name}
    containers = [{"name": "app", "image": "registry.example.com/app:1.0"}]
    template = {"metadata": {"labels": labels}, "spec": {"hostNetwork": True, "containers": containers}}
    spec = {"replicas": replicas, "selector": {"matchLabels": labels}, "template": template}
    meta = {"name": name, "namespace": namespace, "annotations": dict(annotations)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec}


def asked(rules: str = "host-network", days: int = 20) -> dict[str, str]:
    end = datetime.now(UTC) + timedelta(days=days)
    return {
        PREFIX: rules,
        f"{PREFIX}-reason": "needs the host's ports",
        f"{PREFIX}-expires": f"{end:%Y-%m-%dT00:00:00Z}",
    }


RIGHTS: list[dict[str, Any]] = [
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "e2e-developer"},
        "rules": [
            {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["get", "list", "create", "patch", "update"]}
        ],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "e2e-developers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "e2e-developer"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "developers"}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "e2e-override", "namespace": "counter"},
        "rules": [
            {
                "apiGroups": ["podgate.dev"],
                "resources": ["rules"],
                "resourceNames": ["host-network"],
                "verbs": ["override"],
            }
        ],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "e2e-override", "namespace": "counter"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "e2e-override"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "alice"}],
    },
]


@pytest.fixture(scope="module")
def shop(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    cluster.create_namespace("counter", ON)
    cluster.create_namespace("watched", ON)
    cluster.create_namespace("agents", {**ON, f"{PSA}enforce": "privileged", f"{PSA}warn": "baseline"})
    for right in RIGHTS:
        made = cluster.kubectl("apply", "-f", "-", stdin=json.dumps(right))
        assert made.returncode == 0, made.stderr
    public = _key(folder / "team.pem")
    policy = folder / "policy.yaml"
    gate = Gate(folder, "--policy", str(policy), "--cluster", str(cluster.kubeconfig), selector=ON)
    found = Shop(cluster, gate, policy, folder / "team.pem", public)
    found.write("enforce")
    gate.start()
    configuration = gate.configuration("Fail")
    configuration["metadata"]["name"] = "podgate-policy"
    configuration["webhooks"][0]["rules"].append(
        {"apiGroups": ["apps"], "apiVersions": ["*"], "resources": ["*/scale"], "operations": ["UPDATE"]}
    )
    made = cluster.kubectl("apply", "-f", "-", stdin=json.dumps(configuration))
    assert made.returncode == 0, made.stderr
    probe = pod("probe", "counter", hostPID=True)
    wait_until(
        lambda: "denied the request" in found.apply(probe, None, "--dry-run=server").stderr, "podgate to be asked"
    )
    yield found
    cluster.kubectl("delete", "validatingwebhookconfiguration", "podgate-policy")
    gate.stop()


def _key(file: Path) -> str:
    """Make a key; returns its public half as the policy wants it."""
    made = subprocess.run([PROGRAM, "override", "keygen", "-o", str(file)], check=True, capture_output=True, text=True)
    said = made.stdout + made.stderr
    return next(
        word.strip("\"',")
        for word in said.split()
        if len(word.strip("\"',")) == 44 and word.rstrip("\"',").endswith("=")
    )


def test_levels_are_those_that_namespaces_declare(shop: Shop) -> None:
    bad: dict[str, Any] = {"hostNetwork": True}
    assert "host-network" in shop.apply(pod("a", "counter", **bad)).stderr
    agent = shop.apply(pod("a", "agents", **bad))
    assert agent.returncode == 0, agent.stderr
    assert "Warning: host-network: spec.hostNetwork is true" in agent.stderr


def test_audit_mode_judges_and_records_and_denies_nothing(shop: Shop) -> None:
    found = shop.apply(pod("a", "watched", hostPID=True))
    assert (found.returncode, found.stderr) == (0, "")
    line = shop.gate.decided(namespace="watched", kind="Pod", name="a")[-1]
    assert (line["decision"], line["judged"], line["mode"]) == ("allow", "deny", "audit")


def test_an_override_is_granted_to_whom_rbac_allows_it_and_to_nobody_else(shop: Shop) -> None:
    refused = shop.apply(pod("bob", "counter", asked(), hostNetwork=True), "bob")
    assert "bob may not override it in namespace counter" in refused.stderr
    granted = shop.apply(pod("alice", "counter", asked(), hostNetwork=True), "alice")
    assert granted.returncode == 0, granted.stderr
    assert "Warning: override: host-network until " in granted.stderr


def test_only_the_rules_that_one_may_override_are_lifted(shop: Shop) -> None:
    found = shop.apply(pod("both", "counter", asked("host-network,host-pid"), hostNetwork=True, hostPID=True), "alice")
    assert "host-pid: spec.hostPID is true" in found.stderr
    assert "host-network: spec" not in found.stderr


def test_an_expired_override_denies(shop: Shop) -> None:
    found = shop.apply(pod("late", "counter", asked(days=-3), hostNetwork=True), "alice")
    assert "the override has ended" in found.stderr


def test_an_override_travels_to_the_pods_of_a_deployment(shop: Shop) -> None:
    made = shop.apply(deployment("web", "counter", asked()), "alice")
    assert made.returncode == 0, made.stderr

    def exists() -> bool:
        found = shop.cluster.kubectl("get", "pods", "-n", "counter", "-l", "app=web", "-o", "name")
        return found.stdout.startswith("pod/")

    wait_until(exists, "the pod of the deployment")


def test_a_signed_override_needs_no_right(shop: Shop, tmp_path: Path) -> None:
    end = datetime.now(UTC) + timedelta(days=20)
    file = tmp_path / "pod.yaml"
    file.write_text(json.dumps(pod("signed", "counter", hostNetwork=True)))
    arguments = ["override", "sign", str(file), "--key", str(shop.key), "--name", "team", "--rules", "host-network"]
    arguments += ["--reason", "ports", "--expires", f"{end:%Y-%m-%dT00:00:00Z}", "--profile", "pss-baseline", "--write"]
    signed = subprocess.run([PROGRAM, *arguments], check=False, capture_output=True, text=True)
    assert signed.returncode == 0, signed.stderr
    found = shop.cluster.kubectl("apply", "-f", "-", "--as", "bob", "--as-group", "developers", stdin=signed.stdout)
    assert found.returncode == 0, found.stderr
    other = signed.stdout.replace('"signed"', '"copied"')
    copied = shop.cluster.kubectl("apply", "-f", "-", "--as", "bob", "--as-group", "developers", stdin=other)
    assert "does not have the signature of team as it stands" in copied.stderr


def test_a_deployment_that_was_there_before_can_be_scaled_down(shop: Shop) -> None:
    shop.cluster.kubectl("label", "namespace", "counter", "podgate-policy-")
    try:
        made = shop.apply(deployment("old", "counter", {}, replicas=3))
        assert made.returncode == 0, made.stderr
    finally:
        shop.cluster.kubectl("label", "namespace", "counter", "podgate-policy=on")
    scaled = shop.cluster.kubectl("scale", "-n", "counter", "deployment/old", "--replicas=1")
    assert scaled.returncode == 0, scaled.stderr
    labelled = shop.cluster.kubectl("label", "-n", "counter", "deployment/old", "team=a")
    assert labelled.returncode == 0, labelled.stderr


def test_a_policy_is_reloaded_in_mid_traffic(shop: Shop) -> None:
    failed: list[str] = []
    done = threading.Event()

    def traffic() -> None:
        count = 0
        while not done.is_set() and count < 60:
            count += 1
            found = shop.apply(pod("p", "counter", hostPID=True), None, "--dry-run=server")
            if found.returncode != 0 and "denied the request: host-pid" not in found.stderr:
                failed.append(found.stderr)

    thread = threading.Thread(target=traffic)
    thread.start()
    try:
        shop.write("warn")
        warned = pod("w", "counter", hostPID=True)
        wait_until(
            lambda: shop.apply(warned, None, "--dry-run=server").returncode == 0, "the new policy to be in force"
        )
        shop.write("enforce")
        wait_until(
            lambda: shop.apply(warned, None, "--dry-run=server").returncode != 0, "the old policy to be in force again"
        )
    finally:
        done.set()
        thread.join()
    assert failed == []
