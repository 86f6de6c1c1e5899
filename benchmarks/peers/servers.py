"""The servers side by side: how each is started against one control plane, as its own manifests start it."""

import json
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.peers import programs
from tests.e2e.cluster import HOST, Cluster, free_ports
from tests.e2e.pki import Authority, KeyPair
from tests.e2e.process import Component

ALLOWED, DENIED = '"allowed":true', '"allowed":false'
START_SECONDS = 180.0
_POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Site:
    """What a server is started with."""

    cluster: Cluster
    folder: Path
    pair: KeyPair
    port: int


@dataclass(frozen=True)
class Server:
    """How one server is started and asked.

    `careless` is what its answer to a careless pod holds: the sign that it judges.
    """

    name: str
    title: str
    path: str
    start: Callable[[Site], Component]
    careless: str = DENIED


@dataclass
class Running:
    """A server that has given its first right answer."""

    server: Server
    process: Component
    url: str
    start_seconds: float
    start_cpu_seconds: float
    idle_kib: int
    memory_kib: dict[str, int] = field(default_factory=dict)


def _podgate(profile: str) -> Callable[[Site], Component]:
    def start(site: Site) -> Component:
        policy = site.folder / "policy.yaml"
        policy.write_text(f"apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {{profile: {profile}}}\n")
        flags = ["-m", "webhook.cli", "serve", "--host", HOST, "--port", str(site.port), "--ops-port", "0"]
        flags += ["--tls-cert", str(site.pair.cert), "--tls-key", str(site.pair.key), "--policy", str(policy)]
        flags += ["--cluster", str(site.cluster.kubeconfig), "--decision-log", str(site.folder / "decisions.jsonl")]
        return Component(Path(sys.executable), flags, site.folder)

    return start


def _pod_security(site: Site) -> Component:
    config = {
        "apiVersion": "pod-security.admission.config.k8s.io/v1",
        "kind": "PodSecurityConfiguration",
        "defaults": {"enforce": "restricted", "enforce-version": "latest"},
    }
    (site.folder / "config.json").write_text(json.dumps(config))
    flags = [f"--config={site.folder / 'config.json'}", f"--kubeconfig={site.cluster.kubeconfig}"]
    flags += [f"--bind-address={HOST}", f"--secure-port={site.port}"]
    flags += [f"--tls-cert-file={site.pair.cert}", f"--tls-private-key-file={site.pair.key}"]
    return Component(programs.binary("psa"), flags, site.folder)


SERVERS = {
    each.name: each
    for each in (
        Server("podgate-all", "Podgate, every rule and the classifier", "/validate", _podgate("all"), '"warnings":'),
        Server("podgate-pss", "Podgate, pss-restricted", "/validate", _podgate("pss-restricted")),
        Server("psa", "upstream's Pod Security webhook", "/", _pod_security),
    )
}


@contextmanager
def running(cluster: Cluster, names: list[str], careless: str) -> Iterator[list[Running]]:
    """The servers that can be had, each after its first right answer to the review of a careless pod."""
    authority = Authority(_made(cluster.folder / "bench"))
    pair = authority.server("webhook", [HOST, "localhost"])
    with ExitStack() as stack:
        started = []
        for name in names:
            try:
                started.append(_start(SERVERS[name], cluster, pair, careless))
            except programs.UnavailableError as error:
                print(f"{name} is not measured: {error}", file=sys.stderr)
                continue
            stack.callback(started[-1].process.stop)
        yield started


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _start(server: Server, cluster: Cluster, pair: KeyPair, careless: str) -> Running:
    site = Site(cluster, _made(cluster.folder / server.name), pair, free_ports(1)[0])
    url = f"https://{HOST}:{site.port}{server.path}"
    began = time.monotonic()
    process = server.start(site)
    context = ssl.create_default_context(cafile=str(pair.cert.with_name("ca.crt")))
    while server.careless not in _answer(url, careless, context):
        process.check()
        if time.monotonic() - began > START_SECONDS:
            process.stop()
            raise programs.UnavailableError(f"no right answer in {START_SECONDS:g} s; its log ends: {process.tail()}")
        time.sleep(_POLL_SECONDS)
    took = time.monotonic() - began
    return Running(server, process, url, took, cpu_seconds(process.pid), memory_kib(process.pid)["VmRSS"])


def _answer(url: str, body: str, context: ssl.SSLContext) -> str:
    """What it answers by now, or nothing."""
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:  # noqa: S310
            return str(answer.read().decode())
    except OSError:
        return ""


def cpu_seconds(pid: int) -> float:
    """What the process has spent on cores: the kernel's clock of it, numbered as clock_getcpuclockid(3) does."""
    return time.clock_gettime(~pid << 3 | 2)


def memory_kib(pid: int) -> dict[str, int]:
    """VmRSS, what is resident, and VmHWM, the most that ever was."""
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) for words in lines if words[0] in ("VmRSS:", "VmHWM:")}
