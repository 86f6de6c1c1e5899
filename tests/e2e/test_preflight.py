"""A look at a real cluster before anything is enforced there: what is right and wrong, and what may not be seen."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..manifests.tools import MANIFESTS, named, overlay
from .cluster import Cluster
from .process import wait_until

Ran = subprocess.CompletedProcess[str]
Json = dict[str, Any]
OWN, ORCHARD = "podgate-system", "preflight"
RUN = "from webhook.cli import main; main()"
ROOT = Path(__file__).parents[2]


@dataclass
class Ground:
    """The cluster, with Podgate's objects in it, and what the command says of it."""

    cluster: Cluster
    folder: Path

    def run(self, *args: str, kubeconfig: Path | None = None, stdin: str = "") -> Ran:
        where = ("--kubeconfig", str(kubeconfig or self.cluster.kubeconfig))
        return subprocess.run(
            [sys.executable, "-c", RUN, "preflight", *where, *args],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            timeout=120,
        )

    def seen(self, *args: str, kubeconfig: Path | None = None, stdin: str = "") -> Json:
        ran = self.run("-o", "json", *args, kubeconfig=kubeconfig, stdin=stdin)
        assert ran.stdout, ran.stderr
        found: Json = json.loads(ran.stdout)
        assert found["exitCode"] == ran.returncode
        return found

    def apply(self, obj: Json, *flags: str) -> None:
        made = self.cluster.kubectl("apply", "-f", "-", *flags, stdin=json.dumps(obj))
        assert made.returncode == 0, made.stderr

    def configure(self, **changes: Any) -> None:
        """The configuration of the overlay `enforce`; `changes` are fields of its first entry."""
        found = named(overlay("enforce"), "ValidatingWebhookConfiguration")
        found["webhooks"][0] |= changes
        for each in found["webhooks"]:
            each["clientConfig"]["caBundle"] = self.bundle
        # The address of its Service leads out of this machine: nothing is asked about while this is there.
        self.apply(found)

    @property
    def shown(self) -> tuple[str, str]:
        """The flag for the certificate that replicas would show."""
        return "--tls-cert", str(self.folder / "tls.crt")

    @property
    def bundle(self) -> str:
        return encoded((self.folder / "ca.crt").read_bytes())

    def account(self, name: str, rules: list[Json]) -> Path:
        """A kubeconfig of somebody who may do this and nothing else."""
        api = "rbac.authorization.k8s.io"
        role = {"apiVersion": f"{api}/v1", "kind": "ClusterRole", "metadata": {"name": name}}
        subject = {"kind": "User", "name": name, "apiGroup": api}
        reference = {"kind": "ClusterRole", "name": name, "apiGroup": api}
        self.apply({**role, "rules": rules})
        self.apply({**role, "kind": "ClusterRoleBinding", "roleRef": reference, "subjects": [subject]})
        return self.cluster._write_kubeconfig(name, self.cluster._authority.client(name, name))


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def results(found: Json) -> dict[str, list[str]]:
    """The names of the checks, by what came of them."""
    by_result: dict[str, list[str]] = {}
    for each in found["checks"]:
        by_result.setdefault(each["result"], []).append(each["name"])
    return by_result


def said(found: Json, name: str) -> str:
    return " | ".join(each["text"] for each in found["checks"] if each["name"] == name)


def container(name: str = "app", **security: Any) -> Json:
    return {"name": name, "image": "registry.example.com/app:1.0", "securityContext": security}


def deployment(name: str, **security: Any) -> Json:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container(**security)]}}
    spec = {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": ORCHARD},
        "spec": spec,
    }


