"""For people at a terminal, and for logs: what is wrong, where, and what to write instead."""

from collections.abc import Iterator
from itertools import groupby

from policies.decision import Decision, Verdict
from policies.profile import Action
from policies.risk.assess import Band, Risk
from policies.risk.features import BY_NAME
from webhook.report import Located, Report, ReportError, Result, Source, counted, printable

_RED, _YELLOW, _GREEN, _BOLD, _DIM = "31", "33", "32", "1", "2"
_ACTIONS = {Action.DENY: _RED, Action.WARN: _YELLOW}
_VERDICTS = {Verdict.DENY: ("denied", _RED), Verdict.WARN: ("warned", _YELLOW), Verdict.ALLOW: ("allowed", _GREEN)}
_WORDS = {"denied": _RED, "warned": _YELLOW, "allowed": _GREEN, "not judged": _RED}
_MOST_FILES = 10
_MOST_CHARACTERS = 1_000


def render(report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:
    """Objects with findings, file by file in the order of the input, and a line that sums up."""
    paint = _Paint(colour)
    shown = [result for result in report.results if verbose or result.findings or _denied(result)]
    for result in shown:
        yield from _result(result, paint, verbose=verbose)
    if report.ignored:
        yield paint(_ignored(report.ignored), _DIM) + "\n"
    yield _summary(report, paint) + "\n"


def complain(report: Report, *, colour: bool) -> Iterator[str]:
    """What could not be judged, a line each."""
    paint = _Paint(colour)
    for error in report.errors:
        yield f"{paint('error:', _RED)} {_where(error)}: {_clean(error.message)}\n"


class _Paint:
    """Wraps text in the escape sequences of a colour, or leaves it alone."""

    def __init__(self, on: bool) -> None:
        self._on = on

    def __call__(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._on else text


def _denied(result: Result) -> bool:
    return result.decision.verdict is not Verdict.ALLOW


def _result(result: Result, paint: _Paint, *, verbose: bool) -> Iterator[str]:
    word, code = _VERDICTS[result.decision.verdict]
    source = result.source
    name = paint(_clean(str(result.object)), _BOLD)
    yield f"{name} in {_clean(source.file)}:{source.line} {paint(word, code)}\n"
    if result.decision.risk is not None and (result.decision.risk_action > Action.AUDIT or verbose):
        yield from _risk(result.decision, result.decision.risk, paint)
    for rule, findings in groupby(result.findings, key=lambda found: found.reason.finding.rule):
        for found in findings:
            yield from _finding(found, source, paint)
        yield f"    fix: {rule.remediation}\n"
    if result.findings or result.decision.risk_action > Action.AUDIT:
        yield "\n"


_BANDS = {Band.HIGH: _RED, Band.ELEVATED: _YELLOW, Band.LOW: _GREEN}
#: With the longest meaning beside it, a line has 80 columns.
_WIDTH = 13
_MOST_SHARES = 5


def _risk(decision: Decision, risk: Risk, paint: _Paint) -> Iterator[str]:
    """The risk and what it is made of, as bars: the longest is the largest share."""
    action = paint(f"{decision.risk_action!s:5}", _ACTIONS.get(decision.risk_action, _DIM))
    shares = [share for share in risk.shares if share.log_odds > 0][:_MOST_SHARES]
    yield f"  {action}  risk {risk.probability:.2f} {paint(risk.band, _BANDS[risk.band])}\n"
    for share in shares:
        bar = "\u2588" * max(1, round(_WIDTH * share.log_odds / shares[0].log_odds))
        meaning = " and ".join(BY_NAME[name].meaning for name in share.features)
        yield f"    {share.log_odds:+6.2f} {bar:{_WIDTH}} {meaning}\n"
    if remedy := decision.remedy_text:
        yield f"    {remedy}\n"
    if (override := decision.risk_override) is not None:
        yield f"    overridden until {override.expires:%Y-%m-%d}: {_clean(override.reason)}\n"


def _finding(found: Located, source: Source, paint: _Paint) -> Iterator[str]:
    reason, rule = found.reason, found.reason.finding.rule
    action = paint(f"{reason.action!s:5}", _ACTIONS.get(reason.action, _DIM))
    severity = f"{rule.severity!s:8}"
    yield f"  {action}  {severity}  {paint(rule.id, _BOLD)}  {_clean(source.file)}:{found.line}\n"
    yield f"    {_clean(found.message)}.\n"
    if reason.override is not None:
        yield f"    overridden until {reason.override.expires:%Y-%m-%d}: {_clean(reason.override.reason)}\n"


def _ignored(sources: tuple[Source, ...]) -> str:
    files = [_clean(file) for file, _ in groupby(source.file for source in sources)]
    more = f", and {len(files) - _MOST_FILES} more" if len(files) > _MOST_FILES else ""
    are = counted(len(sources), "document that is no Kubernetes object", "documents that are not Kubernetes objects")
    return f"ignored {are}: {', '.join(files[:_MOST_FILES])}{more}"


def _summary(report: Report, paint: _Paint) -> str:
    summary = report.summary
    told = [paint(f"{count:,} {word}", _WORDS[word]) for word, count in summary.verdicts.items()]
    text = f"{counted(summary.objects, 'object', 'objects')} checked against {_clean(report.policy.name)}"
    text += f": {', '.join(told)}" if told else ""
    worst = [f"{count:,} {severity}" for severity, count in summary.findings.items() if count]
    text += f"; {counted(sum(summary.findings.values()), 'finding', 'findings')} ({', '.join(worst)})" if worst else ""
    return text + (f"; {summary.hidden:,} not shown" if summary.hidden else "")


def _where(error: ReportError) -> str:
    return _clean(error.file) + (f":{error.line}" if error.line is not None else "")


def _clean(text: str) -> str:
    return printable(text, _MOST_CHARACTERS)
