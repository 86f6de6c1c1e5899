"""Manifests that somebody says are dangerous, or benign, as rows of a data set."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from policies import resource as resources
from policies.resource import UnreadableObjectError
from policies.risk.training.dataset import Row, of_object
from webhook import manifest
from webhook.manifest import File, Flaw, Manifest

OWN = "own"
LABELS = {"dangerous": True, "benign": False}


@dataclass(slots=True)
class Labelled:
    """What manifests gave: a row of each object that has a pod, and what could not be read."""

    rows: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def take(self, paths: Iterable[str], label: str, repository: str | None = OWN) -> None:
        """Read files and folders, all of which deserve this label. Without a repository, each file is one of its own.

        What is learned from one repository is never tried on the same.
        """
        for file in manifest.find(paths):
            if file.problem is not None:
                self.problems.append(f"{file.name}: {file.problem}")
                continue
            for number, found in enumerate(_objects(file)):
                if isinstance(found, Manifest):
                    self._add(found, file, number, label, repository or file.name)
                elif not (file.walked and found.foreign):
                    self.problems.append(f"{file.name}:{found.place.line}: {found.problem}")

    def _add(self, found: Manifest, file: File, number: int, label: str, repository: str) -> None:
        try:
            if not resources.read(found.value).pods:
                return
            source, cluster = f"{repository}@{label}:{file.name}#{number}", f"{OWN}/{file.name}#{number}"
            self.rows.append(of_object(found.value, source, LABELS[label], OWN, cluster, OWN))
        except UnreadableObjectError as error:
            self.problems.append(f"{file.name}:{found.place(error.path).line}: {error}")


def _objects(file: File) -> Iterator[Manifest | Flaw]:
    for document in manifest.read(file.content):
        if isinstance(document, Flaw):
            yield document
        else:
            yield from manifest.objects(document)
