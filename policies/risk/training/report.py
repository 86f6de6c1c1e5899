"""Figures for people: as a table of 80 columns for a terminal, and as a page."""

from collections.abc import Iterable, Iterator, Sequence

from policies.risk.training.figures import Belief, Border, Figures, Reached
from policies.risk.training.measure import ALARMS, Figure, Slice

_ALARMS = [f"{share * 100:g} %" for share in ALARMS]
_NAME, _CELL = 25, 11


def heading() -> str:
    """The first lines of a table."""
    over = "".join(f"{name:{_CELL}}" for name in ("AUC", "AP", "recall at false alarms of"))
    under = f"{'  dangerous and benign':{_NAME + 2 * _CELL}}" + "".join(f"{alarm:{_CELL}}" for alarm in _ALARMS)
    return f"{'':{_NAME}}{over.rstrip()}\n{under.rstrip()}\n"


def line(found: Slice) -> str:
    """A slice: its figures, and under each the interval that holds it in 95 of 100 samples of repositories."""
    figures = found.auc, found.average_precision, *found.recall
    values = "".join(f"{figure.value:<{_CELL}.3f}" for figure in figures)
    spans = "".join(f"{span(figure):<{_CELL}}" for figure in figures)
    counts = f"  {found.dangerous:,} and {found.benign:,}"
    return f"{found.name:<{_NAME}}{values.rstrip()}\n{counts:<{_NAME}}{spans.rstrip()}\n"


def span(figure: Figure) -> str:
    """The interval of a figure."""
    return f"{figure.low:.2f}-{figure.high:.2f}"


def border_lines(found: Figures) -> Iterator[str]:
    """What the thresholds do, a line each."""
    for border in found.borders:
        yield f"{border.name} at {border.probability:.4f} and over: {_reached(border.all)}\n"
        if border.uses_the_host.dangerous is not None or border.uses_the_host.benign is not None:
            yield f"  of those that use something of the host: {_reached(border.uses_the_host)}\n"


def belief_line(belief: Belief) -> str:
    """Calibration, in a line."""
    return f"Brier score {belief.brier:.4f}, expected calibration error {belief.expected_error:.4f}\n"


def _reached(found: Reached) -> str:
    shares = (("of the dangerous", found.dangerous), ("of the benign", found.benign))
    return ", ".join(f"{share * 100:.1f} % {name}" for name, share in shares if share is not None)


def markdown(slices: Sequence[Slice]) -> str:
    """The slices as a table of a page."""
    head = "slice", "dangerous", "benign", "AUC", "average precision", *(f"recall at {alarm}" for alarm in _ALARMS)
    return grid(head, ([found.name, f"{found.dangerous:,}", f"{found.benign:,}", *_cells(found)] for found in slices))


def _cells(found: Slice) -> Iterator[str]:
    for figure in (found.auc, found.average_precision, *found.recall):
        yield f"{figure.value:.3f} ({span(figure)})"


def grid(head: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of a page."""
    names = list(head)
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"


def borders(found: Sequence[Border]) -> str:
    """What the thresholds do, as a table of a page."""
    head = "threshold", "probability", "of dangerous", "of benign", "of dangerous on the host", "of benign on the host"
    return grid(
        head,
        ([border.name, f"{border.probability:.4f}", *map(_percent, _shares(border))] for border in found),
    )


def _shares(border: Border) -> Iterator[float | None]:
    for reached in (border.all, border.uses_the_host):
        yield from (reached.dangerous, reached.benign)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.2f} %"


def page(title: str, told: str, found: Figures, pictures: Sequence[tuple[str, str]]) -> str:
    """The report: `told` says what was measured, and how; `pictures` are files with what they show."""
    return "\n".join(_page(title, told, found, pictures))


def _page(title: str, told: str, found: Figures, pictures: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"# {title}\n\n{told}\n"
    yield "AUC is the share of pairs, one dangerous and one benign, that are ranked right. Recall is the share of"
    yield "dangerous rows that are found when the threshold is put where the given share of the slice's benign rows"
    yield "is above it. In brackets: what 95 of 100 samples of repositories lie in.\n"
    yield markdown(found.slices)
    yield f"## Thresholds\n\n{borders(found.borders)}"
    if found.belief is not None:
        yield f"## Calibration\n\n{belief_line(found.belief)}"
        bins = ([f"{each.said:.3f}", f"{each.was:.3f}", f"{each.count:,}"] for each in found.belief.bins)
        yield grid(("said", "was", "rows"), bins)
    yield "## Pictures\n"
    yield from (f"![{shows}]({file})\n" for file, shows in pictures)
