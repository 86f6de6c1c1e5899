"""The data set: of each manifest where it comes from, what it is, and its features; never the manifest itself.

A compressed text of lines with tabs between fields. The first line names the columns and the schema of the features,
so that a data set of other features is refused rather than misread. The features of several containers stand one after
the other, with a bar between them.
"""

import gzip
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from io import BytesIO
from typing import Any

from msgspec import Struct

from policies import resource as resources_
from policies.resource import UnreadableObjectError
from policies.risk import features
from policies.risk.features import BY_NAME, Features, most
from policies.risk.observe import Observer

_COLUMNS = "source\tlabel\tclass\tfamily\tcluster\thost\tcontainers"
_LABELS: dict[str, bool | None] = {"dangerous": True, "benign": False, "-": None}
_NAMES = {label: name for name, label in _LABELS.items()}
#: Classes of rows that were made up to be learned from: catalogued techniques, and attacks in other clothes.
SYNTHETIC, DISGUISED = "synthetic", "disguised"
_BAR = "|"


class DatasetError(Exception):
    """A data set that cannot be used, and why."""


class Row(Struct, frozen=True):
    """A manifest as the classifier sees it.

    `label`: whether it is dangerous; None where nobody can say. `cluster` names what is nearly the same. `host`: it
    uses something of the host. `containers`: what each of them has, with what is true of its pod; at least one.
    """

    source: str
    label: bool | None
    klass: str
    family: str
    cluster: str
    host: bool
    containers: tuple[Features, ...]

    @property
    def features(self) -> Features:
        """The most that any of the containers has."""
        return most(self.containers)

    @property
    def repository(self) -> str:
        return self.source.partition("@")[0]

    @property
    def synthetic(self) -> bool:
        """Made up: learned from, and never judged."""
        return self.klass in (SYNTHETIC, DISGUISED)


def of_object(
    obj: Mapping[str, Any], source: str, label: bool | None, klass: str, cluster: str, family: str = ""
) -> Row:
    """A row of an object: of all the containers in its pods. Raises UnreadableObjectError, or DatasetError."""
    resource = resources_.read(obj)
    if not resource.pods:
        raise DatasetError(f"{source} holds no pod")
    observer = Observer.shipped()
    containers: list[Features] = []
    for found in resource.pods:
        containers += (each for each in observer.each(found.pod) if each not in containers)
    return Row(source, label, klass, family, cluster, _uses_host(most(containers)), tuple(containers))


def _uses_host(found: Features) -> bool:
    names = ("privileged", "host_network", "host_pid", "host_ipc")
    return any(name in found for name in names) or any(name.startswith("path_") for name in found)


def shipped() -> list[Row]:
    """The data set that the shipped model was made from."""
    return read(shipped_bytes())


def shipped_bytes() -> bytes:
    """Its file."""
    return resources.files("policies.risk.training").joinpath("dataset.tsv.gz").read_bytes()


def digest(content: bytes) -> str:
    """How a model names the data set that it was made from."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def write(rows: Iterable[Row]) -> bytes:
    """The file: the same bytes for the same rows."""
    lines = [f"# schema={features.schema()}", _COLUMNS, *map(_line, rows)]
    out = BytesIO()
    with gzip.GzipFile("", "wb", 9, out, mtime=0) as file:
        file.write(("\n".join(lines) + "\n").encode())
    return out.getvalue()


def read(content: bytes) -> list[Row]:
    """The rows of a file. Raises DatasetError."""
    try:
        lines = gzip.decompress(content).decode().splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DatasetError(f"the data set cannot be read: {error}") from error
    if lines[:2] != [f"# schema={features.schema()}", _COLUMNS]:
        raise DatasetError("the data set was made for other features than this version has: make dataset")
    return [_row(line, number) for number, line in enumerate(lines[2:], 3)]


def _line(row: Row) -> str:
    containers = _BAR.join(
        " ".join(f"{name}={found[name]}" for name in BY_NAME if name in found) for found in row.containers
    )
    cells = (row.source, _NAMES[row.label], row.klass, row.family, row.cluster, "host" if row.host else "-", containers)
    return "\t".join(" ".join(cell.split()) for cell in cells)


def _row(line: str, number: int) -> Row:
    try:
        source, label, klass, family, cluster, host, containers = line.split("\t")
        found = tuple(map(_features, containers.split(_BAR)))
        sound = all(0 < value <= BY_NAME[name].most for each in found for name, value in each.items())
        row = Row(source, _LABELS[label], klass, family, cluster, host == "host", found)
    except (ValueError, KeyError) as error:
        raise DatasetError(f"line {number} of the data set is not a row") from error
    if not sound:
        raise DatasetError(f"line {number} of the data set has a value that its feature cannot have")
    return row


def _features(text: str) -> Features:
    return {name: int(value) for name, _, value in (each.partition("=") for each in text.split())}


def of_corpus(lines: Iterable[Mapping[str, Any]]) -> Iterator[Row]:
    """Rows of a labelled corpus: objects with `origin_class`, `evident`, `source`, `cluster` (its README tells).

    Objects that the API server would refuse are left out.
    """
    for line in lines:
        klass, place = line["origin_class"], line["source"]
        dangerous = klass == "attack" or (klass == "vulnerable" and line.get("evident") is True)
        label = True if dangerous else False if klass.startswith("benign") else None
        source = f"{place['repo']}@{place['commit'][:12]}:{place['path']}#{place.get('doc_index') or 0}"
        try:
            yield of_object(line["object"], source, label, klass, line["cluster"], line.get("family") or "")
        except (UnreadableObjectError, DatasetError):
            continue
