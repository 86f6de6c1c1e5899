"""The pods that everybody judges: a service as it is kept well, with 1, 3, 15 and 100 containers, and a careless pod.

Numbers replace the marks when a request is sent (load/main.go). Pods are of different releases, and differ in a label
and in an image; or they have the same spec, and differ in a label, as those of different Jobs do; or they are copies of
one template, and differ in name and uid alone.
"""

from collections.abc import Iterable
from typing import Any, Literal

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


#: How pods of a case differ from each other.
Kind = Literal["hardened", "alike", "copies"]


def _pod(name: str, spec: Json, *, copies: bool = False) -> Json:
    version = "v-2.3.1000" if copies else f"v-{MARK}"
    labels = {
        "app.kubernetes.io/name": "app",
        "app.kubernetes.io/part-of": "shop",
        "app.kubernetes.io/version": version,
    }
    metadata = {"name": f"{name}-{MARK}", "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def hardened(containers: int, kind: Kind = "hardened") -> Json:
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
    if kind == "hardened":
        _release(spec)
    return _pod(f"{_NAMES[kind]}{containers}", spec, copies=kind == "copies")


_NAMES = {"hardened": "app", "alike": "job", "copies": "copy"}


def _release(spec: Json) -> None:
    """Let the image of the first container be another one each time."""
    spec["containers"][0]["image"] += f"-{MARK}"


def careless(containers: int) -> Json:
    """A pod that sets nothing, which the restricted level denies."""
    images = ("nginx:1.27", "redis:7.4", "envoyproxy/envoy:v1.32.2")
    listed = [{"name": f"app-{number}", "image": images[number % len(images)]} for number in range(containers)]
    spec = {"containers": listed}
    _release(spec)
    return _pod(f"bad{containers}", spec)


def hardened_cases(sizes: Iterable[int], kinds: Iterable[Kind] = ("hardened", "copies")) -> dict[str, Json]:
    """By the name of the case: pods of each kind and size."""
    return {f"{kind}-{size}": hardened(size, kind) for kind in kinds for size in sizes}
