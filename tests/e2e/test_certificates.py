"""Certificates that look after themselves, with a real API server: made, published, mended and exchanged under load.

Two replicas run with the rights, the flags and the policy that the manifests give them. The API server asks both about
every pod, by URL since a Service cannot be reached without a network. Only the plan's waiting times are shortened.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import pytest

from certs.bundle import Bundle, Certificate, certificates, issuer, pem
from tests.reviews import body, privileged_pod, review

from ..manifests.tools import named, overlay
from .cluster import HOST, Cluster, free_ports
from .process import ClusterError, Component, wait_until

NAMESPACE = "quay"
SECRET = "podgate-system/podgate-tls"  # noqa: S105 - it is a name
INSTALLED = (
    "Namespace",
    "ServiceAccount",
    "Secret",
    "Lease",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
)
NOTICE, OVERLAP = 6, 20
#: The program, with an hour and two minutes made shorter.
QUICK = f"""
from dataclasses import replace
from datetime import timedelta
from certs import rotation
quick = {{"notice": timedelta(seconds={NOTICE}), "overlap": timedelta(seconds={OVERLAP})}}
rotation.SCHEDULE = replace(rotation.SCHEDULE, **quick)
from webhook.cli import main
main()
"""
MOST_REVIEWS = 4000
PAUSE = 0.05


class Replica:
    """A pod of the Deployment, as a process: its container's flags, with places and ports of this machine."""

    def __init__(self, folder: Path, kubeconfig: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.port, self.ops_port = free_ports(2)
        found = overlay("enforce")
        (folder / "policy.yaml").write_text(named(found, "ConfigMap", "podgate-policy")["data"]["policy.yaml"])
        (container,) = named(found, "Deployment")["spec"]["template"]["spec"]["containers"]
        command, *flags = container["args"]
        told = dict(flag.split("=", 1) for flag in flags)
        told |= {"--host": HOST, "--port": str(self.port), "--ops-port": str(self.ops_port)}
        told |= {"--tls-cert": str(folder / "tls" / "tls.crt"), "--tls-key": str(folder / "tls" / "tls.key")}
        told |= {"--policy": str(folder / "policy.yaml"), "--cluster": str(kubeconfig), "--drain-seconds": "0"}
        (given,) = [each["value"] for each in container["env"] if each["name"] == "PODGATE_MANAGED_CERTIFICATES"]
        told["--managed-certificates"] = given
        self._flags = ["-c", QUICK, command, *(f"{name}={value}" for name, value in told.items())]
        self._running: Component | None = None

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}/validate"

    @property
    def served(self) -> bytes:
        return (self.folder / "tls" / "tls.crt").read_bytes()

    def start(self) -> None:
        self._running = Component(Path(sys.executable), self._flags, self.folder)

    def stop(self) -> None:
        if self._running is not None:
            self._running.stop()

    def problems(self) -> str | None:
        """What /readyz complains of: nothing where it is ready, None where nobody answers yet."""
        assert self._running is not None
        self._running.check()
        connection = http.client.HTTPConnection(HOST, self.ops_port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return "" if answer.status == http.HTTPStatus.OK else answer.read().decode()
        except OSError:
            return None
        finally:
            connection.close()

    def said(self, text: str) -> int:
        """How often a line of the log says that."""
        assert self._running is not None
        lines = self._running.log_file.read_text().splitlines()
        return sum(f'"{text}"' in line for line in lines)


@pytest.fixture(scope="module")
def account(cluster: Cluster) -> Iterator[Path]:
    """What the overlay `enforce` installs, and a kubeconfig of Podgate's own account."""
    for each in overlay("enforce"):
        if each["kind"] in INSTALLED:
            done(cluster, each)
    cluster.create_namespace(NAMESPACE)
    yield cluster.account_kubeconfig("podgate-system", "podgate")
    cluster.kubectl("delete", "validatingwebhookconfiguration", "podgate", "--ignore-not-found")
    for each in overlay("enforce"):
        if each["kind"].startswith("Cluster"):
            cluster.kubectl("delete", each["kind"], each["metadata"]["name"])
    cluster.kubectl("delete", "namespace", NAMESPACE, "podgate-system", "--wait=false")


@pytest.fixture(scope="module")
def replicas(cluster: Cluster, account: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Replica]]:
    """Both begin at the same moment, with an empty Secret, and before anybody is told to ask them."""
    folder = tmp_path_factory.mktemp("replicas")
    found = [Replica(folder / name, account) for name in ("a", "b")]
    for each in found:
        each.start()
    lacking = "no serving certificate yet: there is no ValidatingWebhookConfiguration podgate"
    try:
        wait_until(lambda: all(lacking in (each.problems() or "") for each in found), "both to say what they lack")
        done(cluster, configuration(found))
        wait_until(lambda: all(each.problems() == "" for each in found), "both replicas to be ready")
        yield found
    finally:
        for each in found:
            each.stop()


