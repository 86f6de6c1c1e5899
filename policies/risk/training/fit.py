"""From rows to a model: fit, calibrate, export.

scikit-learn fits log-odds that are additive by construction (`interaction_cst`) and never fall (`monotonic_cst`); what
each value of a feature adds is then read off its decision function, so the exported tables are the fitted model itself.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold
from threadpoolctl import threadpool_limits

from policies.risk import classifier, features
from policies.risk.classifier import FORMAT, Model, Pair, Thresholds, sealed
from policies.risk.features import BY_NAME, FEATURES, Features
from policies.risk.training.dataset import DatasetError, Row

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]
#: What the shipped model is called: it changes with the data set, the features or the fit.
VERSION = "2026.11.24.2"
SEED = 20261124
FOLDS = 8
REPEATS = 3
#: Below as many dangerous rows the logistic model is better on repositories never seen (MODEL_CARD.md compares them).
FEW = 500
#: Features that mean more together than each by itself.
PAIRS = (("command_grave", "power"), ("image_attack", "power"))
#: Real benign workloads that may be at or over the thresholds.
WARNED, DENIED = 0.01, 0.001
SYNTHETIC_WEIGHT = 0.03
_LOGISTIC_C = 10.0
#: How small the gradient of a fit has to be: that of the one that counts, and of those that lead to it.
_EXACT, _ROUGH = 1e-10, 1e-5


class Fitted(Protocol):
    """What scikit-learn's classifiers offer."""

    def decision_function(self, x: Matrix, /) -> Vector: ...


def matrix(found: Iterable[Features]) -> Matrix:
    """Features as rows of numbers, in the order of their declaration."""
    return np.array([[each.get(name, 0) for name in BY_NAME] for each in found], float).reshape(-1, len(BY_NAME))


Fitting = Callable[[Sequence[Row], int], Fitted]


def fit(rows: Sequence[Row], seed: int = SEED) -> Fitted:
    """Fit these rows, all of which have a label."""
    return logistic(rows, seed) if few(rows) else boosted(rows, seed)


def logistic(rows: Sequence[Row], _seed: int = SEED) -> Fitted:
    """The model for small data."""
    with threadpool_limits(1):  # sums in another order are other numbers
        return _alternate(_Containers(rows))


def boosted(rows: Sequence[Row], seed: int = SEED) -> Fitted:
    """The model for large data: gradient boosting, additive but for PAIRS, and monotone."""
    found = _Containers(rows)
    with threadpool_limits(1):
        chosen = found.riskiest(_alternate(found).decision_function(found.x))
        fitted: Fitted = _boosting(seed).fit(found.x[chosen], found.y, sample_weight=found.weights)
        return fitted


