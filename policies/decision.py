"""Allow, warn or deny: what a policy makes of what was found."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from policies.config import Mode, Policy
from policies.engine import NOTHING, Evaluation, Finding
from policies.path import render
from policies.profile import Action
from policies.resource import UnreadableObjectError


class Verdict(StrEnum):
    ALLOW = "allow"
    WARN = "warn"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Reason:
    """A finding and what it leads to. `existing`: the object had it before this update."""

    finding: Finding
    action: Action
    existing: bool = False

    @property
    def text(self) -> str:
        """What is wrong, where, and what to write instead, in one line."""
        finding = self.finding
        return f"{finding.rule.id}: {render(finding.path)} {finding.message}. {finding.rule.remediation}"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is answered, and why.

    `judged` is the verdict before the policy's mode softened it; `reasons` are sorted worst first. `unreadable` says
    what could not be understood about the object, when that is the reason.
    """

    verdict: Verdict
    judged: Verdict
    reasons: tuple[Reason, ...] = ()
    unreadable: str | None = None


ALLOWED = Decision(Verdict.ALLOW, Verdict.ALLOW)

_VERDICTS = {
    Action.OFF: Verdict.ALLOW,
    Action.AUDIT: Verdict.ALLOW,
    Action.WARN: Verdict.WARN,
    Action.DENY: Verdict.DENY,
}
_SOFTENED: Mapping[Mode, Mapping[Verdict, Verdict]] = {
    Mode.ENFORCE: {verdict: verdict for verdict in Verdict},
    Mode.WARN: {Verdict.ALLOW: Verdict.ALLOW, Verdict.WARN: Verdict.WARN, Verdict.DENY: Verdict.WARN},
    Mode.AUDIT: dict.fromkeys(Verdict, Verdict.ALLOW),
}


def decide(evaluation: Evaluation, policy: Policy, before: Evaluation = NOTHING) -> Decision:
    """Weigh what was found. `before` is what the object had already before this update: that is only recorded."""
    if not evaluation.findings:
        return ALLOWED
    known = {(found.rule.id, found.path, found.message) for found in before.findings}
    reasons = [_reason(found, policy, known) for found in evaluation.findings]
    reasons.sort(key=_worst_first)
    judged = _VERDICTS[reasons[0].action]
    return Decision(_SOFTENED[policy.mode][judged], judged, tuple(reasons))


def refuse(error: UnreadableObjectError, policy: Policy) -> Decision:
    """What is not understood is not let through: its author must be told, and nothing is guessed."""
    return Decision(_SOFTENED[policy.mode][Verdict.DENY], Verdict.DENY, unreadable=str(error))


def _reason(found: Finding, policy: Policy, known: set[tuple[str, tuple[str | int, ...], str]]) -> Reason:
    action = policy.actions[found.rule.id]
    if (found.rule.id, found.path, found.message) in known:
        return Reason(found, min(action, Action.AUDIT), existing=True)
    return Reason(found, action)


def _worst_first(reason: Reason) -> tuple[int, int]:
    return (-reason.action, -reason.finding.rule.severity)
