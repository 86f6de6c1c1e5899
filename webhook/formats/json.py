"""For programs: everything that is known, in a shape that is kept."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from policies.path import render as render_path
from webhook.report import Located, Report, Result, version


def render(report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:  # noqa: ARG001
    """The report as one JSON object."""
    content = {
        "version": version(),
        "policy": report.policy,
        "model": None,
        "results": [_result(result) for result in report.results],
        "errors": report.errors,
        "summary": {**msgspec.structs.asdict(report.summary), "ignoredFiles": _ignored(report)},
    }
    text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    yield _INVISIBLE.sub(_escape, text) + "\n"


# JSON need not escape these, but a terminal may obey them. They occur nowhere but in strings.
_INVISIBLE = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_MOST_IGNORED = 100


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _ignored(report: Report) -> list[str]:
    return list(dict.fromkeys(source.file for source in report.ignored))[:_MOST_IGNORED]


def _result(result: Result) -> dict[str, Any]:
    return {
        "object": result.object,
        "source": result.source,
        "decision": str(result.decision.verdict),
        "risk": None,
        "findings": [_finding(found) for found in result.findings],
    }


def _finding(found: Located) -> dict[str, Any]:
    finding = found.reason.finding
    path = render_path(finding.path)
    return {
        "rule": finding.rule.id,
        "severity": str(finding.rule.severity),
        "confidence": str(finding.rule.confidence),
        "action": str(found.reason.action),
        "path": path,
        "line": found.line,
        "column": found.column,
        "message": f"{path} {finding.message}",
        "remediation": finding.rule.remediation,
        "fix": None if found.fix is None else found.fix.patch,
        "overridden": None,
    }
