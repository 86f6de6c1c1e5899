"""What `podgate train` and `podgate evaluate` share: data sets, manifests with a label, and how far the work is."""

import gzip
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from policies.risk.training import dataset
from policies.risk.training.dataset import DatasetError, Row
from webhook.commands import BadInputError
from webhook.labelled import Labelled


def require() -> None:
    """Say it in one sentence if scikit-learn is missing, which only training needs."""
    if find_spec("sklearn") is None:
        raise BadInputError("this needs scikit-learn: pip install 'podgate[train]'")


class Rows(NamedTuple):
    """Rows, and the digest by which a model names them."""

    rows: list[Row]
    digest: str

    def with_more(self, more: list[Row]) -> "Rows":
        """These and more; the digest is of their text, which no version of a compressor changes."""
        together = [*self.rows, *more]
        return Rows(together, dataset.digest(gzip.decompress(dataset.write(together))))


def read(file: str | None) -> Rows:
    """The rows of a data set, or of the one that comes with Podgate."""
    try:
        content = dataset.shipped_bytes() if file is None else Path(file).read_bytes()
        return Rows(dataset.read(content), dataset.digest(content))
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}") from error
    except DatasetError as error:
        raise BadInputError(f"{file or 'the shipped data set'}: {error}") from error


def manifests(paths: Sequence[str], labels: Sequence[str], repository: str | None) -> list[Row]:
    """A row of each object with a pod; each path with its label, or one label for all."""
    if len(labels) not in (1, len(paths)):
        raise BadInputError("give one --label for all manifests, or one for each, in the same order")
    found = Labelled()
    for path, label in zip(paths, labels if len(labels) == len(paths) else [*labels] * len(paths), strict=True):
        found.take([path], label, repository)
    if found.problems:
        raise BadInputError("not everything could be read:\n  " + "\n  ".join(found.problems))
    if not found.rows:
        raise BadInputError("there is no object with a pod in these manifests")
    return found.rows


class Progress:
    """Says on standard error what is being done: a line for each step, and on a terminal how far it is."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()

    def step(self, text: str) -> None:
        """Begin something."""
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()

    def __call__(self, done: int, whole: int) -> None:
        if self._live:
            sys.stderr.write(f"\r  {done:,} of {whole:,}" + ("\n" if done == whole else ""))
            sys.stderr.flush()
