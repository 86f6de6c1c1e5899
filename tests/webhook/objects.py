"""Objects that an API server keeps: read, replaced and patched by version, so that who writes second is told."""

import copy
from base64 import b64decode
from collections.abc import Callable
from typing import Any

from certs.bundle import Certificate, certificates
from tests.webhook.apiserver import Answer, Asked

PLACE = ("podgate-system", "podgate-tls")
SECRET = "/api/v1/namespaces/podgate-system/secrets/podgate-tls"  # noqa: S105 - it is a path
LEASE = "/apis/coordination.k8s.io/v1/namespaces/podgate-system/leases/podgate-tls"
CONFIGURATION = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/podgate"
NAME = "podgate.podgate-system.svc"


class Objects:
    """`before` is called ahead of each write, with its method and path; `failing` is what everything is answered."""

    def __init__(self) -> None:
        service = {"name": "podgate", "namespace": "podgate-system", "path": "/validate"}
        entries = [{"name": name, "clientConfig": {"service": service}} for name in ("pods", "objects")]
        self._count = 0
        self.held: dict[str, dict[str, Any]] = {}
        self.put(SECRET, {"type": "Opaque", "metadata": {"labels": {"a": "b"}}})
        self.put(LEASE, {"metadata": {}})
        self.put(CONFIGURATION, {"metadata": {}, "webhooks": entries})
        self.before: Callable[[str, str], None] = lambda _method, _path: None
        self.failing: Answer | None = None
        self.writes: list[str] = []

    def put(self, path: str, found: dict[str, Any]) -> None:
        """Somebody else's doing."""
        self._count += 1
        found = copy.deepcopy(found)
        found.setdefault("metadata", {})["resourceVersion"] = str(self._count)
        self.held[path] = found

    def answer(self, asked: Asked) -> Answer:
        if self.failing is not None:
            return self.failing
        if asked.method != "GET":
            self.before(asked.method, asked.path)
        found = self.held.get(asked.path)
        if found is None:
            return 404, {}
        if asked.method == "GET":
            return 200, found
        given = asked.body if asked.method == "PUT" else _patched(found, asked.body)
        if given["metadata"]["resourceVersion"] != found["metadata"]["resourceVersion"]:
            return 409, {}
        self.put(asked.path, given)
        self.writes.append(asked.path.split("/")[-2])
        return 200, self.held[asked.path]

    @property
    def content(self) -> dict[str, bytes]:
        """What the Secret holds."""
        return {name: b64decode(value) for name, value in (self.held[SECRET].get("data") or {}).items()}

    @property
    def trusted(self) -> list[tuple[Certificate, ...]]:
        """What each entry of the configuration says."""
        entries = self.held[CONFIGURATION]["webhooks"]
        return [certificates(b64decode(each["clientConfig"].get("caBundle", ""))) for each in entries]

    def set_data(self, **data: str | None) -> None:
        """Edit the Secret by hand; dots are written as underscores."""
        held = dict(self.held[SECRET].get("data") or {})
        for name, value in data.items():
            held[name.replace("_", ".")] = value
        self.put(SECRET, {**self.held[SECRET], "data": {name: value for name, value in held.items() if value}})


def _patched(found: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any]:
    """As far as JSON patches are sent: a field of an object is set."""
    made = copy.deepcopy(found)
    for each in patch:
        at: Any = made
        *way, last = each["path"].strip("/").split("/")
        for part in way:
            at = at[int(part)] if isinstance(at, list) else at[part]
        at[last] = each["value"]
    return made
