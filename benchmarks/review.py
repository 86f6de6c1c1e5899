"""CPU time of a review: judging alone, and over TLS next to two servers that do not judge, in the same run.

Judging is everything between the bytes of the review and the bytes of the answer, called in a loop in one process.

The echo is uvicorn as it comes, with an application that only reads the body. The constant is Podgate's own server,
with its bounds and its short way, that answers every review with the same bytes. All run with the same loop and TLS
settings, one after the other in small interleaved samples, on connections that are kept alive as the API server keeps
them. What is printed is the CPU time of the server process (user and system, from the scheduler) divided by the
requests, median of the samples: on shared cores it moves less than wall-clock time does. What Podgate costs over the
constant is judging, logging and counting, with the processor's caches as cold as they are in a server.

Podgate is asked about pods that all differ in a variable and a label, so that each is judged anew: by the rules alone,
and with the classifier; about pods that differ in the label alone, of which it remembers what it found by the spec; and
about copies, of which it remembers what it said.
"""

import argparse
import asyncio
import itertools
import json
import re
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import uvloop

from policies.config import Policy, parse
from webhook.admission import admit

ECHO = """
import sys, uvicorn
async def app(scope, receive, send):
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"134")]})
    await send({"type": "http.response.body", "body": b"x" * 134})
port, cert, key = sys.argv[1:]
uvicorn.run(app, port=int(port), ssl_certfile=cert, ssl_keyfile=key, loop="uvloop", http="httptools", ws="none",
            access_log=False, proxy_headers=False, server_header=False, date_header=False, log_level="error",
            lifespan="off", timeout_keep_alive=120)
"""

CONSTANT = """
import ssl, sys, uvloop
from webhook.listener import Listener, listen
from webhook.protocol import Limits
class Constant:
    answer = b"HTTP/1.1 200 OK\\r\\ncontent-type: application/json\\r\\ncontent-length: 134\\r\\n\\r\\n" + b"x" * 134
    def takes(self, scope):
        return scope["path"] == "/validate"
    def respond(self, body, query, arrived, whole):
        return self.answer
async def app(scope, receive, send):
    more = True
    while more:
        more = (await receive()).get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"134")]})
    await send({"type": "http.response.body", "body": b"x" * 134})
port, cert, key = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(cert, key)
uvloop.run(Listener(app, listen("127.0.0.1", int(port)), Limits(), context=context, desk=Constant()).serve())
"""


def container(name: str) -> dict[str, Any]:
    """A container as the API server sends it: hardened, with its defaults filled in."""
    return {
        "name": name,
        "image": f"registry.example.com/shop/{name}:2.3.1",
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "REGION", "value": "eu-central-1"}],
        "resources": {"limits": {"memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [
            {"name": "token", "readOnly": True, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount"}
        ],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": 8080, "scheme": "HTTP"}, "timeoutSeconds": 1},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


def review(containers: int, label: str = "app", value: str = "info") -> bytes:
    """The review of the creation of a pod with so many containers; the first has this value in a variable."""
    spec: dict[str, Any] = {
        "containers": [container(f"app-{number}") for number in range(containers)],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
        "serviceAccountName": "default",
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
    }
    spec["containers"][0]["env"][0]["value"] = value
    meta = {"name": "app", "namespace": "shop", "labels": {"app": label}, "uid": "9c1c6b1e-93cc-4d43-a4ff-8ef8d0a4a5b1"}
    request = {
        "uid": "0d1d1c1a-52b4-4d0e-a4c7-1f0e5e3f1a11",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
        "name": "app",
        "namespace": "shop",
        "operation": "CREATE",
        "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
        "object": {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec},
        "oldObject": None,
        "dryRun": False,
        "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
    }
    return json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}).encode()


def cpu_seconds(pid: int) -> float:
    """What the threads of a process have spent on a core."""
    tasks = Path(f"/proc/{pid}/task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()) / 1e9


@contextmanager
def server(command: list[str], port: int) -> Iterator[int]:
    """A server process that answers; its process id."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        wait_for(process, port)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for(process: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"the server ended: {(process.stderr.read() if process.stderr else b'').decode()}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"nothing answered on port {port}")


async def ask(port: int, context: ssl.SSLContext, request: bytes, times: int) -> None:
    """Send requests over one kept connection, each after the answer to the last, with another number each time."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    for _ in range(times):
        writer.write(request.replace(MARK, b"%08x" % next(NUMBERS)))
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"not a verdict: {head.decode(errors='replace')}")
        await reader.readexactly(int(LENGTH.search(head)[1]))  # type: ignore[index]
    writer.close()


