"""What a person sees who runs kubectl against a cluster that asks Podgate."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .cluster import Cluster
from .gate import SELECTOR, Gate
from .process import wait_until

EXAMPLES = Path(__file__).parent.parent.parent / "manifests" / "examples"
DENIED = 'admission webhook "validate.podgate.dev" denied the request: '
IMAGE = "registry.example.com/app:1.0"
Ran = subprocess.CompletedProcess[str]


@pytest.fixture(scope="module")
def gate(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A webhook that is asked about everything in namespaces with a label; the unlabelled ones are left alone."""
    for namespace in ("shop", "monitoring", "tools"):
        cluster.create_namespace(namespace, SELECTOR)
    cluster.create_namespace("outside")
    running = Gate(tmp_path_factory.mktemp("gate"))
    running.start()
    running.install(cluster)
    probe = pod("probe", securityContext={"privileged": True})
    wait_until(lambda: DENIED in apply(cluster, probe, "--dry-run=server").stderr, "the API server to ask podgate")
    yield running
    cluster.kubectl("delete", "validatingwebhookconfiguration", "podgate")
    running.stop()


def pod(name: str, namespace: str = "tools", spec: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": IMAGE, **container}]
    meta = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers, **(spec or {})}}


def hardened(name: str, namespace: str = "tools") -> dict[str, Any]:
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    spec = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    return pod(name, namespace, spec, securityContext=security)


def workload(api_version: str, kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name, "namespace": "tools"}, "spec": spec}


def template(bad: bool) -> dict[str, Any]:
    spec = hardened("x")["spec"]
    if bad:
        spec["hostPID"] = True
    return {"metadata": {"labels": {"app": "x"}}, "spec": spec}


def apply(cluster: Cluster, obj: dict[str, Any], *flags: str) -> Ran:
    return cluster.kubectl("apply", "-f", "-", *flags, stdin=json.dumps(obj))


def test_a_dangerous_pod_is_denied_on_apply_with_every_reason(cluster: Cluster, gate: Gate) -> None:
    manifest = (EXAMPLES / "dangerous.yaml").read_text().replace("namespace: default", "namespace: tools")
    ran = cluster.kubectl("apply", "-f", "-", stdin=manifest)

    assert ran.returncode == 1
    lines = ran.stderr[ran.stderr.index(DENIED) + len(DENIED) :].strip().splitlines()
    told = 'privileged: spec.containers[0].securityContext.privileged is true (container "shell"). '
    assert any(line.startswith(told) for line in lines)
    assert [line.split(":")[0] for line in lines] == [
        "docker-socket",
        "host-path-sensitive",
        "privileged",
        "workload-credentials-mount",
        "host-network",
        "host-path",
        "host-pid",
        "suspicious-command",
        "risk",
    ]
    assert cluster.kubectl("get", "pod", "toolbox", "-n", "tools").returncode == 1


def test_an_ordinary_application_is_let_in_and_its_author_is_warned(cluster: Cluster, gate: Gate) -> None:
    ran = cluster.kubectl("apply", "-f", str(EXAMPLES / "ordinary-app.yaml"))

    assert (ran.returncode, ran.stdout) == (0, "deployment.apps/storefront created\n")
    warnings = [line.removeprefix("Warning: ") for line in ran.stderr.splitlines() if line.startswith("Warning: ")]
    assert {line.split(":")[0] for line in warnings} == {
        "capabilities-drop-all-missing",
        "privilege-escalation",
        "run-as-non-root-missing",
        "seccomp-unset",
    }


def test_a_hardened_application_is_let_in_without_a_word_and_its_pods_come(cluster: Cluster, gate: Gate) -> None:
    ran = cluster.kubectl("apply", "-f", str(EXAMPLES / "hardened-app.yaml"))

    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "deployment.apps/checkout created\n", "")
    listing = ("get", "pods", "-n", "shop", "-l", "app=checkout", "-o", "name")
    wait_until(lambda: len(cluster.kubectl(*listing).stdout.split()) == 2, "the pods of the deployment")
    assert gate.decided(2, kind="Pod", namespace="shop", user="system:serviceaccount:kube-system:replicaset-controller")


