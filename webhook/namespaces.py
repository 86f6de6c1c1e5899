"""What is known of namespaces where there is no cluster to ask: a file, kept in step with its content."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from certs.files import Settled, identities
from webhook import manifest
from webhook.manifest import Flaw
from webhook.manifest.text import MAX_BYTES
from webhook.metrics import Metrics

_log = logging.getLogger("podgate")

Known = dict[str, dict[str, str]]


class NamespacesError(Exception):
    """A file of namespaces that cannot be used: what is wrong and where, for a person."""


def load(path: Path) -> Known:
    """The labels of the namespaces in a file: a list of them, a stream, or a List. Raises NamespacesError."""
    if path.exists() and not path.is_file():
        raise NamespacesError(f"{path} is not a file")  # opening a pipe would wait for whoever writes
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise NamespacesError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    known: Known = {}
    documents = 0
    for document in manifest.read(content):
        documents += 1
        if isinstance(document, Flaw):
            raise NamespacesError(f"{path}:{document.place.line}: {document.problem}")
        for place, value in _objects(document.value):
            try:
                _keep(known, value)
            except NamespacesError as error:
                raise NamespacesError(f"{path}:{document.place(place).line}: {error}") from error
    if not documents:
        raise NamespacesError(f"{path} is empty: where there are no namespaces, write []")
    return known


def _objects(value: Any) -> list[tuple[tuple[str | int, ...], Any]]:
    """The items of a list however it is written, and where they are."""
    if isinstance(value, list):
        return [((index,), item) for index, item in enumerate(value)]
    if isinstance(value, dict) and value.get("kind") in ("List", "NamespaceList"):
        items = [] if value.get("items") is None else value["items"]
        if not isinstance(items, list):
            return [(("items",), items)]
        typed = {"apiVersion": "v1", "kind": "Namespace"} if value["kind"] == "NamespaceList" else {}
        return [
            (("items", index), typed | item if isinstance(item, dict) else item) for index, item in enumerate(items)
        ]
    return [((), value)]


def _keep(known: Known, value: Any) -> None:
    if not isinstance(value, dict) or (value.get("apiVersion"), value.get("kind")) != ("v1", "Namespace"):
        raise NamespacesError("is not a Namespace of v1")
    meta = value.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    if not isinstance(meta, dict) or not isinstance(name, str) or not name:
        raise NamespacesError("this Namespace has no name")
    if name in known:
        raise NamespacesError(f"Namespace {name} is there twice")
    labels = meta.get("labels")
    labels = {} if labels is None else labels
    if not isinstance(labels, dict):
        raise NamespacesError(f"the labels of Namespace {name} must be an object")
    for label, text in labels.items():
        if not isinstance(text, str):
            raise NamespacesError(f"label {label} of Namespace {name} must be a string: write it in quotes")
    known[name] = labels


class NamespacesFile:
    """Follows a file of namespaces. Whoever is not in it is not known."""

    def __init__(self, path: Path, metrics: Metrics) -> None:
        """Raises NamespacesError."""
        self._path = path
        self._metrics = metrics
        # Not what the file is after it was read: it may change in between.
        self._file = Settled([path], identities([path]))
        self._complaint = ""
        self._known = load(path)
        metrics.namespaces(len(self._known))

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        return self._known.get(namespace)

    def check(self, *, force: bool = False) -> None:
        """Believe what the file says now, if it changed and can be used."""
        if not self._file.is_due(again=bool(self._complaint), force=force):
            return
        try:
            known = load(self._path)
        except NamespacesError as error:
            self._complain(str(error), force=force)
            return
        mended, self._complaint = bool(self._complaint), ""
        if known != self._known or mended or force:
            self._known = known
            self._metrics.reload("namespaces", ok=True)
            self._metrics.namespaces(len(known))
            _log.info("the new namespaces count", extra={"fields": {"namespaces": len(known)}})

    def _complain(self, problem: str, *, force: bool) -> None:
        if problem == self._complaint and not force:
            return
        self._complaint = problem
        self._metrics.reload("namespaces", ok=False)
        fields = {"problem": problem, "namespaces": len(self._known)}
        _log.error("the new namespaces cannot be used; the old ones still count", extra={"fields": fields})
