"""Pictures: sound, complete, and the same for the same figures."""

from xml.etree import ElementTree

import pytest

from policies.risk import classifier
from policies.risk.training import plots, svg
from policies.risk.training.plots import Plot
from policies.risk.training.svg import Axis, Frame
from tests.policies.risk.training.rows import scored

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def drawn() -> list[Plot]:
    return plots.draw(scored(), classifier.shipped().model)


def _texts(plot: Plot) -> list[str]:
    return [each.text or "" for each in ElementTree.fromstring(plot.svg).iter(f"{NAMESPACE}text")]  # noqa: S314 - ours


def test_each_is_a_picture_with_a_title_and_two_themes(drawn: list[Plot]) -> None:
    assert [plot.file for plot in drawn] == [
        "roc.svg", "precision-recall.svg", "calibration.svg", "effects.svg", "families.svg",
    ]  # fmt: skip
    for plot in drawn:
        assert _texts(plot)[0] == plot.title
        assert plot.svg.count("prefers-color-scheme:dark") == 1


def test_they_are_the_same_each_time(drawn: list[Plot]) -> None:
    assert plots.draw(scored(), classifier.shipped().model) == drawn


def test_curves_are_named(drawn: list[Plot]) -> None:
    for plot in drawn[:2]:
        assert {"all", "uses the host", "uses nothing of the host"} <= set(_texts(plot))
        assert plot.svg.count("<polyline") == 3


def test_every_feature_that_counts_is_drawn(drawn: list[Plot]) -> None:
    tables = classifier.shipped().model.tables
    counting = {name for name, table in tables.items() if max(table) > 0}

    assert counting <= set(_texts(drawn[3]))
    assert not (tables.keys() - counting) & set(_texts(drawn[3]))


def test_families_stand_next_to_benign_rows(drawn: list[Plot]) -> None:
    assert {"cryptomining (4)", "benign, on the host (8)", "benign, not on it (8)"} <= set(_texts(drawn[4]))


def test_nothing_lies_outside_the_paper(drawn: list[Plot]) -> None:
    for plot in drawn:
        root = ElementTree.fromstring(plot.svg)  # noqa: S314 - ours
        width, height = float(root.get("width", "")), float(root.get("height", ""))
        for each in root.iter(f"{NAMESPACE}polyline"):
            points = [point.split(",") for point in each.get("points", "").split()]
            assert all(0 <= float(x) <= width and 0 <= float(y) <= height for x, y in points)


def test_a_logarithmic_axis() -> None:
    axis = Axis("", 0.001, 1.0, [], logarithmic=True)

    assert [axis.part(value) for value in (0.0, 0.001, 1.0, 2.0)] == [0.0, 0.0, 1.0, 1.0]
    assert axis.part(0.1) == pytest.approx(2 / 3)


def test_up_is_more() -> None:
    axis = Axis("", 0.0, 2.0, [])
    assert Frame(10, 10, 100, 50, axis, axis).at((0.5, 2.0)) == (35.0, 10.0)


def test_names_are_escaped() -> None:
    assert svg.text((0, 0), "a < b & c") == '<text x="0.0" y="0.0" text-anchor="start">a &lt; b &amp; c</text>'
