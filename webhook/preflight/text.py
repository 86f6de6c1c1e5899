"""A look at a cluster as text, for people."""

from collections.abc import Iterable, Iterator, Sequence

from policies.config import Mode
from webhook.preflight.report import Check, Held, Judged, Report, Result
from webhook.report import counted, printable

_RED, _YELLOW, _GREEN, _BOLD = "31", "33", "32", "1"
_COLOURS = {Result.OK: _GREEN, Result.NOTE: _YELLOW, Result.WRONG: _RED, Result.UNSEEN: _RED}
_ORDER = (Result.WRONG, Result.UNSEEN, Result.NOTE, Result.OK)
_WIDEST = 100
_NAMES = 20
_Row = tuple[str, ...]


def render(report: Report, top: int, *, colour: bool) -> Iterator[str]:
    """Everything, the most important of each part first."""
    yield f"cluster {printable(report.cluster)}, webhook configuration {printable(report.configuration)}\n"
    yield _title("If every replica were down", colour)
    yield from _held(report.held, colour)
    yield from _checks(report.checks, colour)
    yield _title("What would be denied if it came anew", colour)
    if report.judged is None:
        yield "not looked at: there is no policy to judge by\n"
    else:
        yield from _judged(report.judged, top, colour)
    yield "\n" + _paint(_summary(report), _BOLD, colour) + "\n"


def _held(held: Sequence[Held], colour: bool) -> Iterator[str]:
    rows = []
    yield "" if held else "nothing is asked about, as far as was seen\n"
    for each in held:
        every = len(each.namespaces) + len(each.left_out)
        what = "is refused" if each.failure_policy != "Ignore" else f"passes, {each.timeout_seconds} s later"
        where = f"{len(each.namespaces):,} of {every:,}"
        rows.append((each.name, each.failure_policy, f"{each.timeout_seconds}s", what, where))
    yield from _table(("WEBHOOK", "FAILURE POLICY", "TIMEOUT", "WHAT IT ASKS ABOUT", "NAMESPACES"), rows, colour)
    for each in held:
        yield f"\n{each.name}\n"
        yield from _wrapped("asks about", _about(each))
        yield from _wrapped("in", _first(each.namespaces))
        yield from _wrapped("not in", _first(each.left_out))
        yield from _wrapped("unless", each.conditions)


def _about(each: Held) -> tuple[str, ...]:
    """What is asked about; the operations once, where they are the same for all."""
    operations = {name.rpartition(" ")[0] for name in each.asks_about}
    if len(operations) != 1:
        return each.asks_about
    first, *rest = each.asks_about
    return (first, *(name.rpartition(" ")[2] for name in rest))


def _first(names: tuple[str, ...]) -> tuple[str, ...]:
    return names if len(names) <= _NAMES else (*names[:_NAMES], f"and {len(names) - _NAMES:,} more")


def _wrapped(name: str, words: Iterable[str]) -> Iterator[str]:
    line = f"  {name}: "
    for index, word in enumerate(words):
        part = (", " if index else "") + printable(word)
        if len(line) + len(part) > _WIDEST:
            yield line + ",\n"
            line, part = "    ", printable(word)
        line += part
    if not line.endswith(": "):
        yield line + "\n"


def _checks(checks: Iterable[Check], colour: bool) -> Iterator[str]:
    rows = sorted(checks, key=lambda check: _ORDER.index(check.result))
    width = max((len(check.name) for check in rows), default=0)
    yield "\n" if rows else ""
    for check in rows:
        result = _paint(check.result.upper().ljust(len(Result.UNSEEN)), _COLOURS[check.result], colour)
        yield f"{result}   {printable(check.name).ljust(width)}   {printable(check.text)}\n"


def _judged(judged: Judged, top: int, colour: bool) -> Iterator[str]:
    yield f"policy {printable(judged.policy.name)} ({judged.policy.hash}) of {printable(judged.source)}, "
    yield f"mode {judged.mode}; overrides are taken to be granted\n"
    rows = [
        (
            each.namespace,
            each.mode,
            f"{each.workloads_denied:,} of {each.workloads:,}",
            f"{each.pods_denied:,} of {each.pods:,}",
            f"{each.worst.kind.lower()}/{each.worst.name}: {each.worst.message}",
        )
        for each in judged.spaces
        if each.worst is not None
    ]
    yield from _table(("NAMESPACE", "MODE", "WORKLOADS", "PODS", "WORST"), rows[:top], colour)
    yield _more(len(rows) - top, "namespace", "namespaces")
    found = [
        (each.namespace, f"{each.kind.lower()}/{each.name}", f"{each.count:,}", str(each.severity), each.message)
        for each in judged.denials
    ]
    yield from _table(("NAMESPACE", "OBJECT", "COUNT", "SEVERITY", "WHY"), found[:top], colour)
    yield _more(len(found) + judged.omitted - top, "object", "objects")


def _more(count: int, one: str, many: str) -> str:
    return f"and {counted(count, one, many)} more: --top shows them, -o json all that are listed\n" if count > 0 else ""


def _summary(report: Report) -> str:
    wrong = sum(check.result is Result.WRONG for check in report.checks)
    unseen = sum(check.result is Result.UNSEEN for check in report.checks)
    parts = [
        f"{counted(wrong, 'thing is', 'things are')} wrong" if wrong else "",
        f"{counted(unseen, 'thing was', 'things were')} not looked at" if unseen else "",
        *(_denied(mode, *counts) for mode, counts in report.denied_by_mode.items()),
    ]
    said = "; ".join(part for part in parts if part)
    return f"{said}." if said else "Nothing would break, and nothing would be denied."


def _denied(mode: str, workloads: int, pods: int) -> str:
    when = "" if mode == Mode.ENFORCE else f" if mode {mode} became enforce"
    return f"{counted(workloads, 'workload', 'workloads')} and {counted(pods, 'pod', 'pods')} would be denied{when}"


def _table(head: _Row, rows: Sequence[_Row], colour: bool) -> Iterator[str]:
    """Columns as kubectl writes them. Nothing at all where there are no rows."""
    if not rows:
        return
    table = [head, *(tuple(printable(cell, _WIDEST) for cell in row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    yield "\n"
    for row in table:
        line = "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        yield (_paint(line, _BOLD, colour) if row is head else line) + "\n"


def _title(text: str, colour: bool) -> str:
    return "\n" + _paint(text.upper(), _BOLD, colour) + "\n"


def _paint(text: str, code: str, on: bool) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if on else text
