"""A Secret as the place where certificates are kept: read and replaced as a whole, never made and never deleted."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import msgspec

from certs.bundle import NAMES
from certs.store import ConflictError, Kept, StoreError
from webhook.cluster import Cluster, ClusterError

SECONDS = 5.0
_RIGHTS = "manifests/components/self-signed has the Secret and the rights that are needed"


class SecretStore:
    """The Secret of that namespace and name. It has to be there: a right to create one cannot be limited to a name."""

    def __init__(self, cluster: Cluster, namespace: str, name: str) -> None:
        self._cluster = cluster
        self._path = f"/api/v1/namespaces/{namespace}/secrets/{name}"
        self.called = f"Secret {namespace}/{name}"
        self._object: dict[str, Any] = {}

    def read(self) -> Kept:
        try:
            self._object = read(self._cluster.ask("GET", self._path, SECONDS))
        except ClusterError as error:
            raise StoreError(f"{self.called} cannot be read: {_told(error)}") from error
        try:
            given = self._object.get("data") or {}
            content = {name: b64decode(given[name], validate=True) for name in NAMES if given.get(name)}
        except (AttributeError, TypeError, ValueError) as error:
            raise StoreError(f"{self.called} holds something else than base64") from error
        return Kept(content, version(self._object))

    def write(self, content: Mapping[str, bytes], version: str) -> None:
        held = dict(self._object.get("data") or {})
        for name, value in content.items():
            held.pop(name, None)
            if value:
                held[name] = b64encode(value).decode()
        meta = {**self._object.get("metadata", {}), "resourceVersion": version}
        try:
            self._cluster.ask("PUT", self._path, SECONDS, {**self._object, "metadata": meta, "data": held})
        except ClusterError as error:
            if error.status == 409:
                raise ConflictError(f"somebody else changed {self.called} in the meantime") from error
            raise StoreError(f"{self.called} cannot be written: {_told(error)}") from error


def read(content: bytes) -> dict[str, Any]:
    """An object that was answered. Raises ClusterError."""
    try:
        found = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ClusterError("the answer is not JSON") from error
    if not isinstance(found, dict):
        raise ClusterError("the answer is no object")
    return found


def version(found: Mapping[str, Any]) -> str:
    """The version of an object that was answered."""
    meta = found.get("metadata")
    return str(meta.get("resourceVersion", "")) if isinstance(meta, Mapping) else ""


def _told(error: ClusterError) -> str:
    return f"{error}; {_RIGHTS}" if error.status in (403, 404) else str(error)
