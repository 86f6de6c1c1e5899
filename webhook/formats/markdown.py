"""For the summary of a CI job: what a person reads first, as Markdown with tables."""

import posixpath
import re
from collections.abc import Iterable, Iterator

from policies.rule import Rule
from webhook.report import Located, Report, ReportError, Result, counted, printable

#: Of each list. GitHub refuses a summary of more than 1 MiB as a whole.
_MOST_BYTES = 400_000
_MOST_ROWS = 1_000
_MOST_ERRORS = 100
_MOST_CHARACTERS = 300


def render(report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:  # noqa: ARG001
    """Heading and counts, what could not be judged, the findings worst first, and what to do about each rule."""
    verdicts = ", ".join(f"{count:,} {word}" for word, count in report.summary.verdicts.items())
    yield f"## Podgate: {verdicts or 'nothing to check'}\n\n{_counts(report)}\n"
    if report.errors:
        yield "\n### Could not be judged\n\n"
        yield from _bounded(map(_error, report.errors), len(report.errors), _MOST_ERRORS)
    found = report.worst_first()
    if found:
        yield "\n### Findings\n\n"
        yield "| action | severity | rule | where | object | what |\n|---|---|---|---|---|---|\n"
        yield from _bounded((_row(result, located) for result, located in found), len(found), _MOST_ROWS)
        yield "\n### What to do\n\n"
        yield from _remedies(located.reason.finding.rule for _, located in found)


def _counts(report: Report) -> str:
    summary = report.summary
    text = f"{counted(summary.objects, 'object', 'objects')} checked against {_code(report.policy.name)}"
    worst = [f"{count:,} {severity}" for severity, count in summary.findings.items() if count]
    text += f"; {counted(sum(summary.findings.values()), 'finding', 'findings')} ({', '.join(worst)})" if worst else ""
    text += f"; {summary.hidden:,} not shown" if summary.hidden else ""
    are = counted(summary.ignored, "document that is no Kubernetes object", "documents that are not Kubernetes objects")
    return text + (f"; ignored {are}." if summary.ignored else ".")


def _error(error: ReportError) -> str:
    where = error.file if error.line is None else f"{error.file}:{error.line}"
    return f"- {_code(where)}: {_code(error.message)}\n"


def _row(result: Result, found: Located) -> str:
    rule = found.reason.finding.rule
    where = f"{posixpath.normpath(result.source.file)}:{found.line}"
    cells = [str(found.reason.action), str(rule.severity)]
    cells += map(_cell, (rule.id, where, str(result.object), found.message))
    return f"| {' | '.join(cells)} |\n"


def _remedies(rules: Iterable[Rule]) -> Iterator[str]:
    for rule in dict.fromkeys(rules):
        yield f"- **{rule.id}**: {_plain(rule.remediation)}\n"


def _bounded(lines: Iterable[str], count: int, most: int) -> Iterator[str]:
    """Lines while there is room, and a line that says how many there was no room for."""
    room = _MOST_BYTES
    for shown, line in enumerate(lines):
        room -= len(line.encode("utf-8", "replace"))
        if shown == most or room < 0:
            yield f"\n... and {count - shown:,} more.\n"
            return
        yield line


def _cell(text: str) -> str:
    """A code span in a table: a pipe needs a backslash there, and one that follows a backslash would end the cell."""
    return _code(text.replace("\\|", "\\ |")).replace("|", "\\|")


def _code(text: str) -> str:
    """Any text as a code span: nothing in it is Markdown, HTML, a link or a mention."""
    text = printable(text, _MOST_CHARACTERS).strip() or " "
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{space}{text}{space}{fence}"


def _plain(text: str) -> str:
    return re.sub(r"([\\`*_\[\]<>#|~&])", r"\\\1", text)