@pytest.fixture(scope="module")
def ground(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("preflight")
    found = Ground(cluster, folder)
    names = ("--dir", str(folder), "--dns-name", f"podgate.{OWN}.svc")
    subprocess.run([sys.executable, "-c", RUN, "certs", "init", *names], check=True, capture_output=True, cwd=ROOT)
    cluster.kubectl("create", "namespace", OWN)
    for each in overlay("enforce"):
        if each["kind"] not in ("Namespace", "ValidatingWebhookConfiguration"):
            found.apply(each)
    cluster.create_namespace(ORCHARD)
    found.apply(deployment("bad", privileged=True))
    found.apply(deployment("good"))
    _wait_for_pods(cluster, OWN, "app.kubernetes.io/name=podgate", 2)
    for app in ("bad", "good"):
        _wait_for_pods(cluster, ORCHARD, f"app={app}", 2)
    for pod in cluster.kubectl("get", "pods", "-n", OWN, "-o", "name").stdout.split():
        _make_ready(cluster, pod)
    found.configure()
    yield found
    cluster.kubectl("delete", "validatingwebhookconfiguration", "podgate", "--ignore-not-found")
    cluster.kubectl("delete", "namespace", ORCHARD, "--wait=false")
    for each in overlay("enforce"):
        if each["kind"] not in ("Namespace", "ValidatingWebhookConfiguration"):
            cluster.kubectl("delete", "-f", "-", "--ignore-not-found", "--wait=false", stdin=json.dumps(each))


def _wait_for_pods(cluster: Cluster, namespace: str, label: str, count: int) -> None:
    listing = ("get", "pods", "-n", namespace, "-l", label, "-o", "name")
    wait_until(lambda: len(cluster.kubectl(*listing).stdout.split()) == count, f"pods of {label}")


def _make_ready(cluster: Cluster, pod: str) -> None:
    """Say of a pod what a kubelet would say."""
    status = {"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    flags = ("-n", OWN, "--subresource=status", "--type=merge", "-p", json.dumps(status))
    assert cluster.kubectl("patch", pod, *flags).returncode == 0


def manifests(**changes: Any) -> str:
    """The configuration that is about to be applied, with these fields in its first entry."""
    found = named(overlay("enforce"), "ValidatingWebhookConfiguration")
    found["webhooks"][0] |= changes
    return json.dumps(found)


def denied(found: Json) -> list[Json]:
    """What would be denied of ours: the cluster holds what other tests have left."""
    return [each for each in found["judged"]["denied"] if each["namespace"] == ORCHARD]


def wrong(found: Json) -> set[str]:
    return set(results(found).get("wrong", []))


def test_what_is_right_is_said_and_what_would_be_denied_is_counted(ground: Ground) -> None:
    found = ground.seen(*ground.shown)

    assert set(results(found)) == {"ok"}
    assert said(found, "pods") == "2 of 2 pods of Service podgate are ready"
    assert said(found, "ports") == "port 443 leads to 8443, where Podgate serves"
    assert f"as podgate.{OWN}.svc, until 20" in said(found, "trust")
    assert found["judged"]["policy"] | {"hash": ""} == {
        "name": "default",
        "hash": "",
        "source": f"ConfigMap {OWN}/podgate-policy",
        "mode": "enforce",
    }
    here = [each for each in found["judged"]["namespaces"] if each["namespace"] == ORCHARD]
    assert [(each["workloads"], each["pods"]) for each in here] == [
        ({"judged": 2, "denied": 1}, {"judged": 4, "denied": 2})
    ]
    assert [(each["kind"], each["name"], each["count"]) for each in denied(found)] == [
        ("Deployment", "bad", 1),
        ("Pod", "bad-*", 2),
    ]
    assert found["exitCode"] == 1


def test_what_runs_is_held_against_a_policy_that_is_not_there_yet(ground: Ground, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {profile: all}\n")
    ran = ground.run("--policy", str(policy), *ground.shown)

    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("Nothing would break, and nothing would be denied.\n")


def test_what_is_about_to_be_applied_counts_instead_of_what_is_there(ground: Ground) -> None:
    observed = ground.cluster.kubectl("kustomize", str(MANIFESTS / "overlays" / "observe")).stdout
    ran = ground.run("-f", "-", *ground.shown, stdin=observed)

    assert ran.returncode == 1
    assert "pods.podgate.dev      Ignore           5s        passes, 5 s later" in ran.stdout
    told = r"\n[1-9][0-9]* workloads? and [0-9]+ pods would be denied if mode audit became enforce\.\n$"
    assert re.search(told, ran.stdout)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"namespaceSelector": {}}, {f"namespace {OWN}", "namespace kube-system"}),
        (
            {
                "rules": [
                    {
                        "apiGroups": ["*"],
                        "apiVersions": ["*"],
                        "resources": ["*"],
                        "operations": ["*"],
                        "scope": "*",
                    }
                ],
                "matchConditions": None,
            },
            {"leases", "nodes", "certificate signing requests", "events", "what a control plane brings up"},
        ),
        ({"clientConfig": {"service": {"name": "podgate", "namespace": OWN, "port": 444}}}, {"service"}),
        ({"clientConfig": {"service": {"name": "gone", "namespace": OWN}}}, {"service"}),
        ({"clientConfig": {"service": {"name": "podgate", "namespace": OWN}, "caBundle": "eA=="}}, {"trust"}),
    ],
    ids=["no selector", "everything", "port", "service", "bundle"],
)
def test_what_would_break_is_seen_before_it_is_applied(
    ground: Ground, changes: dict[str, Any], expected: set[str]
) -> None:
    assert expected <= wrong(ground.seen("-f", "-", *ground.shown, stdin=manifests(**changes)))