def configuration(replicas: list[Replica]) -> dict[str, Any]:
    """The installed configuration, by URL; about pods, both replicas are asked."""
    made = named(overlay("enforce"), "ValidatingWebhookConfiguration")
    pods, objects = made["webhooks"]
    again = {**pods, "name": "pods-again.podgate.dev"}
    for each, replica in ((pods, replicas[0]), (objects, replicas[0]), (again, replicas[1])):
        each["clientConfig"] = {"url": replica.url}
    return {**made, "webhooks": [pods, objects, again]}


def done(cluster: Cluster, found: dict[str, Any]) -> None:
    ran = cluster.kubectl("apply", "-f", "-", stdin=json.dumps(found))
    if ran.returncode != 0:
        raise ClusterError(ran.stderr)


def get(cluster: Cluster, *what: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cluster.kubectl("get", *what, "-o", "json").stdout)
    return found


def kept(cluster: Cluster) -> Bundle:
    data = get(cluster, "secret", "podgate-tls", "-n", "podgate-system").get("data", {})
    found = Bundle.read({name: base64.b64decode(value) for name, value in data.items()})
    assert found is not None
    return found


def published(cluster: Cluster) -> list[tuple[Certificate, ...]]:
    """Whom each entry trusts."""
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/podgate"
    entries = json.loads(cluster.get(path)[1])["webhooks"]
    return [certificates(base64.b64decode(each["clientConfig"].get("caBundle", ""))) for each in entries]


def pod(*, privileged: bool) -> dict[str, Any]:
    security: dict[str, Any] = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    if privileged:
        security = {"privileged": True}
    image = "registry.example.com/app:1.0"
    spec = {
        "containers": [{"name": "app", "image": image, "securityContext": security}],
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app", "namespace": NAMESPACE}, "spec": spec}


def certs(account: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("podgate")
    given = [str(program), "certs", *arguments, "--secret", SECRET, "--cluster", str(account)]
    return subprocess.run(given, capture_output=True, text=True, check=False, timeout=60)


def settled(cluster: Cluster, replicas: list[Replica], bundle: Bundle) -> bool:
    """Whether this is what is kept, trusted and served, everywhere."""
    return (
        kept(cluster).content() == bundle.content()
        and published(cluster) == [bundle.trusted] * 3
        and all(each.served == bundle.leaf.pair.cert for each in replicas)
    )


def test_one_authority_is_made_published_and_served_by_both(cluster: Cluster, replicas: list[Replica]) -> None:
    made = "an authority and a serving certificate were made"
    bundle = kept(cluster)
    lease = get(cluster, "lease", "podgate-tls", "-n", "podgate-system")["spec"]

    assert settled(cluster, replicas, bundle)
    assert [bundle.trusted, bundle.leaf.names] == [(bundle.authority.cert,), (HOST,)]
    assert sum(each.said(made) for each in replicas) == 1
    assert lease["leaseTransitions"] >= 1


@pytest.mark.usefixtures("replicas")
def test_it_is_enforced_on_kubectl_apply(cluster: Cluster) -> None:
    good, bad = (
        cluster.kubectl("apply", "--dry-run=server", "-f", "-", stdin=json.dumps(pod(privileged=privileged)))
        for privileged in (False, True)
    )

    assert good.returncode == 0, good.stderr
    assert bad.returncode == 1
    assert "privileged: spec.containers[0].securityContext.privileged is true" in bad.stderr


def written(replicas: list[Replica]) -> int:
    """How often the caBundle was written, by the log. A replica that never saw it whole does not blame anybody."""
    texts = ("the caBundle was written", "somebody changed the caBundle; it was written again")
    return sum(each.said(text) for each in replicas for text in texts)


@pytest.mark.parametrize("number", [0, 2])
def test_a_ca_bundle_that_somebody_changed_is_written_again(
    cluster: Cluster, replicas: list[Replica], number: int
) -> None:
    bundle, before = kept(cluster), written(replicas)
    other = base64.b64encode((cluster.folder / "ca.crt").read_bytes()).decode()
    patch = [{"op": "replace", "path": f"/webhooks/{number}/clientConfig/caBundle", "value": other}]
    given = ("validatingwebhookconfiguration", "podgate", "--type=json", "-p", json.dumps(patch))
    assert cluster.kubectl("patch", *given).returncode == 0

    wait_until(lambda: settled(cluster, replicas, bundle), "the caBundle to be written again")
    wait_until(lambda: reviewed(cluster, privileged=False) == "", "reviews to be answered again")
    wait_until(lambda: written(replicas) > before, "the log to tell of it")


@pytest.mark.usefixtures("account")
def test_the_account_may_do_what_is_needed_and_no_more(cluster: Cluster) -> None:
    wanted = {
        ("get", "secret/podgate-tls"): "yes",
        ("update", "secret/podgate-tls"): "yes",
        ("get", "secret/other"): "no",
        ("list", "secrets"): "no",
        ("create", "secrets"): "no",
        ("delete", "secret/podgate-tls"): "no",
        ("update", "lease/podgate-tls"): "yes",
        ("update", "lease/other"): "no",
        ("create", "leases"): "no",
        ("patch", "validatingwebhookconfiguration/podgate"): "yes",
        ("patch", "validatingwebhookconfiguration/other"): "no",
        ("delete", "validatingwebhookconfiguration/podgate"): "no",
    }
    who = ("--as=system:serviceaccount:podgate-system:podgate", "-n", "podgate-system")
    found = {each: cluster.kubectl("auth", "can-i", *each, *who).stdout.strip() for each in wanted}

    assert found == wanted


def reviewed(cluster: Cluster, *, privileged: bool) -> str:
    """Have a pod reviewed by way of the API server; what was wrong with the answer, if anything."""
    status, text = cluster.ask("POST", f"/api/v1/namespaces/{NAMESPACE}/pods?dryRun=All", pod(privileged=privileged))
    if privileged:
        return "" if status == 403 and "privileged: spec.containers[0]" in text else f"{status} {text}"
    return "" if status == 201 else f"{status} {text}"


class Load:
    """Reviews without a pause of more than a moment, until the block ends; at most so many of each kind."""

    def __init__(self, cluster: Cluster, replicas: list[Replica]) -> None:
        self._cluster = cluster
        self._replicas = replicas
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._repeat, args=(each,)) for each in (self._through, self._direct)]
        self.failures: list[str] = []
        self.counts = {"_through": 0, "_direct": 0}

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in self._threads:
            each.join(30)

    def _repeat(self, once: Callable[[int], str]) -> None:
        for number in range(MOST_REVIEWS):
            if self._over.is_set():
                return
            try:
                failure = once(number)
            except (OSError, http.client.HTTPException) as error:
                failure = repr(error)
            self.counts[once.__name__] += 1
            if failure:
                self.failures.append(f"{time.strftime('%X')} {once.__name__}: {failure}")
            self._over.wait(PAUSE)

    def _through(self, number: int) -> str:
        """By way of the API server, which keeps its connections to the webhook."""
        return reviewed(self._cluster, privileged=number % 3 == 0)

    def _direct(self, number: int) -> str:
        """A new connection each time, by one who trusts what is published at that moment."""
        replica = self._replicas[number % 2]
        trusted = published(self._cluster)[2 * (number % 2)]
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=pem(trusted).decode())
        connection = http.client.HTTPSConnection(HOST, replica.port, timeout=10, context=context)
        try:
            given = body(review(privileged_pod(), namespace=NAMESPACE))
            connection.request("POST", "/validate", given, {"content-type": "application/json"})
            answer = connection.getresponse()
            return "" if json.loads(answer.read())["response"]["allowed"] is False else "a privileged pod passed"
        finally:
            connection.close()


