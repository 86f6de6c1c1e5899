"""A real Kubernetes control plane on loopback: etcd, API server and controller manager.

There is no kubelet and no scheduler, so pods are admitted, stored and never run, which is all
that an admission webhook can see of them.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from .pki import Authority, KeyPair, write_key
from .process import ClusterError, Component, ComponentStoppedError, clean_environment, wait_until

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
HOST = "127.0.0.1"
START_SECONDS = 90.0
START_TRIES = 3
_BUILD = Path(__file__).parent / "envtest" / "build"
_SERVICE_RANGE = "10.0.0.0/24"
_SERVICE_ADDRESS = "10.0.0.1"


def find_assets() -> tuple[Path | None, str]:
    """Return the folder of the control plane's programs, or None and the reason why not.

    Never builds: a quarter of an hour inside a test run would look like a hang.
    """
    found = subprocess.run([_BUILD, "--find"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        return None, found.stderr.strip()
    folder = Path(found.stdout.strip())
    missing = [name for name in PROGRAMS if not os.access(folder / name, os.X_OK)]
    if missing:
        return None, f"{folder} has no {' and no '.join(missing)}"
    return folder, ""


def free_ports(count: int) -> list[int]:
    """Return that many different loopback ports that nothing listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [int(each.getsockname()[1]) for each in sockets]


