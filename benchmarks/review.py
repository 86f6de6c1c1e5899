"""CPU time of a review over TLS, next to a bare TLS echo in the same run.

Both servers run with the same loop, HTTP parser and TLS settings, one after the other in small interleaved samples, on
connections that are kept alive as the API server keeps them. What is printed is the CPU time of the server process
(user and system, from the scheduler) divided by the requests, median of the samples: on shared cores it moves less than
wall-clock time does. The difference is what reading, judging, answering, logging and counting add.
"""

import argparse
import http.client
import json
import os
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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


def review(containers: int) -> bytes:
    """The review of the creation of a pod with so many containers."""
    spec = {
        "containers": [container(f"app-{number}") for number in range(containers)],
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "volumes": [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
        "serviceAccountName": "default",
        "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}],
    }
    meta = {"name": "app", "namespace": "shop", "labels": {"app": "app"}, "uid": "9c1c6b1e-93cc-4d43-a4ff-8ef8d0a4a5b1"}
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
def server(command: list[str], port: int, context: ssl.SSLContext) -> Iterator[tuple[int, http.client.HTTPSConnection]]:
    """A server process that answers, and one kept connection to it."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        yield process.pid, connect(process, port, context)
    finally:
        process.terminate()
        process.wait(timeout=30)


def connect(process: subprocess.Popen[bytes], port: int, context: ssl.SSLContext) -> http.client.HTTPSConnection:
    for _ in range(200):
        if process.poll() is not None:
            raise SystemExit(f"the server ended: {(process.stderr.read() if process.stderr else b'').decode()}")
        connection = http.client.HTTPSConnection("127.0.0.1", port, context=context, timeout=10)
        try:
            connection.connect()
        except OSError:
            time.sleep(0.05)
        else:
            return connection
    raise SystemExit(f"nothing answered on port {port}")


def microseconds(pid: int, connection: http.client.HTTPSConnection, body: bytes, requests: int) -> float:
    """CPU microseconds of the server for one request."""
    headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
    before = cpu_seconds(pid)
    for _ in range(requests):
        connection.request("POST", "/validate?timeout=5s", body, headers)
        response = connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise SystemExit(f"HTTP {response.status}: {answer.decode(errors='replace')[:300]}")
    return (cpu_seconds(pid) - before) / requests * 1e6


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--requests", type=int, default=1_000, help="requests a sample")
    arguments.add_argument("--samples", type=int, default=7)
    arguments.add_argument("--port", type=int, default=18443, help="the echo listens here, Podgate on the next two")
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.port, options.requests, options.samples)


def measure(folder: Path, port: int, requests: int, samples: int) -> None:
    podgate = Path(sys.executable).with_name("podgate")
    made = [str(podgate), "certs", "init", "--dir", str(folder), "--dns-name", "localhost", "--ip", "127.0.0.1"]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    policy = folder / "policy.yaml"
    policy.write_text("apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {profile: pss-restricted}\n")
    cert, key = str(folder / "tls.crt"), str(folder / "tls.key")
    context = ssl.create_default_context(cafile=str(folder / "ca.crt"))
    echo = [sys.executable, "-c", ECHO, str(port), cert, key]
    gate = [str(podgate), "serve", "--host", "127.0.0.1", "--port", str(port + 1), "--ops-port", str(port + 2)]
    gate += ["--tls-cert", cert, "--tls-key", key, "--policy", str(policy), "--decision-log", os.devnull]
    with server(echo, port, context) as plain, server(gate, port + 1, context) as judged:
        print(f"CPU microseconds a review (median of {samples} samples of {requests} requests)")
        print(f"{'containers':>10} {'bytes':>8} {'echo':>8} {'podgate':>8} {'added':>8}")
        for containers in (1, 3, 15):
            body = review(containers)
            pairs = [
                (microseconds(*plain, body, requests), microseconds(*judged, body, requests)) for _ in range(samples)
            ]
            bare, full = (statistics.median(column) for column in zip(*pairs, strict=True))
            added = statistics.median(full - bare for bare, full in pairs)
            print(f"{containers:>10} {len(body):>8} {bare:>8.0f} {full:>8.0f} {added:>8.0f}")


if __name__ == "__main__":
    main()
