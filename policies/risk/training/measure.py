"""How good a classifier is on labelled rows: what it finds at a share of false alarms, and how sure that is."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from policies.risk.training.dataset import Row

Vector = NDArray[np.float64]
#: Shares of false alarms that figures are given for.
ALARMS = (0.001, 0.01, 0.05)
_SAMPLES = 200
_SEED = 7


class Figure(Struct, frozen=True):
    """A number, and the interval that holds it in 95 of 100 samples of repositories."""

    value: float
    low: float
    high: float


class Slice(Struct, frozen=True):
    """The figures of some rows. Recall is by the share of false alarms among the benign rows of this slice."""

    name: str
    dangerous: int
    benign: int
    auc: Figure
    average_precision: Figure
    recall: tuple[Figure, ...]


def counts(scores: Vector, labels: NDArray[np.bool_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Going down from the highest score: how many dangerous and how many benign rows have it or a higher one."""
    order = np.argsort(-scores, kind="stable")
    ranked, found = scores[order], labels[order]
    last = np.append(ranked[1:] != ranked[:-1], True)
    return np.cumsum(found)[last], np.cumsum(~found)[last]


def auc(scores: Vector, labels: NDArray[np.bool_]) -> float:
    """The share of pairs, one dangerous and one benign, that are ranked right; the same score is half right.

    scikit-learn says the same in twenty times the time, which intervals multiply by hundreds.
    """
    found, alarms = (np.append(0, each) for each in counts(scores, labels))
    right = (np.diff(alarms) * (found[1:] + found[:-1])).sum() / 2
    return float(right / (found[-1] * alarms[-1]))


def average_precision(scores: Vector, labels: NDArray[np.bool_]) -> float:
    """The mean over the dangerous rows: of all that have their score or a higher one, the share that is dangerous."""
    found, alarms = counts(scores, labels)
    return float((np.diff(found, prepend=0) * found / (found + alarms)).sum() / found[-1])


def recall(scores: Vector, labels: NDArray[np.bool_], alarms: float) -> float:
    """The share of dangerous rows above the score that at most this share of benign rows exceeds."""
    benign = np.sort(scores[~labels])[::-1]
    border = benign[min(int(alarms * len(benign)), len(benign) - 1)]
    return float(np.mean(scores[labels] > border))


def slices(rows: Sequence[Row], scores: Vector) -> Iterator[Slice]:
    """By the use of the host, by what the benign rows are for, and by the family of the dangerous ones.

    Where there are not both dangerous and benign rows, nothing can be told apart: such slices are left out.
    """
    labels = np.array([bool(row.label) for row in rows])
    repositories = np.array([row.repository for row in rows])
    for name, chosen in _chosen(rows):
        if 0 < labels[chosen].sum() < chosen.sum():
            yield measure(name, labels[chosen], scores[chosen], repositories[chosen])


def _chosen(rows: Sequence[Row]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The slices by name, and which rows are in them."""

    def those(chosen: Callable[[Row], bool]) -> NDArray[np.bool_]:
        return np.array([chosen(row) for row in rows], dtype=bool)

    yield "all", those(lambda _: True)
    yield "uses the host", those(lambda row: row.host)
    yield "uses nothing of the host", those(lambda row: not row.host)
    yield "among infrastructure", those(lambda row: bool(row.label) or row.klass == "benign-infra")
    yield "among applications", those(lambda row: bool(row.label) or row.klass == "benign-app")
    for family in sorted({row.family for row in rows if row.label and row.family}):
        yield family, np.array([not row.label or row.family == family for row in rows])


def measure(name: str, labels: NDArray[np.bool_], scores: Vector, repositories: NDArray[np.str_]) -> Slice:
    """The figures of these rows, with intervals from drawing repositories again and again (with their rows)."""
    measures: list[Callable[[Vector, NDArray[np.bool_]], float]] = [
        auc,
        average_precision,
        *((lambda s, y, share=share: recall(s, y, share)) for share in ALARMS),
    ]
    drawn = list(_samples(labels, repositories))
    figures = []
    for of in measures:
        spread = [of(scores[chosen], labels[chosen]) for chosen in drawn]
        low, high = np.quantile(spread, (0.025, 0.975)) if spread else (0.0, 1.0)
        figures.append(Figure(of(scores, labels), float(low), float(high)))
    return Slice(name, int(labels.sum()), int((~labels).sum()), figures[0], figures[1], tuple(figures[2:]))


def _samples(labels: NDArray[np.bool_], repositories: NDArray[np.str_]) -> Iterator[NDArray[np.int_]]:
    random = np.random.default_rng(_SEED)
    members = [np.flatnonzero(repositories == name) for name in np.unique(repositories)]
    for _ in range(_SAMPLES):
        chosen = np.concatenate([members[index] for index in random.integers(0, len(members), len(members))])
        if 0 < labels[chosen].sum() < len(chosen):
            yield chosen


class Bin(Struct, frozen=True):
    """Rows whose probability lies in a range: what was said on average, and what was so."""

    said: float
    was: float
    count: int


def reliability(chances: Vector, labels: NDArray[np.bool_], bins: int = 10) -> list[Bin]:
    """The calibration curve, in bins of equal width; empty ones are left out."""
    which = np.minimum((chances * bins).astype(int), bins - 1)
    found = [np.flatnonzero(which == index) for index in range(bins)]
    return [Bin(float(chances[each].mean()), float(labels[each].mean()), len(each)) for each in found if len(each)]


def brier(chances: Vector, labels: NDArray[np.bool_]) -> float:
    """The mean squared difference between what was said and what was so."""
    return float(np.mean((chances - labels) ** 2))
