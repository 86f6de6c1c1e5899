"""All that is said of a model: figures slice by slice, what its thresholds do, how far to believe probabilities."""

from collections.abc import Sequence
from itertools import compress

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from policies.risk.classifier import Classifier, Thresholds, probability
from policies.risk.training import fit
from policies.risk.training.dataset import Row
from policies.risk.training.measure import Bin, Slice, brier, reliability, slices

Vector = NDArray[np.float64]
Labels = NDArray[np.bool_]


class Scored(Struct, frozen=True):
    """Rows with a label, and what a model says of each."""

    rows: Sequence[Row]
    chances: Vector

    @property
    def labels(self) -> Labels:
        return np.array([bool(row.label) for row in self.rows], dtype=bool)

    def where(self, chosen: Labels) -> "Scored":
        return Scored(list(compress(self.rows, chosen)), self.chances[chosen])

    @property
    def on_the_host(self) -> "Scored":
        return self.where(np.array([row.host for row in self.rows], dtype=bool))


class Reached(Struct, frozen=True):
    """Of some rows, the shares that reach a threshold; None where there are no such rows."""

    dangerous: float | None
    benign: float | None


class Border(Struct, frozen=True):
    """What a threshold does."""

    name: str
    probability: float
    all: Reached
    uses_the_host: Reached


class Belief(Struct, frozen=True):
    """How far probabilities may be believed."""

    brier: float
    expected_error: float
    bins: tuple[Bin, ...]


class Figures(Struct, frozen=True):
    """Of rows of one class alone, only what the thresholds do can be told."""

    dangerous: int
    benign: int
    slices: tuple[Slice, ...]
    borders: tuple[Border, ...]
    belief: Belief | None


def cross_validated(rows: Sequence[Row], scores: Vector) -> tuple[Scored, Thresholds]:
    """What cross-validation says of real labelled rows, calibrated, and the thresholds that follow from it."""
    labels = np.array([bool(row.label) for row in rows])
    chances = fit.probabilities(scores, *fit.calibration(scores, labels))
    warn, deny = (fit.threshold(chances, labels, share) for share in (fit.WARNED, fit.DENIED))
    return Scored(rows, chances), Thresholds(warn, deny)


def of_model(model: Classifier, rows: Sequence[Row]) -> Scored:
    """What a model says of rows that have a label."""
    return Scored(rows, np.array([probability(model.riskiest(row.containers)[0]) for row in rows]))


def gather(scored: Scored, thresholds: Thresholds) -> Figures:
    """Every figure."""
    both = has_both(scored)
    return Figures(
        int(scored.labels.sum()),
        int((~scored.labels).sum()),
        tuple(slices(scored.rows, scored.chances)) if both else (),
        borders(scored, thresholds),
        belief(scored) if both else None,
    )


def has_both(scored: Scored) -> bool:
    """Whether there are dangerous and benign rows, without which nothing can be told apart."""
    return 0 < int(scored.labels.sum()) < len(scored.rows)


def borders(scored: Scored, thresholds: Thresholds) -> tuple[Border, ...]:
    """What the two thresholds do."""
    named = (("warn", thresholds.warn_at), ("deny", thresholds.deny_at))
    return tuple(Border(name, at, reached(scored, at), reached(scored.on_the_host, at)) for name, at in named)


def reached(scored: Scored, at: float) -> Reached:
    """How many of these rows are at or over a probability."""
    return Reached(*(_share(scored.chances[chosen] >= at) for chosen in (scored.labels, ~scored.labels)))


def _share(found: Labels) -> float | None:
    return float(found.mean()) if len(found) else None


def belief(scored: Scored) -> Belief:
    """Calibration: what was said, and what was so."""
    bins = tuple(reliability(scored.chances, scored.labels))
    error = sum(each.count * abs(each.said - each.was) for each in bins) / len(scored.rows)
    return Belief(brier(scored.chances, scored.labels), error, bins)
