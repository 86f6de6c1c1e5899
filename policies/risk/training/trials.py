"""What can only be measured on manifests themselves: disguises, and counting violations instead of learning.

The figures are kept beside the data set, so that the model card can be written where the corpus is not.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from policies import profile as profiles
from policies import registry
from policies import resource as resources_
from policies.engine import Engine
from policies.resource import UnreadableObjectError
from policies.risk.training import fit
from policies.risk.training.dataset import DatasetError, Row, of_corpus, of_object
from policies.risk.training.disguise import DISGUISES
from policies.risk.training.measure import Vector, auc, recall
from policies.standard import Version

Line = Mapping[str, Any]
FILE = "trials.json"
_BASELINE = "pss-baseline"
_ALARMS = (0.01, 0.05)


class Origin(Struct, frozen=True):
    """A repository that manifests come from."""

    repository: str
    commit: str
    licence: str


class Disguised(Struct, frozen=True):
    """Of the dangerous rows in this disguise: the shares found at 1 % and 5 % false alarms."""

    name: str
    all: tuple[float, float]
    uses_the_host: tuple[float, float]


class Counted(Struct, frozen=True):
    """How well the number of violations ranks: AUC, and the shares found at 1 % and 5 % false alarms."""

    name: str
    auc: float
    recall: tuple[float, float]


class Trials(Struct, frozen=True):
    """All of it, and the digest of the data set that it was measured with."""

    dataset: str
    origins: tuple[Origin, ...]
    disguises: tuple[Disguised, ...]
    baseline: tuple[Counted, ...]


def kept() -> Trials:
    """What was measured last."""
    content = resources.files("policies.risk.training").joinpath(FILE).read_bytes()
    return msgspec.json.decode(content, type=Trials)


def run(
    lines: Sequence[Line], rows: Sequence[Row], digest: str, progress: Callable[[int, int], None] = lambda _d, _a: None
) -> Trials:
    """Measure. `rows` is the data set that was made of these lines, `digest` that of its file."""
    labelled = [row for row in rows if row.label is not None]
    real = [row for row in labelled if not row.synthetic]
    by_source = {row.source: line for line in lines for row in of_corpus([line])}
    objects = [by_source[row.source]["object"] for row in real]
    return Trials(
        digest,
        tuple(_origins(lines)),
        tuple(_disguises(labelled, real, objects, progress)),
        tuple(_counted(real, objects)),
    )


def _origins(lines: Iterable[Line]) -> list[Origin]:
    places = {line["source"]["repo"]: line["source"] for line in lines}
    return [Origin(name, place["commit"][:12], place["license"]) for name, place in sorted(places.items())]


def _disguises(
    labelled: Sequence[Row], real: Sequence[Row], objects: Sequence[Line], progress: Callable[[int, int], None]
) -> list[Disguised]:
    """Benign rows stay as they are: the threshold is where it is for them."""
    dressed = {name: _dressed(real, objects, name) for name in DISGUISES}
    scores = {name: np.zeros(len(real)) for name in DISGUISES}
    for count, fold in enumerate(fit.folds(labelled), 1):
        fitted = fit.fit(fold.seen, fit.SEED + fold.repeat)
        for name, rows in dressed.items():
            scores[name][fold.test] += fit.judge(fitted, [rows[index] for index in fold.test]) / fit.REPEATS
        progress(count, fit.REPEATS * fit.FOLDS)
    return [Disguised(name, _found(real, each), _found(real, each, _host(real))) for name, each in scores.items()]


def _dressed(real: Sequence[Row], objects: Sequence[Line], name: str) -> list[Row]:
    """Every row, the dangerous ones in this disguise."""
    found = []
    for row, obj in zip(real, objects, strict=True):
        try:
            changed = DISGUISES[name](dict(obj)) if row.label else None
            found.append(row if changed is None else of_object(changed, row.source, True, row.klass, row.cluster))
        except UnreadableObjectError as error:
            raise DatasetError(f"{row.source}, {name}: {error}") from error
    return found


def _host(real: Sequence[Row]) -> NDArray[np.bool_]:
    return np.array([row.host for row in real])


def _found(real: Sequence[Row], scores: Vector, chosen: Any = slice(None)) -> tuple[float, float]:
    """The shares found at each of the shares of false alarms; none where there is nothing to tell apart."""
    labels = np.array([bool(row.label) for row in real])[chosen]
    if len(set(labels)) < 2:
        return 0.0, 0.0
    first, second = (recall(scores[chosen], labels, alarms) for alarms in _ALARMS)
    return first, second


def _counted(real: Sequence[Row], objects: Sequence[Line]) -> list[Counted]:
    """Counting what the baseline level of the Pod Security Standards would deny."""
    engine = _baseline()
    counts = np.array([float(len(engine.evaluate(resources_.read(obj)).findings)) for obj in objects])
    labels = np.array([bool(row.label) for row in real])
    parts = (("all", np.ones(len(real), dtype=bool)), ("uses the host", _host(real)))
    told = [(name, part) for name, part in parts if len(set(labels[part])) == 2]
    return [Counted(name, auc(counts[part], labels[part]), _found(real, counts, part)) for name, part in told]


def _baseline() -> Engine:
    """The rules of the level, without the shipped model: while features change, it cannot be read."""
    profile, version = profiles.load(_BASELINE), Version.parse("latest")
    actions = profile.actions(registry.load(), version)
    return Engine([rule for rule in registry.load() if actions.get(rule.id)], profile.yardstick(version))
