"""Pictures as text: charts with axes, in colours that are told apart in light and dark."""

from collections.abc import Iterable, Iterator, Sequence
from html import escape
from math import log10
from typing import NamedTuple

Point = tuple[float, float]
COLOURS = 6
_LIGHT = ("#0550ae", "#bc4c00", "#1a7f37", "#8250df", "#9a6700", "#bf3989")
_DARK = ("#79c0ff", "#ffa657", "#7ee787", "#d2a8ff", "#f2cc60", "#ff9bce")
_DASHES = ("none", "7 4", "2 3", "none", "none", "none")


def _theme(paper: str, ink: str, faint: str, colours: Sequence[str]) -> str:
    series = "".join(f".l{n}{{stroke:{colour}}}.f{n}{{fill:{colour}}}" for n, colour in enumerate(colours))
    return f".paper{{fill:{paper}}}text{{fill:{ink}}}.axis{{stroke:{ink}}}.grid{{stroke:{faint}}}{series}"


_STYLE = (
    "text{font:12px system-ui,sans-serif}.title{font-size:16px;font-weight:600}.small{font-size:10px}"
    ".line{fill:none;stroke-width:2}"
    + "".join(f".l{number}{{stroke-dasharray:{dash}}}" for number, dash in enumerate(_DASHES))
    + _theme("#ffffff", "#1f2328", "#d1d9e0", _LIGHT)
    + f"@media(prefers-color-scheme:dark){{{_theme('#0d1117', '#e6edf3', '#30363d', _DARK)}}}"
)


class Axis(NamedTuple):
    """A range of values, those that are marked with their labels, and what they are."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]
    logarithmic: bool = False

    def part(self, value: float) -> float:
        """Where on the axis a value lies: 0 at its beginning, 1 at its end."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.logarithmic:
            low, high, value = log10(low), log10(high), log10(value)
        return (value - low) / (high - low)


class Frame(NamedTuple):
    """The place of a chart on the paper, and its axes."""

    left: float
    top: float
    width: float
    height: float
    x: Axis
    y: Axis

    def at(self, point: Point) -> Point:
        """Where on the paper a point lies."""
        return self.left + self.width * self.x.part(point[0]), self.top + self.height * (1 - self.y.part(point[1]))


def paper(width: int, height: int, title: str, marks: Iterable[str]) -> str:
    """The whole picture."""
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}">\n<style>{_STYLE}</style>\n'
        f'<rect class="paper" width="{width}" height="{height}"/>\n'
    )
    return head + "\n".join([text((20, 28), title, kind="title"), *marks]) + "\n</svg>\n"


def axes(frame: Frame) -> Iterator[str]:
    """Both axes with their marks, lines across the chart, and titles."""
    left, bottom = frame.left, frame.top + frame.height
    right = left + frame.width
    for value, label in frame.x.ticks:
        across = frame.at((value, frame.y.low))[0]
        yield rule((across, frame.top), (across, bottom))
        yield text((across, bottom + 16), label, anchor="middle")
    for value, label in frame.y.ticks:
        up = frame.at((frame.x.low, value))[1]
        yield rule((left, up), (right, up))
        yield text((left - 7, up + 4), label, anchor="end")
    yield rule((left, bottom), (right, bottom), "axis")
    yield rule((left, frame.top), (left, bottom), "axis")
    yield text((left + frame.width / 2, bottom + 36), frame.x.title, anchor="middle")
    yield text((left, frame.top - 9), frame.y.title)


def line(frame: Frame, points: Iterable[Point], colour: int) -> str:
    """Points joined by lines."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(frame.at, points))
    return f'<polyline class="line l{colour}" points="{joined}"/>'


def dot(frame: Frame, point: Point, colour: int) -> str:
    x, y = frame.at(point)
    return f'<circle class="f{colour}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'


def bar(left: float, top: float, width: float, height: float, colour: int) -> str:
    return f'<rect class="f{colour}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def rule(start: Point, end: Point, kind: str = "grid") -> str:
    return f'<line class="{kind}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"/>'


def text(at: Point, content: str, anchor: str = "start", kind: str = "") -> str:
    named = f' class="{kind}"' if kind else ""
    return f'<text{named} x="{at[0]:.1f}" y="{at[1]:.1f}" text-anchor="{anchor}">{escape(content)}</text>'


def key(left: float, top: float, names: Iterable[str]) -> Iterator[str]:
    """What the lines stand for, one below the other."""
    for number, name in enumerate(names):
        down = top + 20 * number
        yield f'<path class="line l{number}" d="M{left:.1f} {down:.1f}h28"/>'
        yield text((left + 36, down + 4), name)
