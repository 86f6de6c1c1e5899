"""The reviews that the API server sends for our pods: taken from itself, so nothing about them is invented."""

import base64
import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.peers.pods import MARK, NAMESPACE, Json
from tests.e2e.cluster import HOST, Cluster
from tests.e2e.pki import Authority
from tests.e2e.process import ClusterError, wait_until

_ZEROS = "0" * len(MARK)
_SELECTOR = {"bench": "captured"}


class _Recorder(BaseHTTPRequestHandler):
    """Allows everything, and remembers what was asked."""

    taken: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.taken.append(body)
        response = {"uid": json.loads(body)["request"]["uid"], "allowed": True}
        answer = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        text = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def reviews(cluster: Cluster, pods: dict[str, Json]) -> dict[str, str]:
    """The review of the creation of each pod, with marks where one differs from the next."""
    cluster.create_namespace(NAMESPACE, _SELECTOR)
    folder = cluster.folder / "capture"
    folder.mkdir()
    with _recording(folder) as (port, taken):
        bundle = (folder / "ca.crt").read_bytes()
        apply(cluster, configuration("capture", f"https://{HOST}:{port}/", bundle, _SELECTOR))
        found = {name: _review(cluster, pod, taken) for name, pod in pods.items()}
        cluster.kubectl("delete", "validatingwebhookconfiguration", "capture")
        cluster.kubectl("delete", "pods", "--all", "--wait=false", "-n", NAMESPACE)
        return found


def _review(cluster: Cluster, pod: Json, taken: list[str]) -> str:
    taken.clear()
    text = json.dumps(pod).replace(MARK, _ZEROS)

    def is_asked() -> bool:  # some moments after the configuration was stored
        cluster.kubectl("create", "--dry-run=server", "-f", "-", stdin=text)
        return bool(taken)

    wait_until(is_asked, "the API server to ask the webhook that captures reviews")
    taken.clear()
    made = cluster.kubectl("create", "-f", "-", stdin=text)
    if made.returncode or not taken:
        raise ClusterError(f"the review of a pod was not captured: {made.stderr}")
    uid = json.loads(taken[0])["request"]["uid"]
    return taken[0].replace(uid, MARK + uid[len(MARK) :]).replace(f"-{_ZEROS}", f"-{MARK}")


@contextmanager
def _recording(folder: Path) -> Iterator[tuple[int, list[str]]]:
    pair = Authority(folder).server("capture", [HOST])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.cert, pair.key)
    taken: list[str] = []
    server = ThreadingHTTPServer((HOST, 0), type("Recorder", (_Recorder,), {"taken": taken}))
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.server_address[1], taken
    finally:
        server.shutdown()
        server.server_close()


def configuration(name: str, url: str, bundle: bytes, selector: dict[str, str]) -> Json:
    """What makes the API server ask a webhook for the pods of the namespaces with these labels."""
    rule: dict[str, Any] = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    webhook = {
        "name": f"{name}.bench.podgate.dev",
        "admissionReviewVersions": ["v1"],
        "clientConfig": {"url": url, "caBundle": base64.b64encode(bundle).decode()},
        "failurePolicy": "Fail",
        "namespaceSelector": {"matchLabels": selector},
        "rules": [rule],
        "sideEffects": "None",
        "timeoutSeconds": 10,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [webhook],
    }


def apply(cluster: Cluster, *objects: Json) -> None:
    """Make the cluster hold these."""
    listed = {"apiVersion": "v1", "kind": "List", "items": list(objects)}
    made = cluster.kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(listed))
    if made.returncode:
        raise ClusterError(f"not accepted: {made.stderr.strip()[-600:]}")
