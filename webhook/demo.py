"""`make run`: start the webhook with a development certificate, and show what it decides about four real manifests.

The reviews go over TLS to the running server, as an API server would send them. Then it keeps serving.
"""

import http.client
import json
import os
import signal
import ssl
import subprocess
import sys
import textwrap
import time
import uuid
from pathlib import Path
from typing import Any, cast

import yaml

EXAMPLES = ("ordinary-app.yaml", "hardened-app.yaml", "node-agent.yaml", "dangerous.yaml")
MANIFESTS = Path("manifests/examples")
FOLDER = Path("var/dev")
HOST = "127.0.0.1"
PORT = os.environ.get("PODGATE_DEMO_PORT", "8443")
OPS_PORT = os.environ.get("PODGATE_DEMO_OPS_PORT", "8080")
PODGATE = str(Path(sys.executable).with_name("podgate"))


def _number(port: str) -> int:
    """The port; what is none, the server complains about."""
    return int(port) if port.isdigit() else 0


def main() -> int:
    """Returns the exit code of the server, or 2 when it could not start."""
    for each in (signal.SIGTERM, signal.SIGINT):  # whatever the shell that started it ignores
        signal.signal(each, signal.default_int_handler)
    _make_certificate()
    process = _serve()
    try:
        connection = _connect(process)
        if connection is None:
            return process.wait() or 2
        for example in EXAMPLES:
            _show(example, connection)
        connection.close()
        _say_how_to_go_on()
        return process.wait()
    except KeyboardInterrupt:
        return 0
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)


def _make_certificate() -> None:
    if (FOLDER / "tls.crt").exists():
        return
    made = [PODGATE, "certs", "init", "--dir", str(FOLDER), "--dns-name", "localhost", "--ip", HOST]
    subprocess.run(made, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own program


def _serve() -> subprocess.Popen[bytes]:
    where = ["--host", HOST, "--port", PORT, "--ops-port", OPS_PORT]
    keys = ["--tls-cert", str(FOLDER / "tls.crt"), "--tls-key", str(FOLDER / "tls.key")]
    log = ["--decision-log", str(FOLDER / "decisions.jsonl")]
    return subprocess.Popen([PODGATE, "serve", *where, *keys, *log])  # noqa: S603 - our own program


def _connect(process: subprocess.Popen[bytes]) -> http.client.HTTPSConnection | None:
    """A connection that trusts only the development CA; None when the server ended, which has said why."""
    context = ssl.create_default_context(cafile=str(FOLDER / "ca.crt"))
    for _ in range(300):
        if process.poll() is not None:
            return None
        connection = http.client.HTTPSConnection(HOST, _number(PORT), context=context, timeout=10)
        try:
            connection.connect()
        except OSError:
            time.sleep(0.05)
        else:
            return connection
    return None


def _show(example: str, connection: http.client.HTTPSConnection) -> None:
    obj = cast("dict[str, Any]", yaml.load((MANIFESTS / example).read_text(), Loader=yaml.CSafeLoader))
    review = json.dumps(_review(obj), indent=1)
    reviews = FOLDER / "reviews"
    reviews.mkdir(exist_ok=True)
    (reviews / example.replace(".yaml", ".json")).write_text(review)
    headers = {"Content-Type": "application/json", "Accept": "application/json, */*"}
    connection.request("POST", "/validate?timeout=5s", review, headers)
    response = json.loads(connection.getresponse().read())["response"]
    _print(example, obj, response)


def _review(obj: dict[str, Any]) -> dict[str, Any]:
    """What the API server would send when somebody applies this object."""
    group, _, version = obj["apiVersion"].rpartition("/")
    request = {
        "uid": str(uuid.uuid4()),
        "kind": {"group": group, "version": version, "kind": obj["kind"]},
        "operation": "CREATE",
        "name": obj["metadata"]["name"],
        "namespace": obj["metadata"]["namespace"],
        "userInfo": {"username": "developer", "groups": ["system:authenticated"]},
        "object": obj,
        "oldObject": None,
        "dryRun": False,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def _print(example: str, obj: dict[str, Any], response: dict[str, Any]) -> None:
    warnings = response.get("warnings", [])
    verdict = "WARN" if warnings else "ALLOW" if response["allowed"] else "DENY"
    meta = obj["metadata"]
    _say(f"\n{verdict:<6} {example}: {obj['kind']} {meta['namespace']}/{meta['name']}")
    for line in warnings or response.get("status", {}).get("message", "").splitlines():
        _say(textwrap.fill(line, 110, initial_indent="       - ", subsequent_indent="         "))


def _say_how_to_go_on() -> None:
    _say(f"""
Podgate keeps serving on https://{HOST}:{PORT}/validate; health and metrics are on http://{HOST}:{OPS_PORT}.
Try it yourself:

  curl --cacert {FOLDER}/ca.crt -H 'Content-Type: application/json' \\
    --data @{FOLDER}/reviews/dangerous.json 'https://{HOST}:{PORT}/validate?timeout=5s'

Ctrl-C ends it.""")


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
