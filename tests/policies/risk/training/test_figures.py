"""What is said of a model: slices, thresholds, calibration."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from policies.risk import classifier
from policies.risk.classifier import Thresholds, probability
from policies.risk.training import figures, measure
from policies.risk.training.figures import Reached, Scored
from tests.policies.risk.training.rows import row, scored


def test_slices_that_have_nothing_to_tell_apart_are_left_out() -> None:
    found = figures.gather(scored(), Thresholds(0.7, 0.9))

    names = [each.name for each in found.slices]
    assert names == ["all", "uses the host", "uses nothing of the host", "among applications", "cryptomining"]
    assert (found.dangerous, found.benign) == (4, 16)
    assert found.slices[0].auc.value == pytest.approx(1 - 2 / 64)


def test_what_the_thresholds_do() -> None:
    found = figures.gather(scored(), Thresholds(0.72, 0.95))

    assert [(border.name, border.probability) for border in found.borders] == [("warn", 0.72), ("deny", 0.95)]
    assert found.borders[0].all == Reached(0.75, 2 / 16)
    assert found.borders[1].all == Reached(0.25, 0.0)
    assert found.borders[1].uses_the_host == Reached(0.5, 0.0)


def test_rows_of_one_class_have_thresholds_and_nothing_else() -> None:
    found = figures.gather(Scored([row(0, True), row(1, True)], np.array([0.2, 0.9])), Thresholds(0.5, 0.95))

    assert (found.slices, found.belief) == ((), None)
    assert found.borders[0].all == Reached(0.5, None)
    assert found.borders[0].uses_the_host == Reached(None, None)


def test_belief_is_perfect_where_what_is_said_is_so() -> None:
    perfect = figures.belief(Scored([row(0, True), row(1, False)], np.array([1.0, 0.0])))
    wrong = figures.belief(Scored([row(0, True), row(1, False)], np.array([0.0, 1.0])))

    assert (perfect.brier, perfect.expected_error) == (0.0, 0.0)
    assert (wrong.brier, wrong.expected_error) == (1.0, 1.0)


def test_a_model_says_the_same_as_when_it_serves() -> None:
    model = classifier.shipped()
    rows = [row(0, True), row(1, False)]

    chances = figures.of_model(model, rows).chances
    assert list(chances) == [probability(model.riskiest(each.containers)[0]) for each in rows]


def test_thresholds_of_cross_validation_promise_what_they_are_for() -> None:
    rows = [row(number, number < 50) for number in range(1050)]
    found, thresholds = figures.cross_validated(rows, np.linspace(3, -3, 1050))

    assert figures.reached(found, thresholds.warn_at).benign == 0.01
    assert figures.reached(found, thresholds.deny_at).benign == 0.001
    assert thresholds.warn_at < thresholds.deny_at


def test_figures_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(3)
    for ties in (3, 10_000):
        scores, labels = random.integers(0, ties, 500) / ties, random.random(500) < 0.1
        assert measure.auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
        assert measure.average_precision(scores, labels) == pytest.approx(average_precision_score(labels, scores))
