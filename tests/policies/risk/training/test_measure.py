"""Figures, by hand: eight rows whose order is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from policies.risk.training.dataset import Row
from policies.risk.training.measure import (
    ALARMS,
    Bin,
    auc,
    average_precision,
    brier,
    counts,
    measure,
    recall,
    reliability,
    slices,
)

#: Dangerous, benign, dangerous, dangerous, and then four benign ones, two of them with the score of the third.
SCORES = np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.6, 0.3, 0.1])
LABELS = np.array([True, False, True, True, False, False, False, False])
scored = st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30).filter(
    lambda found: 0 < sum(label for _, label in found) < len(found)
)


def test_counts_from_the_highest_score_down() -> None:
    dangerous, benign = counts(SCORES, LABELS)
    assert list(dangerous) == [1, 1, 2, 3, 3, 3]
    assert list(benign) == [0, 1, 1, 3, 4, 5]


def test_auc() -> None:
    """Of 15 pairs, the first dangerous row is right in 5, the second in 4, the third in 2 and half right in 2."""
    assert auc(SCORES, LABELS) == pytest.approx((5 + 4 + 2 + 2 / 2) / 15)
    assert auc(-SCORES, LABELS) == pytest.approx(1 - 12 / 15)


def test_average_precision() -> None:
    """1 of 1, 2 of 3, and 3 of 6."""
    assert average_precision(SCORES, LABELS) == pytest.approx((1 + 2 / 3 + 3 / 6) / 3)


@pytest.mark.parametrize(
    ("alarms", "found"),
    [
        # Above the highest benign row lies one of three; above the second highest, whose score the third has, two.
        (0.0, 1 / 3),
        (0.19, 1 / 3),
        (0.2, 2 / 3),
        (0.4, 2 / 3),
        (0.6, 1.0),
        (1.0, 1.0),
    ],
)
def test_recall_at_a_share_of_false_alarms(alarms: float, found: float) -> None:
    assert recall(SCORES, LABELS, alarms) == pytest.approx(found)


@given(scored)
def test_they_are_those_of_scikit_learn(found: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([score for score, _ in found], float), np.array([label for _, label in found])
    assert auc(scores, labels) == pytest.approx(roc_auc_score(labels, scores))
    assert average_precision(scores, labels) == pytest.approx(average_precision_score(labels, scores))


@given(scored, st.sampled_from(ALARMS))
def test_recall_never_costs_more_false_alarms_than_were_allowed(found: list[tuple[int, bool]], alarms: float) -> None:
    scores, labels = np.array([score for score, _ in found], float), np.array([label for _, label in found])
    told = recall(scores, labels, alarms)
    least = min((score for score in scores[labels] if np.mean(scores[labels] >= score) <= told), default=np.inf)
    assert np.mean(scores[~labels] >= least) <= alarms


# Slices and intervals.


def row(number: int, *, label: bool, host: bool = False, klass: str = "", family: str = "") -> Row:
    klass = klass or ("attack" if label else "benign-app")
    return Row(f"a/r{number}@0:x", label, klass, family, f"c{number}", host, ({},))


ROWS = [
    row(0, label=True, host=True, family="escape"),
    row(1, label=False, host=True, klass="benign-infra"),
    row(2, label=True, family="mining"),
    row(3, label=True, host=True, family="escape"),
    row(4, label=False, klass="benign-infra"),
    row(5, label=False),
    row(6, label=False),
    row(7, label=False, host=True),
]


def test_slices() -> None:
    found = {each.name: (each.dangerous, each.benign, round(each.auc.value, 4)) for each in slices(ROWS, SCORES)}
    assert found == {
        "all": (3, 5, 0.8),
        "uses the host": (2, 2, 0.75),
        "uses nothing of the host": (1, 3, 1.0),
        "among infrastructure": (3, 2, 0.5833),
        "among applications": (3, 3, 0.9444),
        "escape": (2, 5, 0.8),
        "mining": (1, 5, 0.8),
    }


def test_a_slice_in_which_nothing_can_be_told_apart_is_left_out() -> None:
    assert [each.name for each in slices(ROWS[:3], SCORES[:3])] == [
        "all",
        "uses the host",
        "among infrastructure",
        "escape",
        "mining",
    ]
    assert list(slices(ROWS[4:], SCORES[4:])) == []


def test_an_interval_holds_the_figure_and_comes_of_whole_repositories() -> None:
    repositories = np.array([str(number) for number in range(8)])
    found = measure("all", LABELS, SCORES, repositories)
    assert (found.name, found.dangerous, found.benign) == ("all", 3, 5)
    assert found.auc.low < found.auc.value < found.auc.high <= 1.0
    assert [figure.value for figure in found.recall] == [pytest.approx(1 / 3)] * 3
    assert measure("all", LABELS, SCORES, repositories) == found

    # Of two repositories that hold the same, whichever is drawn says the same.
    twice = measure("all", np.tile(LABELS, 2), np.tile(SCORES, 2), np.repeat(["a", "b"], 8))
    assert twice.auc.low == twice.auc.value == twice.auc.high == pytest.approx(0.8)


def test_a_single_repository_leaves_no_doubt_to_draw() -> None:
    found = measure("all", np.array([True, False]), np.array([1.0, 0.0]), np.array(["a", "a"]))
    assert (found.auc.low, found.auc.value, found.auc.high) == (1.0, 1.0, 1.0)


def test_where_no_draw_holds_both_kinds_nothing_is_sure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("policies.risk.training.measure._SAMPLES", 0)
    found = measure("all", LABELS, SCORES, LABELS.astype(str))
    assert (found.auc.low, found.auc.high) == (0.0, 1.0)


# Probabilities.


def test_reliability_is_what_was_said_and_what_was_so() -> None:
    chances, labels = np.array([0.0, 0.0625, 0.25, 0.25, 1.0]), np.array([False, True, False, False, True])
    assert reliability(chances, labels) == [Bin(0.03125, 0.5, 2), Bin(0.25, 0.0, 2), Bin(1.0, 1.0, 1)]
    assert reliability(chances, labels, bins=1) == [Bin(0.3125, 0.4, 5)]


def test_brier_is_the_mean_squared_error() -> None:
    assert brier(np.array([0.0, 0.5, 1.0]), np.array([False, True, False])) == pytest.approx((0 + 0.25 + 1) / 3)