class _Containers:
    """Rows as numbers: a line of `x` for each container, `y` and `weights` for each row."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.x = matrix(each for row in rows for each in row.containers)
        self.y = np.array([row.label for row in rows])
        self.weights = np.array([SYNTHETIC_WEIGHT if row.synthetic else 1.0 for row in rows])
        self.counts = np.array([len(row.containers) for row in rows])
        self.starts = np.cumsum(self.counts) - self.counts

    def riskiest(self, scores: Vector) -> NDArray[np.int_]:
        """The line of the riskiest container of each row; of the first of those that are equal."""
        ends = self.starts + self.counts
        found = [start + scores[start:end].argmax() for start, end in zip(self.starts, ends, strict=True)]
        return np.array(found, int)


def _alternate(found: _Containers) -> "Steps":
    """Which container makes a row dangerous, nobody has said.

    First all of a row's containers share its weight; then the riskiest one by the last fit stands for it, and it is
    fitted again (Andrews, Tsochantaridis, Hofmann: Support Vector Machines for Multiple-Instance Learning, 2002).
    """
    of_row = np.repeat(np.arange(len(found.y)), found.counts)
    model = Steps(_ROUGH).fit(found.x, found.y[of_row], (found.weights / found.counts)[of_row])
    for tolerance in (_ROUGH, _EXACT):
        chosen = found.riskiest(model.decision_function(found.x))
        model = Steps(tolerance).fit(found.x[chosen], found.y, found.weights)
    return model


def judge(fitted: Fitted, rows: Sequence[Row]) -> Vector:
    """The log-odds of rows: of the riskiest container each."""
    found = _Containers(rows)
    scores = fitted.decision_function(found.x)
    return scores[found.riskiest(scores)]


def few(rows: Sequence[Row]) -> bool:
    """Whether the data is small: then the logistic model is fitted."""
    return sum(row.label is True and not row.synthetic for row in rows) < FEW


def _boosting(seed: int) -> HistGradientBoostingClassifier:
    names = list(BY_NAME)
    pairs = [{names.index(first), names.index(second)} for first, second in PAIRS]
    return HistGradientBoostingClassifier(
        learning_rate=0.03,
        max_iter=1500,
        max_leaf_nodes=4,
        min_samples_leaf=6,
        l2_regularization=3.0,
        monotonic_cst=[1] * len(names),
        interaction_cst=[{index} for index in range(len(names))] + pairs,
        early_stopping=False,
        random_state=seed,
    )


class Steps:
    """A penalised logistic model: a weight for each step of each feature, none of them negative.

    Weights that would be are left out, one fit after the other, until none is. Where none is left, all that is known is
    how many of the rows are dangerous.
    """

    def __init__(self, tolerance: float = _EXACT) -> None:
        self._tolerance = tolerance

    def fit(self, x: Matrix, y: Vector, weights: Vector) -> "Steps":
        x, y, weights = _once(x, y, weights)
        steps = _steps(x)
        self._kept = np.flatnonzero(steps.any(axis=0)) if steps.any() else np.array([0])
        while True:
            model = LogisticRegression(C=_LOGISTIC_C, max_iter=10_000, tol=self._tolerance)
            self._model = model.fit(steps[:, self._kept], y, sample_weight=weights)
            rising = self._model.coef_[0] > 0
            if not rising.any():
                dangerous = np.average(y, weights=weights)
                self._model.coef_[:], self._model.intercept_[:] = 0.0, np.log(dangerous / (1 - dangerous))
                return self
            if rising.all():
                return self
            self._kept = self._kept[rising]

    def decision_function(self, x: Matrix) -> Vector:
        found: Vector = self._model.decision_function(_steps(x)[:, self._kept])
        return found


def _once(x: Matrix, y: Vector, weights: Vector) -> tuple[Matrix, Vector, Vector]:
    """Equal rows as one that weighs as much: the fit is the same, in a part of the time."""
    labelled = np.column_stack([x, y])
    distinct, of_row = np.unique(labelled, axis=0, return_inverse=True)
    return distinct[:, :-1], distinct[:, -1], np.bincount(of_row.ravel(), weights).astype(float)


def _steps(x: Matrix) -> Matrix:
    """A column for each step of each feature: whether its value reaches it."""
    reached = [x[:, index] >= step for index, each in enumerate(FEATURES) for step in range(1, each.most + 1)]
    return np.column_stack(reached).astype(float)


class Fold(NamedTuple):
    """Real rows to be judged, by their indices, and the rows that a model may learn from that judges them."""

    repeat: int
    test: NDArray[np.int_]
    seen: list[Row]


def folds(rows: Sequence[Row], repeats: int = REPEATS) -> Iterator[Fold]:
    """Cut the real labelled rows so that no repository, and nothing nearly the same, is on both sides.

    Synthetic rows are learned from, unless they were made of a workload in a repository to be judged, or of something
    nearly the same. Raises DatasetError where there is too little to cut.
    """
    real = [row for row in rows if not row.synthetic]
    labels, repositories = [row.label for row in real], [row.repository for row in real]
    if min(labels.count(True), labels.count(False), len(set(repositories))) < FOLDS:
        raise DatasetError(f"cross-validation needs {FOLDS} repositories, dangerous rows and benign rows at least")
    for repeat in range(repeats):
        cut = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=SEED + repeat)
        for _, test in cut.split(np.zeros(len(real)), labels, repositories):
            unseen = {repositories[index] for index in test}, {real[index].cluster for index in test}
            seen = [row for row in rows if row.repository not in unseen[0] and row.cluster not in unseen[1]]
            if len({row.label for row in seen}) < 2:
                raise DatasetError("cross-validation needs dangerous and benign rows of more repositories")
            yield Fold(repeat, test, seen)


def cross_validate(
    rows: Sequence[Row],
    repeats: int = REPEATS,
    fitting: Fitting = fit,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Matrix:
    """Log-odds of every real labelled row by models that never saw its repository or its near-duplicates.

    One line for each repeat. `progress` is told how many models of how many are fitted.
    """
    real = [row for row in rows if not row.synthetic]
    found = np.zeros((repeats, len(real)))
    for count, fold in enumerate(folds(rows, repeats), 1):
        fitted = fitting(fold.seen, SEED + fold.repeat)
        found[fold.repeat, fold.test] = judge(fitted, [real[index] for index in fold.test])
        progress(count, repeats * FOLDS)
    return found


def calibration(scores: Vector, labels: NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and offset (Platt) that make cross-validated scores log-odds of the real data."""
    model = LogisticRegression(C=1e6, max_iter=5000).fit(scores.reshape(-1, 1), labels)
    return max(float(model.coef_[0, 0]), 1e-3), float(model.intercept_[0])


