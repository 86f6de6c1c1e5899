"""The pods that everybody judges: a service as it is kept well, with 1, 3, 15 and 100 containers, and a careless pod.

Numbers replace the marks when a request is sent (load/main.go). Pods differ in a label, as those of different releases
do, and are judged anew each time; or they are copies of one template, and differ in name and uid alone.
"""

from collections.abc import Iterable
from typing import Any

Json = dict[str, Any]
MARK = "@@@@@@@@"
NAMESPACE = "bench-captured"
SIZES = (1, 3, 15, 100)


def container(number: int) -> Json:
    """A container that passes the restricted level of the Pod Security Standards, with what services usually have."""
    name, port = f"app-{number}", 8080 + number
    probe = {"httpGet": {"path": "/healthz", "port": port}, "periodSeconds": 10}
    return {
        "name": name,
        "image": f"registry.example.com/shop/{name}:2.3.1",
        "args": ["--config=/etc/app/config.yaml", "--log-format=json"],
        "ports": [{"name": f"http-{number}", "containerPort": port}],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        ],
        "resources": {
            "limits": {"cpu": "500m", "memory": "256Mi", "ephemeral-storage": "1Gi"},
            "requests": {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "256Mi"},
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/app", "readOnly": True}],
        "livenessProbe": probe,
        "readinessProbe": probe,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        },
    }


def _pod(name: str, spec: Json, *, copies: bool) -> Json:
    version = "v-2.3.1000" if copies else f"v-{MARK}"
    labels = {
        "app.kubernetes.io/name": "app",
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/version": version,
    }
    metadata = {"name": f"{name}-{MARK}", "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def hardened(containers: int, *, copies: bool = False) -> Json:
    """A pod that the restricted level allows."""
    spec = {
        "automountServiceAccountToken": False,
        "containers": [container(number) for number in range(containers)],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "volumes": [{"name": "config", "configMap": {"name": "app"}}],
    }
    return _pod(f"{'copy' if copies else 'app'}{containers}", spec, copies=copies)


def careless(containers: int) -> Json:
    """A pod that sets nothing, which the restricted level denies."""
    images = ("nginx:1.27", "redis:7.4", "envoyproxy/envoy:v1.32.2")
    listed = [{"name": f"app-{number}", "image": images[number % len(images)]} for number in range(containers)]
    return _pod(f"bad{containers}", {"containers": listed}, copies=False)


def hardened_cases(sizes: Iterable[int]) -> dict[str, Json]:
    """By the name of the case: pods that all differ, and copies of one template."""
    return {f"hardened-{size}": hardened(size) for size in sizes} | {
        f"copies-{size}": hardened(size, copies=True) for size in sizes
    }