async def load(port: int, context: ssl.SSLContext, request: bytes, requests: int, connections: int) -> None:
    await asyncio.gather(*(ask(port, context, request, requests // connections) for _ in range(connections)))


#: In the bytes of a review, where one pod differs from the next.
MARK = b"@@@@@@@@"
NUMBERS = itertools.count()
LENGTH = re.compile(rb"content-length: ([0-9]+)", re.IGNORECASE)
HEAD = (
    "POST /validate?timeout=5s HTTP/1.1\r\nHost: podgate\r\nUser-Agent: kube-apiserver-admission\r\n"
    "Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n"
    "Accept-Encoding: gzip\r\n\r\n"
)


def microseconds(pid: int, port: int, context: ssl.SSLContext, body: bytes, options: argparse.Namespace) -> float:
    """CPU microseconds of the server for one request."""
    request = HEAD.format(len(body)).encode() + body
    before = cpu_seconds(pid)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(load(port, context, request, options.requests, options.connections))
    return (cpu_seconds(pid) - before) / int(options.requests) * 1e6


def judging(body: bytes, policy: Policy, calls: int) -> float:
    """CPU microseconds of one call that remembers nothing."""
    started = time.process_time()
    for _ in range(calls):
        admit(body, policy)
    return (time.process_time() - started) / calls * 1e6


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--requests", type=int, default=3_200, help="requests a sample")
    arguments.add_argument("--samples", type=int, default=7)
    arguments.add_argument("--connections", type=int, default=16, help="connections that are kept at once")
    arguments.add_argument("--port", type=int, default=18443, help="the echo listens here, the others on the next ones")
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), arguments.parse_args())


def measure(folder: Path, options: argparse.Namespace) -> None:
    made = [PODGATE, "certs", "init", "--dir", str(folder), "--dns-name", "localhost", "--ip", "127.0.0.1"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    ports = [options.port + 2 * number for number in range(4)]
    with ExitStack() as running:
        started = zip(commands(folder, *ports), ports, strict=True)
        servers = [(running.enter_context(server(command, port)), port) for command, port in started]
        print(f"CPU microseconds a review (median of {options.samples} samples of {options.requests} requests)")
        print(ROW.format(*COLUMNS))
        for containers in (1, 3, 15):
            samples = [list(sample(servers, containers, context, options)) for _ in range(options.samples)]
            print(ROW.format(containers, len(review(containers)), *compared(samples)))


def sample(
    servers: list[tuple[int, int]], containers: int, context: ssl.SSLContext, options: argparse.Namespace
) -> Iterator[float]:
    """Judging alone, the echo, the constant, the rules and all of it of different pods, and all of it of the others."""
    mark = MARK.decode()
    different, same, copy = review(containers, mark, mark), review(containers, mark), review(containers, "copies--")
    yield judging(copy, parse(RULES), options.requests)
    yield judging(copy, parse(ALL), options.requests)
    for pid, port in servers:
        yield microseconds(pid, port, context, different, options)
    yield microseconds(*servers[-1], context, same, options)
    yield microseconds(*servers[-1], context, copy, options)


PODGATE = str(Path(sys.executable).with_name("podgate"))
ALL = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {profile: pss-restricted}\n"
RULES = ALL.replace("}", ", classifier: {warnAt: null, denyAt: null}}")
COLUMNS = (
    "containers",
    "bytes",
    "judging",
    "and risk",
    "echo",
    "constant",
    "rules",
    "and risk",
    "same",
    "copies",
    "- echo",
    "..",
    "..",
    "..",
)
ROW = "{:>10} {:>7} {:>8} {:>9} {:>6} {:>9} {:>6} {:>9} {:>6} {:>7} {:>7} {:>5} {:>5} {:>5}"


def commands(folder: Path, echo: int, constant: int, rules: int, risk: int) -> Iterator[list[str]]:
    """What starts the four servers on their ports."""
    pair = [str(folder / "tls.crt"), str(folder / "tls.key")]
    yield [sys.executable, "-c", ECHO, str(echo), *pair]
    yield [sys.executable, "-c", CONSTANT, str(constant), *pair]
    for port, name, policy in ((rules, "rules", RULES), (risk, "risk", ALL)):
        (folder / f"{name}.yaml").write_text(policy)
        where = ["--host", "127.0.0.1", "--port", str(port), "--ops-port", str(port + 1)]
        files = ["--policy", str(folder / f"{name}.yaml"), "--decision-log", str(folder / f"{name}.log")]
        yield [PODGATE, "serve", *where, "--tls-cert", pair[0], "--tls-key", pair[1], *files]


def compared(samples: list[list[float]]) -> Iterator[str]:
    """The median of each column; and what Podgate adds to the echo, by the rules, with the classifier, for copies."""
    for column in zip(*samples, strict=True):
        yield f"{statistics.median(column):.0f}"
    for at in (4, 5, 6, 7):
        yield f"{statistics.median(each[at] - each[2] for each in samples):.0f}"


if __name__ == "__main__":
    main()