def threshold(chances: Vector, labels: NDArray[np.bool_], share: float) -> float:
    """The lowest probability that at most this share of benign rows reaches or exceeds."""
    benign = np.sort(chances[~labels])[::-1]
    allowed = int(share * len(benign))
    return float(np.nextafter(benign[allowed], 1.0)) if allowed < len(benign) else 0.5


def export(fitted: Fitted, slope: float, offset: float, thresholds: Thresholds, provenance: dict[str, Any]) -> Model:
    """The fitted model as tables, calibrated."""
    base = float(fitted.decision_function(matrix([{}]))[0])
    tables = {name: _single(fitted, name, base, slope) for name in BY_NAME}
    pairs = tuple(_pair(fitted, pair, base, slope) for pair in PAIRS)
    return sealed(
        Model(
            format=FORMAT,
            version=str(provenance["version"]),
            schema=features.schema(),
            intercept=slope * base + offset,
            tables=tables,
            pairs=tuple(pair for pair in pairs if any(map(any, pair.table))),
            thresholds=thresholds,
            provenance=provenance,
            checksum="",
        )
    )


def _single(fitted: Fitted, name: str, base: float, slope: float) -> tuple[float, ...]:
    grid: list[Features] = [{name: value} for value in range(BY_NAME[name].most + 1)]
    found = [slope * (float(value) - base) for value in fitted.decision_function(matrix(grid))]
    # The same leaves summed in one order are the same number, but for the last digit.
    for index, (earlier, later) in enumerate(pairwise(found)):
        if earlier > later > earlier - 1e-9:
            found[index + 1] = earlier
    return (0.0, *found[1:])


def _pair(fitted: Fitted, names: tuple[str, str], base: float, slope: float) -> Pair:
    first, second = names
    sizes = BY_NAME[first].most + 1, BY_NAME[second].most + 1
    grid: list[Features] = [{first: a, second: b} for a in range(sizes[0]) for b in range(sizes[1])]
    both = fitted.decision_function(matrix(grid)).reshape(sizes)
    rest = slope * (both - both[:, :1] - both[:1, :] + base)
    rest[0, :] = rest[:, 0] = 0.0
    return Pair(names, tuple(tuple(float(value) for value in row) for row in np.where(abs(rest) < 1e-9, 0.0, rest)))


def train(rows: Sequence[Row], version: str, dataset: str, scores: Matrix | None = None) -> Model:
    """A model of these rows, calibrated by cross-validation.

    `dataset` is the digest of their file; `scores` what cross_validate said of the rows with a label, if it did.
    """
    labelled = [row for row in rows if row.label is not None]
    labels = np.array([row.label for row in labelled if not row.synthetic])
    mean = (cross_validate(labelled) if scores is None else scores).mean(axis=0)
    slope, offset = calibration(mean, labels)
    chances = probabilities(mean, slope, offset)
    thresholds = Thresholds(threshold(chances, labels, WARNED), threshold(chances, labels, DENIED))
    provenance = {
        "version": version,
        "dataset": dataset,
        "rows": {
            "dangerous": int(labels.sum()),
            "benign": int((~labels).sum()),
            "synthetic": len(labelled) - len(labels),
        },
        "seed": SEED,
        "scikit-learn": sklearn.__version__,
        "calibration": {"slope": slope, "offset": offset},
    }
    return export(fit(labelled), slope, offset, thresholds, provenance)


def probabilities(scores: Vector, slope: float, offset: float) -> Vector:
    """What the served model says of these scores."""
    return np.array([classifier.probability(slope * score + offset) for score in scores])
