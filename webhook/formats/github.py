"""For GitHub Actions: workflow commands that become annotations of the lines in question."""

import posixpath
from collections import Counter
from collections.abc import Iterator

from policies.profile import Action
from webhook.report import Located, Report, ReportError, Result, counted, printable

_COMMANDS = {Action.DENY: "error", Action.WARN: "warning"}
#: So many annotations of a kind GitHub shows for a step; the others are in the log only.
_SHOWN = 10
_MOST_CHARACTERS = 1_000


def render(report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:  # noqa: ARG001
    """A command a finding, worst first, after those for what could not be judged; and a line that sums up."""
    counts: Counter[str] = Counter()
    for error in report.errors:
        counts["error"] += 1
        yield _error(error)
    for result, found in report.worst_first():
        kind = _COMMANDS.get(found.reason.action, "notice")
        counts[kind] += 1
        yield _finding(kind, result, found)
    yield _summary(report, max(counts.values(), default=0) > _SHOWN)


def _error(error: ReportError) -> str:
    return _command("error", error.message, file=_file(error.file), line=error.line, title="not judged")


def _finding(kind: str, result: Result, found: Located) -> str:
    rule = found.reason.finding.rule
    message = f"{printable(str(result.object), _MOST_CHARACTERS)}: {printable(found.message, _MOST_CHARACTERS)}."
    return _command(
        kind,
        f"{message} {rule.remediation}",
        file=_file(result.source.file),
        line=found.line,
        col=found.column,
        title=f"{rule.id} ({rule.severity})",
    )


def _summary(report: Report, more: bool) -> str:
    text = f"{counted(report.summary.objects, 'object', 'objects')} checked against {printable(report.policy.name)}"
    told = ", ".join(f"{count:,} {word}" for word, count in report.summary.verdicts.items())
    text += f": {told}" if told else ""
    text += f"; GitHub shows {_SHOWN} annotations of a kind, this log has all" if more else ""
    # The runner obeys commands of this older form wherever in a line they stand.
    return text.replace("##[", "## [") + "\n"


def _file(name: str) -> str:
    """The file as GitHub knows it: without a dot at the beginning."""
    return posixpath.normpath(name)


def _command(kind: str, message: str, **properties: str | int | None) -> str:
    told = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value is not None)
    return f"::{kind} {told}::{_data(message)}\n"


def _data(text: str) -> str:
    return printable(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
