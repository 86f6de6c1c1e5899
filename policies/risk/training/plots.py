"""The pictures of a report: how rows are told apart, how far probabilities are true, what the model is made of."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np

from policies.risk.classifier import Classifier, Model
from policies.risk.features import BY_NAME, REMEDIES
from policies.risk.training import svg
from policies.risk.training.dataset import Row
from policies.risk.training.figures import Scored, belief, has_both
from policies.risk.training.measure import counts
from policies.risk.training.svg import Axis, Frame, Point

_SHARES = [(value / 5, f"{value * 20} %") for value in range(6)]
_LOG = [(0.001, "0.1 %"), (0.01, "1 %"), (0.05, "5 %"), (0.2, "20 %"), (1.0, "100 %")]
_WIDTH, _HEIGHT = 670, 440


class Plot(NamedTuple):
    """A picture, the file that it goes to, and what it shows."""

    file: str
    title: str
    svg: str


def draw(scored: Scored, model: Model) -> list[Plot]:
    """Every picture of a report. There must be dangerous and benign rows."""
    return [roc(scored), precision_recall(scored), calibration(scored), effects(model), families(scored.rows, model)]


def _parts(scored: Scored) -> list[tuple[str, Scored]]:
    away = scored.where(np.array([not row.host for row in scored.rows]))
    named = [("all", scored), ("uses the host", scored.on_the_host), ("uses nothing of the host", away)]
    return [(name, part) for name, part in named if has_both(part)]


def _curves(frame: Frame, title: str, curves: Sequence[tuple[str, Sequence[Point]]], corner: Point) -> str:
    lines = [svg.line(frame, points, number) for number, (_, points) in enumerate(curves)]
    marks = chain(svg.axes(frame), lines, svg.key(*corner, [name for name, _ in curves]))
    return svg.paper(_WIDTH, _HEIGHT, title, marks)


def roc(scored: Scored) -> Plot:
    """What is found at which share of false alarms; few of them are what matters, so that axis is logarithmic."""
    title = "What is found at which share of false alarms"
    x = Axis("false alarms: benign rows at or over the threshold", 0.0005, 1.0, _LOG, logarithmic=True)
    frame = Frame(62, 70, 550, 310, x, Axis("found: dangerous rows at or over the threshold", 0.0, 1.0, _SHARES))
    return Plot("roc.svg", title, _curves(frame, title, [_roc(*part) for part in _parts(scored)], (400, 300)))


def _roc(name: str, part: Scored) -> tuple[str, list[Point]]:
    found, alarms = counts(part.chances, part.labels)
    points = zip([0.0, *alarms / alarms[-1]], [0.0, *found / found[-1]], strict=True)
    return name, [(float(x), float(y)) for x, y in points]


def precision_recall(scored: Scored) -> Plot:
    """What share of the alarms is right, at which share found."""
    title = "What share of alarms is right"
    frame = Frame(
        62, 70, 550, 310,
        Axis("found: dangerous rows at or over the threshold", 0.0, 1.0, _SHARES),
        Axis("right: dangerous among all at or over the threshold", 0.0, 1.0, _SHARES),
    )  # fmt: skip
    curves = [_precision(*part) for part in _parts(scored)]
    return Plot("precision-recall.svg", title, _curves(frame, title, curves, (90, 310)))


def _precision(name: str, part: Scored) -> tuple[str, list[Point]]:
    found, alarms = counts(part.chances, part.labels)
    return name, [(float(x), float(y)) for x, y in zip(found / found[-1], found / (found + alarms), strict=True)]


def calibration(scored: Scored) -> Plot:
    """Where the line is on the diagonal, probabilities are what they say."""
    title = "What was said, and what was so"
    frame = Frame(
        62, 70, 550, 310,
        Axis("mean probability that was said, in ten bins", 0.0, 1.0, _SHARES),
        Axis("share that was dangerous (numbers: rows in the bin)", 0.0, 1.0, _SHARES),
    )  # fmt: skip
    bins = belief(scored).bins
    points = [(each.said, each.was) for each in bins]
    marks = [svg.line(frame, points, 0)]
    for each, point in zip(bins, points, strict=True):
        x, y = frame.at(point)
        marks += [svg.dot(frame, point, 0), svg.text((x + 8, y + (16 if point[1] > 0.9 else -6)), f"{each.count:,}")]
    diagonal = svg.line(frame, [(0.0, 0.0), (1.0, 1.0)], 2)
    return Plot("calibration.svg", title, svg.paper(_WIDTH, _HEIGHT, title, [*svg.axes(frame), diagonal, *marks]))


_COLUMNS, _CELL_WIDTH, _CELL_HEIGHT = 4, 225, 128


def effects(model: Model) -> Plot:
    """The tables of the model, largest first: what each value of a feature adds to the log-odds."""
    title = "What each value of a feature adds to the log-odds"
    used = sorted((name for name, table in model.tables.items() if max(table) > 0), key=lambda n: -max(model.tables[n]))
    most = max([1.0, *(max(model.tables[name]) for name in used)])
    marks = chain.from_iterable(_effect(n, name, model.tables[name], most) for n, name in enumerate(used))
    height = 60 + _CELL_HEIGHT * -(-len(used) // _COLUMNS)
    return Plot("effects.svg", title, svg.paper(20 + _COLUMNS * _CELL_WIDTH, height, title, marks))


def _effect(number: int, name: str, table: Sequence[float], most: float) -> Iterator[str]:
    row, column = divmod(number, _COLUMNS)
    values = [(float(value), str(value)) for value in range(len(table))]
    top = -(-int(most) // 2) * 2 + 2
    y = Axis(name, 0.0, float(top), [(0.0, "0"), (top / 2, str(top // 2)), (float(top), str(top))])
    place = 40 + column * _CELL_WIDTH, 72 + row * _CELL_HEIGHT
    frame = Frame(*place, 165, 70, Axis("", -0.5, len(table) - 0.5, values), y)
    yield from svg.axes(frame)
    steps = [(value + side, height) for value, height in enumerate(table) for side in (-0.5, 0.5)]
    yield svg.line(frame, steps, 0)


def families(rows: Sequence[Row], model: Model) -> Plot:
    """What the risk of each family of attacks is made of, on average, next to benign rows."""
    title = "What the risk is made of, by family: mean share in the log-odds"
    parts = list(_families(rows))
    found = [_made_of(members, model) for _, members in parts]
    top = max([1.0, *(sum(shares) for shares in found)])
    ticks = [(float(value), str(value)) for value in range(0, int(top) + 1, 2)]
    frame = Frame(205, 88, 530, 22 * len(parts), Axis("log-odds", 0.0, top, ticks), Axis("", 0.0, 1.0, []))
    marks = [*svg.axes(frame), *_legend(130, 55)]
    for number, ((name, members), shares) in enumerate(zip(parts, found, strict=True)):
        down = frame.top + 22 * number
        marks.append(svg.text((frame.left - 8, down + 15), f"{name} ({len(members):,})", anchor="end"))
        marks += _bars(frame, down + 4, shares)
    return Plot("families.svg", title, svg.paper(760, int(frame.top + frame.height) + 50, title, marks))


def _families(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    for family in sorted({row.family for row in rows if row.label}):
        yield family, [row for row in rows if row.label and row.family == family]
    yield "benign, on the host", [row for row in rows if not row.label and row.host]
    yield "benign, not on it", [row for row in rows if not row.label and not row.host]


def _made_of(rows: Sequence[Row], model: Model) -> list[float]:
    """The mean shares of the groups of features, in the order of REMEDIES."""
    classifier = Classifier(model)
    sums = dict.fromkeys(REMEDIES, 0.0)
    for row in rows:
        for share in classifier.score(classifier.riskiest(row.containers)[1]).shares:
            sums[BY_NAME[share.features[0]].remedy] += share.log_odds
    return [sums[remedy] / max(1, len(rows)) for remedy in REMEDIES]


def _legend(left: float, top: float) -> Iterator[str]:
    for number, remedy in enumerate(REMEDIES):
        yield svg.bar(left, top, 10, 10, number)
        yield svg.text((left + 15, top + 10), remedy)
        left += 32 + 6.6 * len(remedy)


def _bars(frame: Frame, top: float, shares: Sequence[float]) -> Iterator[str]:
    begun = 0.0
    for number, share in enumerate(shares):
        start, end = (frame.at((value, 0.0))[0] for value in (begun, begun + share))
        if end > start:
            yield svg.bar(start, top, end - start, 14, number)
        begun += share
