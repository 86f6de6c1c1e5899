"""What decisions amount to: what was denied, what enforcing would deny, of what, whose, and why."""

import re
from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from webhook.recorded import workload
from webhook.recorded.entries import Entry, Flaw
from webhook.recorded.tally import Outcome, Tally
from webhook.recorded.workload import Workload

#: Stands among the rules for a denial or a warning that no rule has a part in.
RISK = "risk"
UNREADABLE = "(not readable)"
UNTOLD = "(not told)"
_CUT = re.compile(r"and [0-9]+ more")
_MOST_FLAWS = 5
_MOST_POLICIES = 1_000
_MOST_RISKS = 1_000


class Wanted(Struct, frozen=True):
    """Which decisions count. Nothing stands for all."""

    since: datetime | None = None
    namespaces: frozenset[str] = frozenset()
    rules: frozenset[str] = frozenset()
    denied: bool = False

    def __contains__(self, entry: Entry) -> bool:
        return (
            (self.since is None or (entry.ts is not None and entry.ts >= self.since))
            and (not self.namespaces or entry.namespace in self.namespaces)
            and (not self.rules or not self.rules.isdisjoint(reasons(entry)))
            and (not self.denied or outcome(entry) <= Outcome.WOULD_BE_DENIED)
        )


class Span(Struct):
    """From when to when; None while nothing has a time."""

    first: datetime | None = None
    last: datetime | None = None

    def add(self, at: datetime | None) -> None:
        if at is not None:
            self.first = min(self.first or at, at)
            self.last = max(self.last or at, at)


def outcome(entry: Entry) -> Outcome:
    """What became of the object. A line without `judged` is of a version whose mode softened nothing."""
    if entry.decision == "deny":
        return Outcome.DENIED
    judged = entry.judged or entry.decision
    if judged == "deny":
        return Outcome.WOULD_BE_DENIED
    return Outcome.WARNED if "warn" in (judged, entry.decision) else Outcome.ALLOWED


def reasons(entry: Entry) -> dict[str, Outcome]:
    """What each rule that a line names led to, and what stands for the others' part in it."""
    came = outcome(entry)
    named = {rule: came for rule in entry.rules if not _CUT.fullmatch(rule)}
    if came <= Outcome.WOULD_BE_DENIED and entry.denying is not None:
        named = dict.fromkeys(named, Outcome.WARNED) | dict.fromkeys(entry.denying, came)
    if came is Outcome.ALLOWED or came in named.values():
        return named
    return named | {UNREADABLE if entry.error else UNTOLD if entry.risk is None else RISK: came}


@dataclass(slots=True)
class Summary:
    """Adds decisions up, in memory that does not grow with their number."""

    wanted: Wanted = field(default_factory=Wanted)
    lines: int = 0
    decisions: int = 0
    passed_over: int = 0
    undated: int = 0
    unreadable: int = 0
    foreign: int = 0
    failed: int = 0
    flaws: list[Flaw] = field(default_factory=list)
    dry_runs: int = 0
    cut: int = 0
    span: Span = field(default_factory=Span)
    answered: dict[str, int] = field(default_factory=dict)
    judged: dict[str, int] = field(default_factory=dict)
    rules: Tally[str] = field(default_factory=Tally)
    namespaces: Tally[str] = field(default_factory=Tally)
    workloads: Tally[Workload] = field(default_factory=Tally)
    users: Tally[str] = field(default_factory=Tally)
    used: Tally[str] = field(default_factory=Tally)
    refused: Tally[str] = field(default_factory=Tally)
    policies: dict[tuple[str, str], tuple[list[int], Span]] = field(default_factory=dict)
    _risks: dict[Workload, float] = field(default_factory=dict)

    def add(self, found: Entry | Flaw | None) -> None:
        """Count a line."""
        if isinstance(found, Flaw):
            self._flaw(found)
            return
        self.lines += 1
        if found is None:
            return
        if self.wanted.since is not None and found.ts is None:
            self.undated += 1
        elif found in self.wanted:
            self._count(found)
        else:
            self.passed_over += 1

    def risks(self, count: int) -> list[tuple[Workload, float]]:
        """The workloads with the highest risks, each once."""
        return sorted(self._risks.items(), key=lambda item: (-item[1], item[0]))[:count]

    @property
    def usable(self) -> bool:
        """Whether every file could be read, and lines, if there were any, were those of a decision log."""
        understood = self.decisions + self.passed_over + self.undated
        return not self.failed and (understood > 0 or self.unreadable + self.foreign == 0)

    @property
    def denials(self) -> tuple[int, int]:
        """How many were denied, and how many more enforcing would deny."""
        sums = self.namespaces.rest(0)[1]
        return sums.denied, sums.would_be_denied

    @property
    def concerned(self) -> int:
        """How many workloads enforcing denies something of; a Deployment and its pods are one."""
        return len({(found.namespace, found.name.removesuffix("-*")) for found in self.workloads.denied()})

    def _flaw(self, flaw: Flaw) -> None:
        self.lines += not flaw.fatal
        if flaw.foreign:
            self.foreign += 1
            return
        self.failed += flaw.fatal
        self.unreadable += not flaw.fatal
        if flaw.fatal or len(self.flaws) < _MOST_FLAWS:
            self.flaws.append(flaw)

    def _count(self, entry: Entry) -> None:
        self.decisions += 1
        self.dry_runs += entry.dry_run
        self.span.add(entry.ts)
        _increase(self.answered, entry.decision)
        _increase(self.judged, entry.judged or entry.decision)
        came = outcome(entry)
        rules = reasons(entry)
        self.cut += any(map(_CUT.fullmatch, entry.rules[-1:]))
        found = workload.of(entry.namespace, entry.kind, entry.name)
        for rule, led_to in rules.items():
            self.rules.add(rule, led_to)
        self.namespaces.add(entry.namespace, came)
        self.workloads.add(found, came)
        self.users.add(entry.user, came)
        for rule in entry.overridden:
            self.used.add(rule, came)
        for rule in entry.refused:
            self.refused.add(rule, came)
        self._policy(entry)
        if entry.risk is not None:
            self._risk(found, entry.risk)

    def _policy(self, entry: Entry) -> None:
        key = (entry.policy, entry.mode)
        if key not in self.policies and len(self.policies) >= _MOST_POLICIES:
            key = ("others", "")
        count, span = self.policies.setdefault(key, ([0], Span()))
        count[0] += 1
        span.add(entry.ts)

    def _risk(self, found: Workload, risk: float) -> None:
        risks = self._risks
        if risk > risks.get(found, -1.0):
            risks[found] = risk
            if len(risks) > 2 * _MOST_RISKS:
                self._risks = dict(self.risks(_MOST_RISKS))


def _increase(counts: dict[str, int], word: str) -> None:
    word = word if word in ("allow", "warn", "deny") else "other"
    counts[word] = counts.get(word, 0) + 1