class Cluster:
    """The control plane as a context manager; everything that it makes is in one folder.

    The folder and the processes are gone at the end. With PODGATE_E2E_KEEP=1 the folder stays,
    with the log of each program in it, and its path is printed.
    """

    folder: Path
    kubeconfig: Path
    url: str

    def __init__(self, assets: Path, *, apiserver_flags: Sequence[str] = ()) -> None:
        """Take the programs from the assets folder; add flags to the API server's own."""
        self._assets = assets
        self._apiserver_flags = list(apiserver_flags)
        self._components: list[Component] = []

    def __enter__(self) -> Self:
        """Start everything and wait until a pod could be created."""
        for tries_left in reversed(range(START_TRIES)):
            try:
                self._start()
                return self
            except BaseException as error:
                self.stop()
                # Another program can take a free port before ours does.
                if not (tries_left and "address already in use" in str(error)):
                    raise
        raise AssertionError("the last try either returned or raised")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Stop everything and remove the folder."""
        self.stop()

    def kubectl(self, *args: str, stdin: str | None = None, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run kubectl as cluster administrator; what it returned is for the caller to judge."""
        return subprocess.run(
            [str(self._assets / "kubectl"), f"--kubeconfig={self.kubeconfig}", *args],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            cwd=self.folder,
            env=clean_environment(self.folder),
        )

    def create_namespace(self, name: str, labels: Mapping[str, str] | None = None) -> None:
        """Create a namespace and wait for its service account, without which no pod is let in."""
        metadata = {"name": name, "labels": dict(labels or {})}
        manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
        made = self.kubectl("create", "-f", "-", stdin=json.dumps(manifest))
        if made.returncode != 0:
            raise ClusterError(f"namespace {name} was not created: {made.stderr.strip()}")
        self._wait_for_service_account(name)

    def get(self, path: str) -> tuple[int, str]:
        """Ask the API server for a path as administrator; return the status and the body."""
        return self.ask("GET", path)

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Send JSON to a path as administrator, on a connection of its own; return the status and the body."""
        context = ssl.create_default_context(cafile=str(self._authority.cert))
        context.load_cert_chain(self._admin.cert, self._admin.key)
        port = int(self.url.rpartition(":")[2])
        connection = http.client.HTTPSConnection(HOST, port, timeout=10, context=context)
        try:
            sent = None if body is None else json.dumps(body)
            connection.request(method, path, sent, {"content-type": "application/json"})
            response = connection.getresponse()
            return response.status, response.read().decode(errors="replace")
        finally:
            connection.close()

    def account_kubeconfig(self, namespace: str, account: str) -> Path:
        """Write a kubeconfig that acts as a service account for an hour, with the rights that it has."""
        made = self.kubectl("create", "token", account, "-n", namespace, "--duration=1h")
        if made.returncode != 0:
            raise ClusterError(f"there is no token for {namespace}/{account}: {made.stderr.strip()}")
        config = json.loads(self.kubeconfig.read_text())
        config["users"] = [{"name": "e2e", "user": {"token": made.stdout.strip()}}]
        config["contexts"] = [{"name": "e2e", "context": {"cluster": "e2e", "user": "e2e"}}]
        path = self.folder / f"{namespace}-{account}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=1))
        return path

    def log(self, name: str) -> str:
        """Return the log so far of one program, such as kube-apiserver."""
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def pids(self) -> dict[str, int]:
        """Return the process id of each program that was started, by the program's name."""
        return {component.name: component.pid for component in self._components}

    def stop(self) -> None:
        """Stop what was started, the last first, and remove the folder. May be called again."""
        while self._components:
            self._components.pop().stop()
        if not hasattr(self, "folder") or not self.folder.exists():
            return
        if os.environ.get("PODGATE_E2E_KEEP") == "1":
            print(f"kept the test cluster's files in {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder)

    def _start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="podgate-e2e-"))
        client_port, peer_port, api_port = free_ports(3)
        self.url = f"https://{HOST}:{api_port}"
        self._authority = Authority(self.folder)
        self._admin = self._authority.client("admin", "podgate-e2e-admin", "system:masters")
        self.kubeconfig = self._write_kubeconfig("admin", self._admin)
        write_key(self.folder / "service-account.key")
        self._run("etcd", self._etcd_flags(client_port, peer_port))
        self._run("kube-apiserver", self._server_flags(client_port, api_port))
        self._wait("the API server to be ready", self._is_ready)
        self._run("kube-controller-manager", self._manager_flags())
        self._wait_for_service_account("default")

    def _run(self, name: str, flags: Sequence[str]) -> None:
        self._components.append(Component(self._assets / name, flags, self.folder))

    def _etcd_flags(self, client_port: int, peer_port: int) -> list[str]:
        client, peer = f"http://{HOST}:{client_port}", f"http://{HOST}:{peer_port}"
        return [
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            # The data is thrown away, so it need not survive a power cut.
            "--unsafe-no-fsync",
        ]

    def _server_flags(self, etcd_port: int, port: int) -> list[str]:
        names = [HOST, "localhost", "kubernetes.default.svc", _SERVICE_ADDRESS]
        serving = self._authority.server("kube-apiserver", names)
        key = self.folder / "service-account.key"
        return [
            f"--etcd-servers=http://{HOST}:{etcd_port}",
            f"--bind-address={HOST}",
            f"--secure-port={port}",
            # A Service may not point to loopback, and a machine may have no other address.
            f"--advertise-address={HOST}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={serving.cert}",
            f"--tls-private-key-file={serving.key}",
            f"--client-ca-file={self._authority.cert}",
            "--authorization-mode=RBAC",
            f"--service-cluster-ip-range={_SERVICE_RANGE}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            # Without it the API server itself turns privileged pods away, before any webhook.
            "--allow-privileged=true",
            *self._apiserver_flags,
        ]

    def _manager_flags(self) -> list[str]:
        name = "kube-controller-manager"
        kubeconfig = self._write_kubeconfig(name, self._authority.client(name, f"system:{name}"))
        return [
            f"--kubeconfig={kubeconfig}",
            # Each controller acts as its own account, as in a real cluster: a webhook sees who.
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={self.folder / 'service-account.key'}",
            f"--root-ca-file={self._authority.cert}",
            "--leader-elect=false",
            "--secure-port=0",
            # The default of 20 requests a second makes the start five seconds longer.
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
        ]

    def _write_kubeconfig(self, user: str, pair: KeyPair) -> Path:
        def inline(path: Path) -> str:
            return base64.b64encode(path.read_bytes()).decode()

        server = {"server": self.url, "certificate-authority-data": inline(self._authority.cert)}
        keys = {"client-certificate-data": inline(pair.cert), "client-key-data": inline(pair.key)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": server}],
            "users": [{"name": user, "user": keys}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": user}}],
            "current-context": "e2e",
        }
        path = self.folder / f"{user}.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(json.dumps(config, indent=1))
        return path

    def _is_ready(self) -> bool:
        try:
            return self.get("/readyz")[0] == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False

    def _wait_for_service_account(self, namespace: str) -> None:
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
        what = f"the default service account of namespace {namespace}"
        self._wait(what, lambda: self.get(path)[0] == http.HTTPStatus.OK)

    def _wait(self, what: str, check: Callable[[], bool]) -> None:
        def running_and_done() -> bool:
            for component in self._components:
                component.check()
            return check()

        try:
            wait_until(running_and_done, what, seconds=START_SECONDS)
        except ComponentStoppedError:
            raise
        except ClusterError as error:
            tails = [f"--- {each.name}:\n{each.tail()}" for each in self._components]
            raise ClusterError("\n".join([str(error), *tails])) from None
