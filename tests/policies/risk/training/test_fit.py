"""From rows to a model: what is exported is what scikit-learn fitted, bit for bit again, and judged by strangers."""

from collections.abc import Sequence
from itertools import combinations, groupby
from random import Random

import numpy as np
import pytest

from policies.risk import classifier
from policies.risk.classifier import Classifier, Thresholds, probability
from policies.risk.features import BY_NAME, FEATURES, Features
from policies.risk.training import dataset, fit
from policies.risk.training.dataset import DatasetError, Row
from policies.risk.training.fit import FOLDS, Fitted, Matrix, Vector, calibration, cross_validate, export, threshold

SLOPE, OFFSET = 0.8, -1.5
THRESHOLDS = Thresholds(0.3, 0.9)


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return [row for row in dataset.shipped() if row.label is not None]


@pytest.fixture(scope="module")
def vectors(rows: list[Row]) -> list[Features]:
    """Those of the data set, and 2,000 that nobody has ever seen."""
    random = Random(7)
    made: list[Features] = []
    for _ in range(2_000):
        some = random.sample(FEATURES, random.randint(0, len(FEATURES)))
        made.append({feature.name: random.randint(1, feature.most) for feature in some})
    return [each for row in rows for each in row.containers] + made


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boosting in a few rounds: they are like the many."""
    slow = fit._boosting
    monkeypatch.setattr(fit, "_boosting", lambda seed: slow(seed).set_params(max_iter=15, min_samples_leaf=2))


def exported(fitted: Fitted) -> Classifier:
    return Classifier(export(fitted, SLOPE, OFFSET, THRESHOLDS, {"version": "test"}))


# What is served is what was fitted.


def assert_equal(fitted: Fitted, vectors: list[Features]) -> None:
    served = exported(fitted)
    wanted = SLOPE * fitted.decision_function(fit.matrix(vectors)) + OFFSET
    assert np.max(np.abs(wanted - [served.log_odds(each) for each in vectors])) < 1e-9
    assert np.ptp(wanted) > 0.5


def test_the_logistic_model_is_served_as_it_was_fitted(rows: list[Row], vectors: list[Features]) -> None:
    assert_equal(fit.logistic(rows), vectors)


def test_the_boosted_model_is_served_as_it_was_fitted(rows: list[Row], vectors: list[Features], quick: None) -> None:
    assert_equal(fit.boosted(rows), vectors)


def test_pairs_of_the_boosted_model_are_served_too(quick: None) -> None:
    """Each of the two is harmless; together they are not."""
    values = [(grave, power) for grave in (0, 1) for power in (0, 2)]
    rows = [
        row(number, label=bool(grave and power), command_grave=grave, power=power)
        for number, (grave, power) in enumerate(values * 15)
    ]
    found = exported(fit.boosted(rows))

    assert [pair.features for pair in found.model.pairs] == [("command_grave", "power")]
    every: list[Features] = [
        {name: value for name, value in (("command_grave", a), ("power", b), ("image_attack", c)) if value}
        for a in range(4)
        for b in range(7)
        for c in range(3)
    ]
    assert_equal(fit.boosted(rows), every)


def row(number: int, *, label: bool, klass: str = "", **features: int) -> Row:
    found = {name: value for name, value in features.items() if value}
    return Row(f"owner/repo{number}@0:x", label, klass or "benign-app", "", f"c{number}", False, (found,))


def test_a_row_of_numbers_is_in_the_order_of_the_features() -> None:
    first, last = FEATURES[0].name, FEATURES[-1].name
    found = fit.matrix([{last: 3, first: 1}, {}])
    assert found.shape == (2, len(FEATURES))
    assert (found[0, 0], found[0, -1], found.sum()) == (1.0, 3.0, 4.0)
    assert fit.matrix([]).shape == (0, len(FEATURES))


# Repeatable, and monotone.


def test_fitting_again_gives_the_same_bits(rows: list[Row], quick: None) -> None:
    for fitting in (fit.logistic, fit.boosted):
        first, second = (exported(fitting(rows)).model for _ in range(2))
        assert first == second
        assert first.checksum == second.checksum


def test_the_shipped_model_is_what_the_shipped_rows_give(rows: list[Row]) -> None:
    shipped = classifier.shipped().model
    said = shipped.provenance["calibration"]
    found = export(fit.fit(rows), said["slope"], said["offset"], shipped.thresholds, shipped.provenance)

    assert found.intercept == pytest.approx(shipped.intercept, abs=1e-6)
    for name, table in shipped.tables.items():
        assert found.tables[name] == pytest.approx(table, abs=1e-6), name
    assert found.pairs == shipped.pairs


def test_no_weight_of_the_logistic_model_is_negative_though_the_rows_say_so() -> None:
    """What is found in benign rows alone means nothing; it does not mean safety."""
    some = [row(n, label=n % 2 == 0, power=n % 2 == 0, host_ipc=n % 2) for n in range(40)]
    found = exported(fit.logistic(some)).model

    assert found.tables["host_ipc"] == (0.0, 0.0)
    assert found.tables["power"][1] > 0
    assert found.tables["privileged"] == (0.0, 0.0)


def test_where_nothing_tells_rows_apart_only_their_number_counts() -> None:
    some = [row(n, label=n % 4 == 0, host_ipc=n % 4 > 0) for n in range(40)]
    for fitted in (fit.logistic(some), fit.logistic([row(n, label=n % 4 == 0) for n in range(40)])):
        found = exported(fitted)
        assert {value for table in found.model.tables.values() for value in table} == {0.0}
        assert found.log_odds({}) == pytest.approx(SLOPE * classifier.log_odds(0.25) + OFFSET)


def test_synthetic_rows_weigh_little(rows: list[Row]) -> None:
    def learned(klass: str) -> float:
        bad = [row(n, label=True, klass=klass, host_ipc=1) for n in range(30)]
        good = [row(n, label=False, host_ipc=n % 2) for n in range(30, 60)]
        seen = row(99, label=True, power=1)
        return exported(fit.logistic([*bad, *good, seen])).log_odds({"host_ipc": 1})

    assert learned("attack") > learned(dataset.SYNTHETIC) + 1


# Which container it is, nobody says.


def several(number: int, *containers: Features, label: bool) -> Row:
    return Row(f"owner/repo{number}@0:x", label, "", "", f"c{number}", False, containers)


def test_what_makes_a_pod_dangerous_is_found_in_the_container_where_it_is() -> None:
    """Every pod has one that waits and one with power; in the dangerous ones it is the same."""
    bad = [several(n, {}, {"power": 2, "power_idle": 2}, label=True) for n in range(20)]
    good = [several(n, {"power": 2}, {"waits_in_base_image": 1}, label=False) for n in range(20, 60)]
    for fitted in (fit.logistic([*bad, *good]), fit.boosted([*bad, *good])):
        found = exported(fitted)
        assert found.log_odds({"power": 2, "power_idle": 2}) > found.log_odds({"power": 2}) + 2
        assert found.log_odds({"power": 2}) == pytest.approx(found.log_odds({}), abs=0.5)


def test_a_harmless_container_beside_it_does_not_change_what_is_learned() -> None:
    power: Features = {"power": 2}
    bad = [several(n, power, label=True) for n in range(20)]
    good = [several(n, {}, label=False) for n in range(20, 60)]
    beside = [several(n, {}, power, label=True) for n in range(20)]
    alone, padded = (exported(fit.logistic([*some, *good])) for some in (bad, beside))
    assert padded.log_odds(power) == pytest.approx(alone.log_odds(power), abs=1e-4)


def test_rows_are_judged_by_their_riskiest_container() -> None:
    class Power:
        def decision_function(self, x: Matrix) -> Vector:
            return x[:, list(BY_NAME).index("power")] - 3

    rows = [several(1, {"power": 1}, {"power": 4}, {}, label=True), several(2, {}, label=False)]
    assert list(fit.judge(Power(), rows)) == [1.0, -3.0]


def test_little_data_is_fitted_by_the_logistic_model(rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    assert fit.few(rows)
    some = [row(n, label=n % 2 == 0, power=n % 2 == 0) for n in range(4)]
    logistic, boosted = Nobody(), Nobody()
    monkeypatch.setattr(fit, "logistic", lambda *_: logistic)
    monkeypatch.setattr(fit, "boosted", lambda *_: boosted)
    assert fit.fit(some) is logistic
    monkeypatch.setattr(fit, "FEW", 2)
    assert fit.fit(some) is boosted
    # What was made up does not make the data large.
    made = [Row(each.source, each.label, dataset.SYNTHETIC, "", "", False, each.containers) for each in some]
    assert fit.fit(made) is logistic


# Judged by models that never saw them.


class Nobody:
    """A model that has learned nothing, and tells whom it was asked about."""

    def decision_function(self, x: Matrix) -> Vector:
        return np.arange(len(x), dtype=float)


def test_no_model_ever_saw_the_repository_or_the_like_of_what_it_judges(rows: list[Row]) -> None:
    real = [each for each in rows if not each.synthetic]
    learned: list[list[Row]] = []

    def spy(seen: Sequence[Row], _seed: int) -> Fitted:
        learned.append(list(seen))
        return Nobody()

    told: list[tuple[int, int]] = []
    found = cross_validate(rows, 2, spy, lambda done, of: told.append((done, of)))
    folds = list(fit.folds(rows, 2))

    assert found.shape == (2, len(real))
    assert [fold.seen for fold in folds] == learned
    assert told == [(count, 2 * FOLDS) for count in range(1, 2 * FOLDS + 1)]
    for fold in folds:
        judged = [real[index] for index in fold.test]
        assert {each.repository for each in judged}.isdisjoint(each.repository for each in fold.seen)
        assert {each.cluster for each in judged}.isdisjoint(each.cluster for each in fold.seen)
    for _, of_repeat in groupby(folds, key=lambda fold: fold.repeat):
        indices = sorted(index for fold in of_repeat for index in fold.test)
        assert indices == list(range(len(real)))


def test_made_up_rows_are_learned_from_but_never_judged(rows: list[Row]) -> None:
    real = [each for each in rows if not each.synthetic]
    for fold in fit.folds(rows, 1):
        judged = {real[index].repository for index in fold.test}
        made = [each for each in fold.seen if each.synthetic]
        assert made
        assert judged.isdisjoint(each.repository for each in made)
        known = {real[index].cluster for index in fold.test}
        wanted = [each for each in rows if each.synthetic and each.repository not in judged]
        assert made == [each for each in wanted if each.cluster not in known]


def test_near_duplicates_in_other_repositories_are_not_learned_from() -> None:
    some = [row(n, label=n % 2 == 0, power=1) for n in range(40)]
    copied = [
        Row(f"copier/of{n}@0:x", each.label, each.klass, "", each.cluster, False, ({},)) for n, each in enumerate(some)
    ]
    for fold in fit.folds([*some, *copied], 1):
        judged = {[*some, *copied][index].cluster for index in fold.test}
        assert judged.isdisjoint(each.cluster for each in fold.seen)


@pytest.mark.parametrize(
    "some",
    [
        [],
        [row(n, label=True) for n in range(20)],
        [row(n, label=n < 7) for n in range(40)],
        [row(n % 7, label=n < 20) for n in range(40)],
    ],
    ids=["nothing", "one label", "seven dangerous", "seven repositories"],
)
def test_too_little_to_cut_is_said(some: list[Row]) -> None:
    with pytest.raises(DatasetError, match="cross-validation needs 8 repositories"):
        list(fit.folds(some))


# Probabilities and thresholds.


def test_calibration_makes_scores_log_odds() -> None:
    random = np.random.default_rng(1)
    true = random.normal(-1, 2, 20_000)
    labels = random.random(20_000) < 1 / (1 + np.exp(-true))
    slope, offset = calibration((true - 3) / 2, labels)
    assert slope == pytest.approx(2, abs=0.1)
    assert offset == pytest.approx(3, abs=0.15)


def test_calibration_never_turns_the_order_around() -> None:
    slope, _ = calibration(np.array([0.0, 1.0, 2.0, 3.0]), np.array([True, True, False, False]))
    assert slope > 0


@pytest.mark.parametrize(("share", "reached"), [(0.0, 0), (0.09, 0), (0.1, 1), (0.25, 2), (0.5, 5)])
def test_a_threshold_is_reached_by_at_most_its_share_of_benign_rows(share: float, reached: int) -> None:
    chances = np.array([0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99])
    labels = np.array([False] * 10 + [True] * 2)
    at = threshold(chances, labels, share)
    assert np.sum(chances[~labels] >= at) == reached


def test_equal_benign_rows_are_all_below_a_threshold_that_not_all_may_reach() -> None:
    chances, labels = np.array([0.2] * 9 + [0.7] * 3), np.array([False] * 12)
    assert np.sum(chances >= threshold(chances, labels, 0.2)) == 0


def test_the_shipped_thresholds_hold_what_they_promise(rows: list[Row]) -> None:
    """On what cross-validation says: at most 1 % of benign rows are warned of, and at most 0.1 % denied."""
    shipped = classifier.shipped().model
    scores = cross_validate(rows).mean(axis=0)
    labels = np.array([bool(each.label) for each in rows if not each.synthetic])
    slope, offset = calibration(scores, labels)
    chances = fit.probabilities(scores, slope, offset)
    warn, deny = shipped.thresholds.warn_at, shipped.thresholds.deny_at

    said = shipped.provenance["calibration"]
    assert slope == pytest.approx(said["slope"], abs=1e-6)
    assert offset == pytest.approx(said["offset"], abs=1e-6)
    assert np.mean(chances[~labels] >= warn) <= 0.01
    assert np.mean(chances[~labels] >= deny) <= 0.001
    # They could not be lower.
    benign = np.sort(chances[~labels])[::-1]
    assert benign[int(0.01 * len(benign))] == pytest.approx(warn, abs=1e-6)
    assert benign[int(0.001 * len(benign))] == pytest.approx(deny, abs=1e-6)


def test_probabilities_are_those_of_the_classifier() -> None:
    found = fit.probabilities(np.array([-2.0, 0.0, 1.5]), SLOPE, OFFSET)
    assert list(found) == [probability(SLOPE * score + OFFSET) for score in (-2.0, 0.0, 1.5)]


def test_pairs_are_of_features_that_exist_and_each_once() -> None:
    assert all(first in BY_NAME and second in BY_NAME and first != second for first, second in fit.PAIRS)
    assert all(set(one) != set(other) for one, other in combinations(fit.PAIRS, 2))
