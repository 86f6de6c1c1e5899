"""The webhook under test: a real server process, and the configuration that makes the API server ask it."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..manifests.tools import named, overlay
from .cluster import HOST, Cluster, free_ports
from .process import GRACE_SECONDS, ClusterError, Component, wait_until

SELECTOR = {"podgate-e2e": "on"}
WORKLOADS = ["deployments", "statefulsets", "daemonsets", "replicasets", "jobs", "cronjobs"]


class Gate:
    """`podgate serve` on loopback, which can be stopped and started again on the same port.

    `called_at` is the port that the API server calls: its own, unless somebody stands before it. `beside` is another
    replica, whose certificate it shows.
    """

    def __init__(
        self, folder: Path, *flags: str, selector: dict[str, str] | None = None, beside: "Gate | None" = None
    ) -> None:
        self.folder = folder
        self.certs: Path = folder if beside is None else beside.certs
        self._flags = flags
        self._selector = selector or SELECTOR
        self.port, self.ops_port = free_ports(2)
        self.called_at = self.port
        self._running: Component | None = None
        self._program = Path(sys.executable).with_name("podgate")
        if beside is None:
            made = [str(self._program), "certs", "init", "--dir", str(folder), "--dns-name", "localhost", "--ip", HOST]
            subprocess.run(made, check=True, capture_output=True)

    def start(self) -> None:
        """Start the server and wait until it is able to judge."""
        flags = ["serve", "--host", HOST, "--port", str(self.port), "--ops-port", str(self.ops_port)]
        flags += ["--tls-cert", str(self.certs / "tls.crt"), "--tls-key", str(self.certs / "tls.key")]
        flags += ["--decision-log", str(self.folder / "decisions.jsonl"), *self._flags]
        self._running = Component(self._program, flags, self.folder)
        wait_until(self._is_ready, "podgate to be ready")

    def stop(self, grace: float = GRACE_SECONDS) -> int | None:
        """End the server, if it runs, as a kubelet would. Return its exit code."""
        running, self._running = self._running, None
        return running.stop(grace) if running is not None else None

    def crash(self) -> None:
        """End the server without a chance to say goodbye."""
        running, self._running = self._running, None
        if running is not None:
            running.kill()

    def decisions(self) -> list[dict[str, Any]]:
        """The decision log so far: it is written a moment after the answers, so `decided` is what waits for a line."""
        whole, newline, _ = (self.folder / "decisions.jsonl").read_text().rpartition("\n")
        return [json.loads(line) for line in (whole + newline).splitlines()]

    def decided(self, count: int = 1, **fields: object) -> list[dict[str, Any]]:
        """The decisions that have these fields, as soon as there are so many."""
        found: list[dict[str, Any]] = []

        def enough() -> bool:
            found[:] = [line for line in self.decisions() if fields.items() <= {k: line[k] for k in fields}.items()]
            return len(found) >= count

        wait_until(enough, f"{count} decisions with {fields}")
        return found

    def configuration(self, failure_policy: str) -> dict[str, Any]:
        """The ValidatingWebhookConfiguration, by URL since a Service cannot be reached without a network."""
        rules = [
            {"apiGroups": [""], "resources": ["pods", "pods/*", "replicationcontrollers", "podtemplates"]},
            {"apiGroups": ["apps", "batch"], "resources": WORKLOADS},
        ]
        always = {"apiVersions": ["*"], "operations": ["CREATE", "UPDATE"]}
        webhook = {
            "name": "validate.podgate.dev",
            "admissionReviewVersions": ["v1"],
            "clientConfig": self._client(),
            "failurePolicy": failure_policy,
            "namespaceSelector": {"matchLabels": self._selector},
            "rules": [{**rule, **always} for rule in rules],
            "sideEffects": "None",
            "timeoutSeconds": 5,
        }
        return {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "ValidatingWebhookConfiguration",
            "metadata": {"name": "podgate"},
            "webhooks": [webhook],
        }

    def _client(self) -> dict[str, str]:
        bundle = base64.b64encode((self.certs / "ca.crt").read_bytes()).decode()
        return {"url": f"https://{HOST}:{self.called_at}/validate", "caBundle": bundle}

    def install(self, cluster: Cluster, failure_policy: str = "Fail") -> None:
        """Make the API server ask about what has the label."""
        self._apply(cluster, self.configuration(failure_policy))

    def install_overlay(self, cluster: Cluster, name: str) -> None:
        """Make the API server ask as an overlay of the manifests has it, but by URL, as above."""
        found = named(overlay(name), "ValidatingWebhookConfiguration")
        for each in found["webhooks"]:
            each["clientConfig"] = self._client()
        self._apply(cluster, found)

    def _apply(self, cluster: Cluster, configuration: dict[str, Any]) -> None:
        made = cluster.kubectl("apply", "-f", "-", stdin=json.dumps(configuration))
        if made.returncode != 0:
            raise ClusterError(f"the webhook configuration was not accepted: {made.stderr}")

    def _is_ready(self) -> bool:
        if self._running is not None:
            self._running.check()
        url = f"http://{HOST}:{self.ops_port}/readyz"
        asked = subprocess.run(
            [sys.executable, "-c", f"import urllib.request as r; r.urlopen('{url}', timeout=2)"],
            check=False,
            capture_output=True,
            env={"PATH": os.environ.get("PATH", os.defpath)},
        )
        return asked.returncode == 0
