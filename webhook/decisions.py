"""The decision log: one JSON line a decision. The object under review is never written, nor any value in it."""

import logging
from collections.abc import Callable, Iterable
from time import monotonic

from msgspec import Struct

from policies import registry
from policies.config import Policy
from policies.decision import Decision, Verdict
from policies.overrides import RISK
from policies.profile import Action
from webhook.journal import Told
from webhook.lines import MAX_LINE, Lines, LogError, encoded, written

_RULES = 20
_SAY_SECONDS = 60.0
_log = logging.getLogger("podgate")


class _Line(Struct, rename="camel"):
    """A decision as it is written down.

    `denying` are the rules that deny before the policy's mode softens it, and `refused` those that an override names
    which does not count; `skipped` is what there was no time for.
    """

    ts: str
    uid: str
    operation: str
    group: str
    version: str
    kind: str
    subresource: str
    namespace: str
    name: str
    user: str
    decision: str
    judged: str
    mode: str
    policy: str
    rules: list[str]
    dry_run: bool
    milliseconds: float
    risk: float | None = None
    model: str = ""
    denying: list[str] = []
    overridden: list[str] = []
    refused: list[str] = []
    skipped: tuple[str, ...] = ()
    error: str = ""


class DecisionLog:
    """Writes decisions down, several at once."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def write(self, told: Iterable[Told]) -> None:
        chunk = b""
        for each in told:
            line = encoded(_line(each, 256))
            if len(line) >= MAX_LINE:
                line = encoded(_line(each, 32))
            if len(chunk) + len(line) >= MAX_LINE:
                self._lines.write(chunk)
                chunk = b""
            chunk += line + b"\n"
        if chunk:
            self._lines.write(chunk)

    def check(self, *, force: bool = False) -> None:
        """Open the file anew when somebody asks for it: what was there has been moved away."""
        if not force:
            return
        try:
            if self._lines.reopen():
                _log.info("the decision log was opened anew")
        except LogError as error:
            fields = {"problem": str(error)}
            _log.error("the decision log cannot be opened anew; the old one is written on", extra={"fields": fields})

    def close(self) -> None:
        self._lines.close()


class Losses:
    """Counts lines of the decision log that were lost, and says so once a minute."""

    def __init__(self, count: Callable[[int], None], clock: Callable[[], float] = monotonic) -> None:
        self._count = count
        self._clock = clock
        self._unsaid = 0
        self._said_at = -_SAY_SECONDS

    def __call__(self, lines: int) -> None:
        self._count(lines)
        self._unsaid += lines

    def check(self, *, force: bool = False) -> None:
        """Say what was not said yet."""
        if not self._unsaid or (self._clock() - self._said_at < _SAY_SECONDS and not force):
            return
        _log.error("lines of the decision log were lost", extra={"fields": {"lines": self._unsaid}})
        self._unsaid, self._said_at = 0, self._clock()


def _line(told: Told, most: int) -> _Line:
    at, admitted, policy, seconds = told
    request, decision = admitted.request, admitted.decision
    rules = list(dict.fromkeys([reason.finding.rule.id for reason in decision.reasons])) if decision.reasons else []
    return _Line(
        ts=written(at),
        uid=request.uid[:most],
        operation=request.operation,
        group=request.kind.group[:most],
        version=request.kind.version[:most],
        kind=request.kind.kind[:most],
        subresource=(request.sub_resource or "")[:most],
        namespace=(request.namespace or "")[:most],
        name=(request.name or "")[:most],
        user=((request.user_info.username if request.user_info else None) or "")[:most],
        decision=decision.verdict,
        judged=decision.judged,
        mode=policy.mode,
        policy=policy.hash,
        rules=rules if len(rules) <= _RULES else [*rules[:_RULES], f"and {len(rules) - _RULES} more"],
        dry_run=bool(request.dry_run),
        milliseconds=int(seconds * 1e6) / 1000,
        risk=round(decision.risk.probability, 4) if decision.risk is not None else None,
        model=policy.model,
        denying=_denying(decision, admitted.policy) if decision.judged is Verdict.DENY else [],
        overridden=[rule for rules in decision.lifted.values() for rule in rules][:_RULES],
        refused=_refused(decision) if decision.refusals else [],
        skipped=admitted.spared,
        error=(decision.unreadable or "")[:most],
    )


def _denying(decision: Decision, policy: Policy) -> list[str]:
    stands = (reason for reason in decision.reasons if not reason.existing and reason.override is None)
    rules = dict.fromkeys(reason.finding.rule.id for reason in stands)
    return [rule for rule in rules if policy.actions[rule] is Action.DENY][:_RULES]


def _refused(decision: Decision) -> list[str]:
    """Requesters may write anything there: only rules that exist are named."""
    rules = {rule for refusal in decision.refusals for rule in refusal.rules}
    known = registry.by_name()
    return sorted({known[rule].id for rule in rules if rule in known} | (rules & {RISK}))[:_RULES] or ["(no rule)"]
