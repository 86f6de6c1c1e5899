"""A summary of decisions as tables, for people."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import UTC, datetime
from typing import TypeVar

from webhook.recorded.summary import Summary
from webhook.recorded.tally import Counts, Tally
from webhook.recorded.workload import Workload
from webhook.report import counted, printable

_RED, _YELLOW, _BOLD, _DIM = "31", "33", "1", "2"
_WIDEST = 80
_COUNTS = ("DENIED", "WOULD BE DENIED", "WARNED", "ALLOWED")
_BY_RULE = ("DENIED", "WOULD BE DENIED", "ONLY FOUND")
_CLUSTER = "(cluster)"
_Key = TypeVar("_Key", bound=Hashable)
_Row = tuple[str, ...]


def render(summary: Summary, top: int, *, colour: bool) -> Iterator[str]:
    """What decisions amount to."""
    yield from _head(summary, colour)
    if not summary.decisions:
        return
    yield from _totals(summary, colour)
    yield from _tally(("RULE",), summary.rules, lambda rule: (rule,), top, colour, _BY_RULE)
    yield from _tally(("NAMESPACE",), summary.namespaces, lambda name: (name or _CLUSTER,), top, colour)
    yield from _tally(("NAMESPACE", "WORKLOAD"), summary.workloads, _place, top, colour)
    yield from _tally(("USER",), summary.users, lambda user: (user or "(not known)",), top, colour)
    yield from _overrides(summary, top, colour)
    rows = [(f"{risk:.4f}", *_place(found)) for found, risk in summary.risks(top)]
    yield from _table(("RISK", "NAMESPACE", "WORKLOAD"), rows, colour)
    yield from _policies(summary, top, colour)
    yield from _notes(summary, colour)


def complain(summary: Summary, *, colour: bool) -> Iterator[str]:
    """What could not be read."""
    error = _paint("error:", _RED, colour)
    lines = 0
    for flaw in summary.flaws:
        yield f"{error} {printable(str(flaw), 500)}\n"
        lines += not flaw.fatal
    if more := summary.unreadable - lines:
        yield f"{error} {counted(more, 'more line', 'more lines')} could not be read\n"


def _head(summary: Summary, colour: bool) -> Iterator[str]:
    said = counted(summary.decisions, "decision", "decisions")
    if summary.span.first is not None and summary.span.last is not None:
        said += f", {_moment(summary.span.first)} to {_moment(summary.span.last)}"
    besides = [
        (summary.dry_runs, "of a dry run", "of dry runs"),
        (summary.passed_over, "passed over, as asked", "passed over, as asked"),
        (summary.undated, "without a time left out", "without a time left out"),
        (summary.foreign, "line of another log", "lines of other logs"),
        (summary.unreadable, "line not readable", "lines not readable"),
    ]
    yield "; ".join([said, *(counted(*each) for each in besides if each[0])]) + "\n"
    if summary.decisions:
        yield _paint(_verdict(summary), _BOLD, colour) + "\n"


def _verdict(summary: Summary) -> str:
    denied, more = summary.denials
    if not more:
        return f"{denied:,} denied; enforcing would deny no more."
    most = "" if summary.workloads.exact and summary.namespaces.exact else "at least "
    workloads = counted(summary.concerned, "workload", "workloads")
    namespaces = counted(len(summary.namespaces.denied()), "namespace", "namespaces")
    return f"{denied:,} denied; enforcing would deny {more:,} more: {most}{workloads} in {namespaces}."


def _totals(summary: Summary, colour: bool) -> Iterator[str]:
    words = (("deny", "denied"), ("warn", "warned"), ("allow", "allowed"), ("other", "other"))
    rows = [
        (word, f"{summary.answered.get(key, 0):,}", f"{summary.judged.get(key, 0):,}")
        for key, word in words
        if key in summary.answered or key in summary.judged or key != "other"
    ]
    yield from _table(("VERDICT", "ANSWERED", "IF ENFORCED"), rows, colour)


def _tally(
    names: _Row, tally: Tally[_Key], shown: Callable[[_Key], _Row], top: int, colour: bool, columns: _Row = _COUNTS
) -> Iterator[str]:
    worst = tally.worst(top)
    rows = [(*shown(key), *_numbers(counts, columns)) for key, counts in worst]
    keys, rest = tally.rest(len(worst))
    if rest.total:
        count = f"others ({keys:,}{'' if tally.exact else ' or more'})"
        rows.append((count, *[""] * (len(names) - 1), *_numbers(rest, columns)))
    yield from _table((*names, *columns), rows, colour)


def _numbers(counts: Counts, columns: _Row) -> _Row:
    rest = (counts.warned, counts.allowed) if columns is _COUNTS else (counts.warned + counts.allowed,)
    return tuple(f"{count:,}" for count in (counts.denied, counts.would_be_denied, *rest))


def _place(found: Workload) -> _Row:
    return found.namespace or _CLUSTER, str(found)


def _overrides(summary: Summary, top: int, colour: bool) -> Iterator[str]:
    rules = dict.fromkeys(rule for tally in (summary.used, summary.refused) for rule, _ in tally.worst(top))
    rows = [(rule, f"{summary.used.get(rule).total:,}", f"{summary.refused.get(rule).total:,}") for rule in rules]
    yield from _table(("OVERRIDE OF", "USED", "REFUSED"), rows, colour)


def _policies(summary: Summary, top: int, colour: bool) -> Iterator[str]:
    latest = sorted(summary.policies.items(), key=lambda item: str(item[1][1].last), reverse=True)
    rows = [
        (policy or "-", mode or "-", f"{count:,}", _moment(span.first), _moment(span.last))
        for (policy, mode), ((count,), span) in latest[:top]
    ]
    yield from _table(("POLICY", "MODE", "DECISIONS", "FROM", "TO"), rows, colour)


def _notes(summary: Summary, colour: bool) -> Iterator[str]:
    hashes = {policy for policy, _ in summary.policies if policy}
    notes = []
    if summary.cut:
        notes.append(f"{counted(summary.cut, 'line names', 'lines name')} only the first of many rules.")
    if len(hashes) > 1:
        notes.append(f"{len(hashes):,} policies decided this: --since with the time of the last one shows it alone.")
    if not all(found.exact for found in (summary.rules, summary.namespaces, summary.workloads, summary.users)):
        notes.append("There were too many names to count each: figures beside names are lower bounds, sums are exact.")
    if notes:
        yield "\n" + "".join(_paint(note, _DIM, colour) + "\n" for note in notes)


def _table(head: _Row, rows: Iterable[_Row], colour: bool) -> Iterator[str]:
    """Columns as kubectl writes them; numbers to the right. Nothing at all where there are no rows."""
    table = [head, *(tuple(printable(cell, _WIDEST) for cell in row) for row in rows)]
    if len(table) == 1:
        return
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    yield "\n"
    for row in table:
        cells = [_cell(cell, name, width) for cell, name, width in zip(row, head, widths, strict=True)]
        line = "   ".join(cells).rstrip()
        yield (_paint(line, _BOLD, colour) if row is head else _coloured(row, head, cells, colour)) + "\n"


def _cell(cell: str, name: str, width: int) -> str:
    return cell.rjust(width) if name in _NUMBERS else cell.ljust(width)


_NUMBERS = {"RISK", *_COUNTS, *_BY_RULE, "ANSWERED", "IF ENFORCED", "USED", "REFUSED", "DECISIONS"}


def _coloured(row: _Row, head: _Row, cells: list[str], colour: bool) -> str:
    codes = {"DENIED": _RED, "WOULD BE DENIED": _RED, "WARNED": _YELLOW, "REFUSED": _YELLOW}
    painted = [
        _paint(cell, codes[name], colour and text != "0") if name in codes else cell
        for cell, name, text in zip(cells, head, row, strict=True)
    ]
    return "   ".join(painted).rstrip()


def _moment(at: datetime | None) -> str:
    return "-" if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _paint(text: str, code: str, on: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if on else text
