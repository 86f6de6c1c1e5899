"""Allow, warn or deny: what a policy makes of what was found."""

from collections import Counter
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from policies.config import Mode, Policy
from policies.engine import NOTHING, Evaluation, Finding
from policies.overrides import RISK, Override, Refusal, granted
from policies.path import Path, render
from policies.profile import Action
from policies.resource import UnreadableObjectError
from policies.risk.assess import Risk
from policies.rule import Severity


class Verdict(StrEnum):
    ALLOW = "allow"
    WARN = "warn"
    DENY = "deny"


class Reason(Struct, frozen=True, gc=False):
    """A finding and what it leads to. `existing`: the object had it before this update; `override`: what lifted it."""

    finding: Finding
    action: Action
    existing: bool = False
    override: Override | None = None

    @property
    def text(self) -> str:
        """What is wrong, where, and what to write instead, in one line."""
        finding = self.finding
        return f"{finding.rule.id}: {render(finding.path)} {finding.message}. {finding.rule.remediation}"


class Decision(Struct, frozen=True):
    """What is answered, and why.

    `judged` is the verdict before the policy's mode softened it; `reasons` are sorted worst first, their actions as
    softened. `unreadable` says what could not be understood about the object, when that is the reason. `refusals` are
    overrides that were asked for and do not count. `risk_action` is what the risk leads to, OFF below the thresholds;
    `risk_limit` is the probability below which it would not, and `risk_override` what lifted it.
    """

    verdict: Verdict
    judged: Verdict
    reasons: tuple[Reason, ...] = ()
    unreadable: str | None = None
    refusals: tuple[Refusal, ...] = ()
    risk: Risk | None = None
    risk_action: Action = Action.OFF
    risk_limit: float = 1.0
    risk_override: Override | None = None

    @property
    def lifted(self) -> dict[Override, list[str]]:
        """What each override lifted, by the ids of rules; RISK stands for the classifier."""
        found: dict[Override, list[str]] = {}
        for reason in self.reasons:
            if reason.override is not None:
                found.setdefault(reason.override, []).append(reason.finding.rule.id)
        if self.risk_override is not None:
            found.setdefault(self.risk_override, []).append(RISK)
        return found

    @property
    def remedy(self) -> tuple[str, ...]:
        """The fewest things without which the risk would not be held against the object."""
        if self.risk is None or self.risk_action is Action.OFF:
            return ()
        return self.risk.remedy(self.risk_limit)

    @property
    def remedy_text(self) -> str:
        """What would change what the risk leads to; empty when nothing would."""
        remedy = self.remedy
        held = "denied" if self.risk_action is Action.DENY else "warned of"
        return f"without its {' and '.join(remedy)} it would not be {held} for its risk" if remedy else ""

    @property
    def risk_text(self) -> str:
        """Why the risk is what it is, and what would change it, in one line."""
        if self.risk is None:
            return ""
        remedy = self.remedy_text
        end = f" {remedy[0].upper()}{remedy[1:]}." if remedy else ""
        return f"{RISK}: {render(self.risk.path)} {self.risk.text}.{end}"


ALLOWED = Decision(Verdict.ALLOW, Verdict.ALLOW)

_Sameness = tuple[str, Path, str, bytes]
_CEILING = {Mode.ENFORCE: Action.DENY, Mode.WARN: Action.WARN, Mode.AUDIT: Action.AUDIT}
_VERDICTS = {Action.WARN: Verdict.WARN, Action.DENY: Verdict.DENY}


def decide(
    evaluation: Evaluation,
    policy: Policy,
    before: Evaluation = NOTHING,
    overrides: tuple[Override | Refusal, ...] = (),
) -> Decision:
    """Weigh what was found.

    `before` is what the object had already before this update, and `overrides` are those that somebody granted: what
    they are about is only recorded.
    """
    risk = evaluation.risk
    suspicion = _suspicion(risk, policy, before.risk) if risk is not None else Action.OFF
    if not evaluation.findings and suspicion is Action.OFF:
        return Decision(Verdict.ALLOW, Verdict.ALLOW, risk=risk) if risk is not None else ALLOWED
    known = Counter(map(_sameness, before.findings)) if before.findings else None
    reasons = [_reason(found, policy, known) for found in evaluation.findings]
    if overrides:
        reasons = [_lifted(reason, overrides) for reason in reasons]
    reasons.sort(key=_worst_first)
    lifted: Override | None = None
    if risk is not None and suspicion > Action.AUDIT and (lifted := granted(overrides, RISK, risk.path)) is not None:
        suspicion = Action.AUDIT
    judged = max(reasons[0].action if reasons else Action.OFF, suspicion)
    ceiling = _CEILING[policy.mode]
    if judged > ceiling:
        reasons = [replace(reason, action=min(reason.action, ceiling)) for reason in reasons]
    refusals = tuple(each for each in overrides if isinstance(each, Refusal))
    return Decision(
        _verdict(min(judged, ceiling)),
        _verdict(judged),
        tuple(reasons),
        refusals=refusals,
        risk=risk,
        risk_action=min(suspicion, ceiling),
        risk_limit=_limit(min(suspicion, ceiling), policy),
        risk_override=lifted,
    )


def refuse(error: UnreadableObjectError, policy: Policy) -> Decision:
    """What is not understood is not let through: its author must be told, and nothing is guessed."""
    verdict = _verdict(min(Action.DENY, _CEILING[policy.mode]))
    return Decision(verdict, Verdict.DENY, unreadable=str(error))


def tolerate(error: UnreadableObjectError) -> Decision:
    """What is not understood, and was there before this update, is only recorded: finalizers must come off."""
    return Decision(Verdict.ALLOW, Verdict.ALLOW, unreadable=str(error))


def _reason(found: Finding, policy: Policy, known: Counter[_Sameness] | None) -> Reason:
    action = policy.actions[found.rule.id]
    if not known:
        return Reason(found, action)
    same = _sameness(found)
    if not known[same]:
        return Reason(found, action)
    known[same] -= 1
    return Reason(found, min(action, Action.AUDIT), existing=True)


def _suspicion(risk: Risk, policy: Policy, before: Risk | None) -> Action:
    """What a risk leads to. One that an object had before this update is only recorded."""
    chance, thresholds = risk.probability, policy.thresholds
    if chance < thresholds.warn_at and chance < thresholds.deny_at:
        return Action.OFF
    if before is not None and before.log_odds >= risk.log_odds:
        return Action.AUDIT
    return Action.DENY if chance >= thresholds.deny_at else Action.WARN


def _limit(action: Action, policy: Policy) -> float:
    """The probability below which a pod would not be denied, or else not be warned of either."""
    thresholds = policy.thresholds
    return thresholds.deny_at if action is Action.DENY else min(thresholds.warn_at, thresholds.deny_at)


def _lifted(reason: Reason, overrides: tuple[Override | Refusal, ...]) -> Reason:
    if reason.action <= Action.AUDIT:
        return reason
    override = granted(overrides, reason.finding.rule.id, reason.finding.path)
    return replace(reason, action=Action.AUDIT, override=override) if override is not None else reason


def _sameness(found: Finding) -> _Sameness:
    return *found.sameness, found.value


def _worst_first(reason: Reason) -> int:
    return -(reason.action * len(Severity) + reason.finding.rule.severity)


def _verdict(action: Action) -> Verdict:
    return _VERDICTS.get(action, Verdict.ALLOW)
