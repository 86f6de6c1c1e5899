"""Recorded AdmissionReviews, and small ones made to measure."""

import json
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parent / "data" / "reviews"


def recorded(name: str) -> dict[str, Any]:
    """A review that a real API server sent; `name` is its file without the suffix."""
    review: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_bytes())
    return review


def review(obj: dict[str, Any] | None, *, old: dict[str, Any] | None = None, **request: Any) -> dict[str, Any]:
    """The review that an API server would send for this object: a CREATE, or an UPDATE when `old` is given."""
    some = obj or old or {}
    group, _, version = str(some.get("apiVersion", "v1")).rpartition("/")
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "b5a9c1f2-0001-4000-8000-000000000001",
            "kind": {"group": group, "version": version, "kind": some.get("kind", "Pod")},
            "operation": "UPDATE" if old is not None else "CREATE",
            "namespace": "default",
            "userInfo": {"username": "alice", "groups": ["system:authenticated"]},
            "object": obj,
            "oldObject": old,
            "dryRun": False,
            **request,
        },
    }


def pod(*, spec: dict[str, Any] | None = None, **container: Any) -> dict[str, Any]:
    """A minimal pod; keywords are fields of its container, `spec` holds fields of its spec."""
    containers = [{"name": "app", "image": "registry.example.com/app:1.0", **container}]
    meta = {"name": "app", "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": containers, **(spec or {})}}


def privileged_pod() -> dict[str, Any]:
    return pod(securityContext={"privileged": True})


def body(content: object) -> bytes:
    """The bytes as they go over the wire."""
    return json.dumps(content).encode()
