"""What the API server is told of us: the entries of our ValidatingWebhookConfiguration, and whom they trust."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from certs.bundle import Certificate, certificates, name_of
from webhook.cluster import JSON_PATCH, Cluster, ClusterError
from webhook.secret_store import SECONDS, read, version

_PATH = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/"


@dataclass(frozen=True, slots=True)
class Entry:
    """One webhook of the configuration: its name, by which name it is called (empty: unknown), and whom it trusts."""

    name: str
    host: str
    trusted: frozenset[Certificate]


@dataclass(frozen=True, slots=True)
class Configuration:
    """A version of the configuration."""

    version: str
    entries: tuple[Entry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """What a serving certificate must be good for."""
        return tuple(dict.fromkeys(each.host for each in self.entries if each.host))


class Published:
    """The configuration of a name."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self._cluster = cluster
        self._path = _PATH + quote(name, safe="")
        self.called = f"ValidatingWebhookConfiguration {name}"

    def read(self) -> Configuration | None:
        """What it says now; None where there is none. Raises ClusterError."""
        try:
            found = read(self._cluster.ask("GET", self._path, SECONDS))
        except ClusterError as error:
            if error.status == 404:
                return None
            raise ClusterError(f"{self.called} cannot be read: {error}", error.result, error.status) from error
        return Configuration(version(found), tuple(_entries(found)))

    def write(self, before: Configuration, bundle: bytes) -> bool:
        """Let every entry trust this bundle (PEM). False where somebody else wrote meanwhile. Raises ClusterError."""
        value = b64encode(bundle).decode()
        # The version makes the API server refuse the patch of what is another configuration by now.
        patch = [
            {"op": "replace", "path": "/metadata/resourceVersion", "value": before.version},
            *(
                {"op": "add", "path": f"/webhooks/{number}/clientConfig/caBundle", "value": value}
                for number in range(len(before.entries))
            ),
        ]
        try:
            self._cluster.ask("PATCH", self._path, SECONDS, patch, JSON_PATCH)
        except ClusterError as error:
            if error.status == 409:
                return False
            raise ClusterError(f"{self.called} cannot be written: {error}", error.result, error.status) from error
        return True


def _entries(found: Mapping[str, Any]) -> Iterator[Entry]:
    for each in found.get("webhooks") or ():
        client = each.get("clientConfig") or {}
        yield Entry(str(each.get("name", "")), _host(client), frozenset(certificates(_decoded(client))))


def _decoded(client: Mapping[str, Any]) -> bytes:
    try:
        return b64decode(client.get("caBundle") or "", validate=True)
    except (TypeError, ValueError):
        return b""


def _host(client: Mapping[str, Any]) -> str:
    """The name that the API server looks for in the certificate."""
    if service := client.get("service"):
        return f"{service.get('name')}.{service.get('namespace')}.svc".lower()
    try:
        return name_of(urlsplit(client.get("url") or "").hostname or "")
    except ValueError:
        return ""
