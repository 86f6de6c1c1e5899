"""The servers side by side: how each is started against one control plane, as its own manifests start it."""

import http
import json
import shutil
import ssl
import sys
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp

import yaml

from benchmarks.peers import programs, standards
from benchmarks.peers.capture import apply
from benchmarks.peers.pods import Json
from tests.e2e.cluster import HOST, Cluster, free_ports
from tests.e2e.pki import Authority, KeyPair
from tests.e2e.process import ClusterError, Component, wait_until

ALLOWED, DENIED = '"allowed":true', '"allowed":false'
#: How often each server is started, to see how long that takes, and how long is waited for one.
STARTS = 3
START_SECONDS = 180.0
_POLL_SECONDS = 0.002


@dataclass(frozen=True)
class Site:
    """What a server is started with."""

    cluster: Cluster
    folder: Path
    pair: KeyPair
    port: int
    core: int | None

    def run(self, program: Path, flags: list[str]) -> Component:
        """Start it, on that one core if it is said."""
        if self.core is None:
            return Component(program, flags, self.folder)
        if (taskset := shutil.which("taskset")) is None:
            raise programs.UnavailableError("there is no taskset")
        return Component(Path(taskset), ["-c", str(self.core), str(program), *flags], self.folder)


@dataclass(frozen=True)
class Server:
    """How one server is started and asked.

    `careless` is what its answer to a careless pod holds: the sign that it judges. `install` puts into the cluster what
    must be there before it starts.
    """

    name: str
    title: str
    path: str
    start: Callable[[Site], Component]
    careless: str = DENIED
    install: Callable[[Site], None] | None = None


@dataclass
class Running:
    """A server that has given its first right answer."""

    server: Server
    process: Component
    url: str
    start_seconds: float
    start_cpu_seconds: float
    idle_kib: int
    memory_kib: dict[str, dict[str, int]] = field(default_factory=dict)

    def remember(self, when: str) -> None:
        """How much memory it has by now."""
        self.memory_kib[when] = memory_kib(self.process.pid)


def _podgate(profile: str) -> Callable[[Site], Component]:
    def start(site: Site) -> Component:
        policy = site.folder / "policy.yaml"
        policy.write_text(f"apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {{profile: {profile}}}\n")
        flags = ["-m", "webhook.cli", "serve", "--host", HOST, "--port", str(site.port), "--ops-port", "0"]
        flags += ["--tls-cert", str(site.pair.cert), "--tls-key", str(site.pair.key), "--policy", str(policy)]
        flags += ["--cluster", str(site.cluster.kubeconfig), "--decision-log", str(site.folder / "decisions.jsonl")]
        return site.run(Path(sys.executable), flags)

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
    return site.run(programs.binary("psa"), flags)


_GATEKEEPER_SPACE, _ENV = "gatekeeper-system", Path("/usr/bin/env")


def _gatekeeper(site: Site) -> Component:
    """Until it is ready by its own word: then it has read every template and every constraint."""
    health = free_ports(1)[0]
    process = _run_gatekeeper(site, health)

    def is_ready() -> bool:
        process.check()
        return _answer(f"http://{HOST}:{health}/readyz") != ""

    try:
        wait_until(is_ready, "Gatekeeper to be ready", seconds=START_SECONDS)
    except ClusterError as error:
        process.stop()
        raise programs.UnavailableError(f"{error}; its log ends: {process.tail()}") from None
    return process


def _run_gatekeeper(site: Site, health: int) -> Component:
    shutil.copy(site.pair.cert, site.folder / "tls.crt")
    shutil.copy(site.pair.key, site.folder / "tls.key")
    flags = [f"--kubeconfig={site.cluster.kubeconfig}", f"--host={HOST}", f"--port={site.port}"]
    flags += [f"--cert-dir={site.folder}", "--disable-cert-rotation", f"--health-addr={HOST}:{health}"]
    flags += [f"--prometheus-port={free_ports(1)[0]}", f"--exempt-namespace={_GATEKEEPER_SPACE}"]
    # As its chart runs the webhook, without what changes pods: nobody else here does that.
    flags += ["--operation=webhook", "--operation=generate", "--logtostderr"]
    # It is to judge by itself, and not to make policies by which the API server judges all namespaces.
    flags += ["--default-create-vap-for-templates=false", "--default-create-vap-binding-for-constraints=false"]
    flags += ["--shutdown-delay=0"]  # nobody routes to it: there is no end to wait out
    return site.run(_ENV, [f"POD_NAME={_keeper_pod(site)}", str(programs.binary("gatekeeper")), *flags])


