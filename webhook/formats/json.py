"""For programs: everything that is known, in a shape that is kept."""

from collections.abc import Iterator
from typing import Any

import msgspec

from policies.decision import Decision
from policies.overrides import Override
from policies.path import render as render_path
from policies.risk.classifier import Share
from policies.risk.features import BY_NAME
from webhook.report import Fixes, Located, Report, Result, as_json, version

FIXES = Fixes.PATCH
EVERYTHING = True


def render(report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:  # noqa: ARG001
    """The report as one JSON object."""
    content = {
        "version": version(),
        "policy": report.policy,
        "model": report.model,
        "results": [_result(result) for result in report.results],
        "errors": report.errors,
        "summary": {**msgspec.structs.asdict(report.summary), "ignoredFiles": _ignored(report)},
    }
    yield as_json(content)


_MOST_IGNORED = 100


def _ignored(report: Report) -> list[str]:
    return list(dict.fromkeys(source.file for source in report.ignored))[:_MOST_IGNORED]


def _result(result: Result) -> dict[str, Any]:
    return {
        "object": result.object,
        "source": result.source,
        "decision": str(result.decision.verdict),
        "risk": _risk(result.decision),
        "findings": [_finding(found) for found in result.findings],
    }


def _risk(decision: Decision) -> dict[str, Any] | None:
    risk = decision.risk
    if risk is None:
        return None
    return {
        "probability": risk.probability,
        "band": str(risk.band),
        "action": str(decision.risk_action) if decision.risk_action else None,
        "path": render_path(risk.path),
        "reasons": [_share(share) for share in risk.shares],
        "without": decision.remedy,
        "overridden": _overridden(decision.risk_override),
    }


def _share(share: Share) -> dict[str, Any]:
    return {
        "feature": "*".join(share.features),
        "value": share.values[0] if len(share.values) == 1 else share.values,
        "contribution": share.log_odds,
        "meaning": " and ".join(BY_NAME[name].meaning for name in share.features),
        "rules": list(dict.fromkeys(rule for name in share.features for rule in BY_NAME[name].rules)),
    }


def _finding(found: Located) -> dict[str, Any]:
    finding = found.reason.finding
    return {
        "rule": finding.rule.id,
        "severity": str(finding.rule.severity),
        "confidence": str(finding.rule.confidence),
        "action": str(found.reason.action),
        "path": render_path(finding.path),
        "line": found.line,
        "column": found.column,
        "message": found.message,
        "remediation": finding.rule.remediation,
        "fix": None if found.fix is None else found.fix.patch,
        "overridden": _overridden(found.reason.override),
    }


def _overridden(override: Override | None) -> dict[str, Any] | None:
    if override is None:
        return None
    return {"reason": override.reason, "expires": override.expires, "ticket": override.ticket or None}
