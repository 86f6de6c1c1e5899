"""A summary of decisions as JSON, for programs."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

import msgspec

from webhook.recorded.summary import Summary
from webhook.recorded.tally import Tally
from webhook.report import as_json, version

_Key = TypeVar("_Key", bound=Hashable)


def render(summary: Summary, top: int) -> str:
    """All that the tables say, and the same bounds."""
    return as_json(
        {
            "version": version(),
            "decisions": summary.decisions,
            "from": summary.span.first,
            "to": summary.span.last,
            "dryRuns": summary.dry_runs,
            "answered": {word: summary.answered.get(word, 0) for word in ("deny", "warn", "allow", "other")},
            "judged": {word: summary.judged.get(word, 0) for word in ("deny", "warn", "allow", "other")},
            "denied": summary.denials[0],
            "wouldBeDenied": summary.denials[1],
            "workloadsConcerned": summary.concerned,
            "rules": _tally(summary.rules, lambda rule: {"rule": rule}, top),
            "namespaces": _tally(summary.namespaces, lambda name: {"namespace": name}, top),
            "workloads": _tally(summary.workloads, lambda found: found._asdict(), top),
            "users": _tally(summary.users, lambda user: {"user": user}, top),
            "overridesUsed": _tally(summary.used, lambda rule: {"rule": rule}, top),
            "overridesRefused": _tally(summary.refused, lambda rule: {"rule": rule}, top),
            "risks": [{**found._asdict(), "risk": risk} for found, risk in summary.risks(top)],
            "policies": [
                {"hash": policy, "mode": mode, "decisions": count, "from": span.first, "to": span.last}
                for (policy, mode), ((count,), span) in list(summary.policies.items())[:top]
            ],
            "lines": {
                "read": summary.lines,
                "passedOver": summary.passed_over,
                "withoutTime": summary.undated,
                "withRulesCut": summary.cut,
                "foreign": summary.foreign,
                "unreadable": summary.unreadable,
            },
            "errors": [{"file": flaw.file, "line": flaw.line, "message": flaw.problem} for flaw in summary.flaws],
        }
    )


def _tally(tally: Tally[_Key], shown: Callable[[_Key], dict[str, str]], top: int) -> dict[str, Any]:
    """The worst, and what all others come to. `exact` is false where there were too many to count each."""
    worst = tally.worst(top)
    keys, rest = tally.rest(len(worst))
    return {
        "items": [{**shown(key), **msgspec.to_builtins(counts)} for key, counts in worst],
        "others": {"count": keys, **msgspec.to_builtins(rest)},
        "exact": tally.exact,
    }