def _keeper_pod(site: Site) -> str:
    """A pod for it to be: it notes in the cluster what each of its pods has read, and two of one name get in each
    other's way.
    """
    name = f"gatekeeper-{site.port}"
    spec = {"containers": [{"name": "manager", "image": "gatekeeper"}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
    status, said = site.cluster.ask("POST", f"/api/v1/namespaces/{_GATEKEEPER_SPACE}/pods", pod)
    if status not in (http.HTTPStatus.CREATED, http.HTTPStatus.CONFLICT):
        raise programs.UnavailableError(f"its pod was not made: {said[:400]}")
    return name


def _install_gatekeeper(site: Site) -> None:
    """Its resources, the templates, and the constraints, whose kinds it makes itself when it runs."""
    program = programs.PROGRAMS["gatekeeper"]
    chart = programs.sources(program.module, program.version) / "charts" / "gatekeeper"
    kinds = [
        each for file in sorted(chart.glob("crds/*.yaml")) for each in yaml.safe_load_all(file.read_text()) if each
    ]
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _GATEKEEPER_SPACE}}
    templates = standards.constraint_templates()
    apply(site.cluster, space, *kinds)
    account = f"api/v1/namespaces/{_GATEKEEPER_SPACE}/serviceaccounts/default"
    _wait_for(site.cluster, "apis/templates.gatekeeper.sh/v1/constrainttemplates", account)
    apply(site.cluster, *templates)
    process = _run_gatekeeper(site, free_ports(1)[0])
    try:
        names = (each["metadata"]["name"] for each in templates)
        _wait_for(site.cluster, *(f"apis/{standards.CONSTRAINTS}/{name}" for name in names))
        apply(site.cluster, *standards.constraints())
    except ClusterError as error:
        raise programs.UnavailableError(f"{error}; its log ends: {process.tail()}") from None
    finally:
        process.stop()


def _wait_for(cluster: Cluster, *paths: str) -> None:
    def are_served() -> bool:
        return all(cluster.get(f"/{path}")[0] == http.HTTPStatus.OK for path in paths)

    wait_until(are_served, f"the API server to serve {', '.join(paths)}", seconds=60)


SERVERS = {
    each.name: each
    for each in (
        Server("podgate-all", "Podgate, every rule and the classifier", "/validate", _podgate("all"), '"warnings":'),
        Server("podgate-pss", "Podgate, pss-restricted", "/validate", _podgate("pss-restricted")),
        Server("psa", "upstream's Pod Security webhook", "/", _pod_security),
        Server("gatekeeper", "Gatekeeper", "/v1/admit", _gatekeeper, install=_install_gatekeeper),
    )
}


class Yard:
    """Where servers are started: one control plane, one certificate, and all cores or one."""

    def __init__(self, cluster: Cluster, careless: str, core: int | None = None) -> None:
        """`careless` is the review that each is asked until it answers right."""
        self._cluster, self._careless, self._core = cluster, careless, core
        folder = Path(mkdtemp(dir=cluster.folder))
        self._pair = Authority(folder).server("webhook", [HOST, "localhost"])
        self.ca = folder / "ca.crt"

    @contextmanager
    def running(self, names: Iterable[str]) -> Iterator[list[Running]]:
        """Those servers that can be had, each after its first right answer."""
        with ExitStack() as stack:
            started = []
            for name in names:
                try:
                    if (install := SERVERS[name].install) is not None:
                        install(self._site())
                    started.append(self._start(SERVERS[name]))
                except programs.UnavailableError as error:
                    print(f"{name} is not measured: {error}", file=sys.stderr)
                    continue
                stack.callback(started[-1].process.stop)
            yield started

    def starts(self, running: list[Running]) -> list[Json]:
        """How long it takes from a start to the first right answer, some times in turn."""
        found = [_started(each) for each in running]
        for _ in range(STARTS - 1):
            for each in running:
                again = self._start(each.server)
                again.process.stop()
                found.append(_started(again))
        return found

    def _site(self) -> Site:
        return Site(self._cluster, Path(mkdtemp(dir=self._cluster.folder)), self._pair, free_ports(1)[0], self._core)

    def _start(self, server: Server) -> Running:
        site = self._site()
        url = f"https://{HOST}:{site.port}{server.path}"
        began = time.monotonic()
        process = server.start(site)
        context = ssl.create_default_context(cafile=str(self.ca))
        while server.careless not in _answer(url, self._careless, context):
            process.check()
            if time.monotonic() - began > START_SECONDS:
                process.stop()
                raise programs.UnavailableError(
                    f"no right answer in {START_SECONDS:g} s; its log ends: {process.tail()}"
                )
            time.sleep(_POLL_SECONDS)
        took = time.monotonic() - began
        return Running(server, process, url, took, cpu_seconds(process.pid), memory_kib(process.pid)["VmRSS"])


def _started(each: Running) -> Json:
    return {
        "server": each.server.name,
        "seconds": round(each.start_seconds, 3),
        "cpu_seconds": round(each.start_cpu_seconds, 3),
        "idle_kib": each.idle_kib,
    }


def _answer(url: str, body: str | None = None, context: ssl.SSLContext | None = None) -> str:
    """What it answers by now, or nothing."""
    sent = None if body is None else body.encode()
    request = urllib.request.Request(url, sent, {"Content-Type": "application/json"})  # noqa: S310
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