def test_a_service_that_leads_nowhere_and_a_certificate_for_another_are_seen(ground: Ground) -> None:
    def patch(kind: str, name: str, content: Json) -> None:
        made = ground.cluster.kubectl("patch", kind, name, "-n", OWN, "--type=merge", "-p", json.dumps(content))
        assert made.returncode == 0, made.stderr

    patch("service", "podgate", {"spec": {"selector": {"app.kubernetes.io/component": "other"}}})
    other = ground.folder / "other"
    made = ("certs", "init", "--dir", str(other), "--dns-name", "elsewhere.example.com")
    subprocess.run([sys.executable, "-c", RUN, *made], check=True, capture_output=True, cwd=ROOT)
    try:
        found = ground.seen("--tls-cert", str(other / "tls.crt"))
    finally:
        patch("service", "podgate", {"spec": {"selector": {"app.kubernetes.io/component": "webhook"}}})

    assert wrong(found) == {"pods", "trust"}
    assert said(found, "pods").startswith("no pod has what Service podgate selects: ")
    assert f"do not have podgate.{OWN}.svc, but elsewhere.example.com" in said(found, "trust")
    assert "the caBundle does not lead to who signed it" in said(found, "trust")


def test_two_webhooks_that_wait_for_each_other_are_seen(ground: Ground) -> None:
    client = {"service": {"name": "other", "namespace": ORCHARD}, "caBundle": ground.bundle}
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    hook = {"name": "other.example.com", "clientConfig": client, "rules": [rule], "sideEffects": "None"}
    meta = {"name": "other"}
    # The selector keeps it from being asked about anything but what is never created here.
    hook |= {"admissionReviewVersions": ["v1"], "objectSelector": {"matchLabels": {"nobody": "here"}}}
    kind = "MutatingWebhookConfiguration"
    ground.apply({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": meta, "webhooks": [hook]})
    try:
        found = ground.seen()
    finally:
        ground.cluster.kubectl("delete", kind, "other")

    assert wrong(found) == {"other/other.example.com"}


VERSION = {"nonResourceURLs": ["/version"], "verbs": ["get"]}
#: What docs/install.md says is needed.
READER = [
    {"apiGroups": [""], "resources": ["namespaces", "services", "configmaps", "pods"]},
    {"apiGroups": [""], "resources": ["replicationcontrollers", "podtemplates"]},
    {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets", "replicasets"]},
    {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"]},
    {
        "apiGroups": ["admissionregistration.k8s.io"],
        "resources": ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"],
    },
]


def test_who_may_only_read_sees_all_of_it_without_a_right_to_secrets(ground: Ground) -> None:
    """So nothing is written, no dry run is asked for, and no key is ever sent."""
    rules = [{**rule, "verbs": ["get", "list"]} for rule in READER]
    kubeconfig = ground.account("preflight-reader", [*rules, VERSION])

    assert ground.seen(*ground.shown, kubeconfig=kubeconfig) == ground.seen(*ground.shown)


def test_a_certificate_that_was_not_given_is_not_taken_to_be_right(ground: Ground) -> None:
    found = ground.seen(
        "--policy", "-", stdin="apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {mode: audit}\n"
    )

    assert results(found)["not looked at"] == ["trust"]
    assert said(found, "trust").endswith("Secrets are not read. Give tls.crt by --tls-cert")


def test_what_may_not_be_looked_at_is_never_fine(ground: Ground) -> None:
    found = ground.seen(kubeconfig=ground.account("preflight-blind", [VERSION]))

    assert results(found) == {"not looked at": ["configuration", "namespaces", "deployment", "policy"]}
    assert said(found, "configuration").startswith("your account may not read /apis/admissionregistration.k8s.io/v1/")
    assert (found["webhooks"], found["judged"], found["exitCode"]) == ([], None, 1)


def test_who_may_not_read_pods_is_told_what_that_leaves_open(ground: Ground) -> None:
    some = {
        "apiGroups": ["", "apps", "admissionregistration.k8s.io"],
        "resources": [
            "namespaces",
            "services",
            "configmaps",
            "deployments",
            "validatingwebhookconfigurations",
            "mutatingwebhookconfigurations",
        ],
        "verbs": ["get", "list"],
    }
    found = ground.seen(*ground.shown, kubeconfig=ground.account("preflight-half", [some, VERSION]))

    unseen = results(found)["not looked at"]
    assert {"pods", "ports", "what runs"} == set(unseen)
    assert unseen.count("what runs") == 8  # all kinds but Deployments
    assert said(found, "pods") == f"your account may not read /api/v1/namespaces/{OWN}/pods"
    assert [each["name"] for each in denied(found)] == ["bad"]


def test_a_cluster_that_does_not_answer_and_a_call_that_is_wrong_end_with_two(ground: Ground, tmp_path: Path) -> None:
    known = json.loads(ground.cluster.kubeconfig.read_text())
    known["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    away = tmp_path / "away"
    away.write_text(json.dumps(known))
    ran = ground.run(kubeconfig=away)

    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr.startswith("Error: the cluster cannot be reached: ")
    assert ground.run("-f", "-", stdin="kind: List\napiVersion: v1\nitems: []\n").returncode == 2
    assert ground.run("--context", "none").returncode == 2