@pytest.mark.parametrize(
    ("api_version", "kind", "spec", "path"),
    [
        (
            "apps/v1",
            "Deployment",
            {"selector": {"matchLabels": {"app": "x"}}, "template": template(bad=True)},
            "spec.template.spec.hostPID",
        ),
        (
            "batch/v1",
            "CronJob",
            {
                "schedule": "* * * * *",
                "jobTemplate": {
                    "spec": {"template": {"spec": {**template(bad=True)["spec"], "restartPolicy": "Never"}}}
                },
            },
            "spec.jobTemplate.spec.template.spec.hostPID",
        ),
        (
            "batch/v1",
            "Job",
            {"template": {"spec": {**template(bad=True)["spec"], "restartPolicy": "Never"}}},
            "spec.template.spec.hostPID",
        ),
    ],
    ids=["Deployment", "CronJob", "Job"],
)
def test_a_bad_workload_is_denied_at_the_workload(
    cluster: Cluster, gate: Gate, api_version: str, kind: str, spec: dict[str, Any], path: str
) -> None:
    ran = apply(cluster, workload(api_version, kind, "bad", spec))

    assert ran.returncode == 1
    assert f"{DENIED}host-pid: {path} is true. " in ran.stderr


def test_a_privileged_debug_container_is_denied_and_an_ordinary_one_is_not(cluster: Cluster, gate: Gate) -> None:
    assert apply(cluster, hardened("debugged")).returncode == 0
    debug = ("debug", "debugged", "-n", "tools", f"--image={IMAGE}", "--attach=false", "--container=debugger")
    bad = cluster.kubectl(*debug, "--profile=sysadmin")

    assert bad.returncode == 1
    assert "privileged: spec.ephemeralContainers[0].securityContext.privileged is true" in bad.stderr
    assert cluster.kubectl(*debug, "--profile=restricted").returncode == 0


def test_a_server_side_dry_run_gets_the_same_answer_and_leaves_nothing(cluster: Cluster, gate: Gate) -> None:
    bad = pod("tried", securityContext={"privileged": True})
    dry, real = apply(cluster, bad, "--dry-run=server"), apply(cluster, bad)

    assert dry.returncode == real.returncode == 1
    assert dry.stderr[dry.stderr.index(DENIED) :] == real.stderr[real.stderr.index(DENIED) :]
    assert cluster.kubectl("get", "pod", "tried", "-n", "tools").returncode == 1
    assert [entry["dryRun"] for entry in gate.decided(2, name="tried")] == [True, False]


def test_what_was_there_before_can_be_labelled_scaled_and_deleted(cluster: Cluster, gate: Gate) -> None:
    cluster.kubectl("label", "namespace", "outside", "podgate-e2e-")
    old = pod("old", "outside", securityContext={"privileged": True})
    assert apply(cluster, old).returncode == 0
    cluster.kubectl("label", "namespace", "outside", "podgate-e2e=on")

    assert cluster.kubectl("label", "pod", "old", "-n", "outside", "team=shop").returncode == 0
    assert cluster.kubectl("scale", "deployment", "checkout", "-n", "shop", "--replicas=1").returncode == 0
    assert cluster.kubectl("delete", "pod", "old", "-n", "outside", "--wait=false").returncode == 0


@pytest.mark.parametrize(("failure_policy", "code"), [("Fail", 1), ("Ignore", 0)])
def test_without_the_webhook_the_failure_policy_decides(
    cluster: Cluster, gate: Gate, failure_policy: str, code: int
) -> None:
    gate.install(cluster, failure_policy)
    gate.stop()
    try:
        name = f"down-{failure_policy.lower()}"
        what = f"failurePolicy {failure_policy} to be in force"
        wait_until(lambda: apply(cluster, hardened(name)).returncode == code, what)
        ran = apply(cluster, hardened(f"{name}-again"))
        assert ran.returncode == code
        assert ('failed calling webhook "validate.podgate.dev"' in ran.stderr) is (code == 1)
    finally:
        gate.start()
        gate.install(cluster)
    recovered = pod("recovered", securityContext={"privileged": True})
    wait_until(lambda: DENIED in apply(cluster, recovered, "--dry-run=server").stderr, "the webhook to be asked again")