def test_leaf_and_authority_are_exchanged_under_load_and_no_review_fails(
    cluster: Cluster, replicas: list[Replica], account: Path
) -> None:
    old = kept(cluster)
    with Load(cluster, replicas) as load:
        renewed = certs(account, "rotate")
        wait_until(lambda: all(each.served != old.leaf.pair.cert for each in replicas), "the new leaf to be served")
        middle = kept(cluster)
        begun = certs(account, "rotate", "--authority")
        wait_until(lambda: len(published(cluster)[0]) == 2, "the next authority to be published")
        during = certs(account, "status")
        wait_until(
            lambda: len(kept(cluster).trusted) == 1 and settled(cluster, replicas, kept(cluster)),
            "the exchange to be complete",
            seconds=120,
        )
        after = certs(account, "status")
        wait_until(lambda: reviewed(cluster, privileged=True) == "", "a review with the new authority alone")
        time.sleep(2)  # and some more under it, by the stream

    new = kept(cluster)
    assert [ran.returncode for ran in (renewed, begun, after)] == [0, 0, 0], (renewed, begun, after)
    assert middle.trusted == old.trusted
    assert middle.leaf.cert != old.leaf.cert
    assert issuer(new.leaf.cert, old.trusted) is None
    assert "next authority" in during.stdout or "previous authority" in during.stdout
    assert load.failures == []
    assert min(load.counts.values()) > 50, load.counts
    steps = (
        "the next authority was made",
        "the next authority has taken over",
        "the previous authority is trusted no longer",
    )
    # The first step was the command's.
    assert [sum(each.said(step) for each in replicas) for step in steps] == [0, 1, 1]
