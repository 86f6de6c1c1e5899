"""Judging manifests: the same reading, engine and decision as an admission, over files instead of requests."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice

from msgspec.structs import replace

from policies import overrides
from policies import resource as resources
from policies.config import Policy
from policies.decision import Decision, Reason, decide
from policies.resource import Resource, UnreadableObjectError
from webhook import manifest
from webhook.manifest import File, Flaw, Manifest, Unread
from webhook.report import (
    ALL,
    Fix,
    Fixes,
    Located,
    ModelRef,
    ObjectRef,
    PolicyRef,
    Report,
    ReportError,
    Result,
    Source,
    Telling,
)

#: The labels of a namespace; None where they are not known.
LabelsOf = Callable[[str], Mapping[str, str] | None]
Progress = Callable[[int, int], None]
#: From so many files on, several processes judge them: fewer are done before another process has begun.
MANY = 128


def no_labels(_namespace: str) -> Mapping[str, str] | None:
    """Where nobody says anything of namespaces."""
    return {}


def check(
    paths: Iterable[str],
    policy: Policy,
    progress: Progress | None = None,
    fixes: Fixes = Fixes.NONE,
    labels: LabelsOf = no_labels,
    telling: Telling = ALL,
) -> Report:
    """Judge every object in these files and folders; `-` is standard input.

    Never raises for what the files hold: what cannot be judged is an error in the report. `progress` is told the number
    of objects and of files as it goes. `labels` says what labels a namespace has; None where it should and does not
    know. Findings that it is not `telling` of are counted as hidden. Many files are judged by as many processes as
    there are cores for this one; the report is the same.
    """
    desk = Desk(policy, fixes, labels, telling)
    found = manifest.seek(paths)
    first = list(islice(found, MANY))
    if len(first) == MANY:
        from webhook import crowd  # noqa: PLC0415 - only for this

        return _report(policy, crowd.judge(chain(first, found), desk), progress)
    return _report(policy, _one_by_one(chain(first, found), desk), progress)


def judge(
    files: Iterable[File],
    policy: Policy,
    progress: Progress | None = None,
    fixes: Fixes = Fixes.NONE,
    labels: LabelsOf = no_labels,
    telling: Telling = ALL,
) -> Report:
    """The same for files that were read, in this process."""
    return _report(policy, _one_by_one(files, Desk(policy, fixes, labels, telling)), progress)


@dataclass(slots=True)
class Outcome:
    """What was found in some files; `hidden` findings are counted and not told."""

    files: int = 1
    results: list[Result] = field(default_factory=list)
    errors: list[ReportError] = field(default_factory=list)
    ignored: list[Source] = field(default_factory=list)
    hidden: int = 0

    def add(self, other: "Outcome") -> None:
        self.files += other.files
        self.results += other.results
        self.errors += other.errors
        self.ignored += other.ignored
        self.hidden += other.hidden


def _one_by_one(files: Iterable[File | Unread], desk: "Desk") -> Iterator[Outcome]:
    return map(desk.take, files)


def _report(policy: Policy, outcomes: Iterable[Outcome], progress: Progress | None) -> Report:
    whole = Outcome(0)
    for outcome in outcomes:
        whole.add(outcome)
        if progress is not None:
            progress(len(whole.results), whole.files)
    name = PolicyRef(policy.name, policy.hash)
    version, _, checksum = policy.model.partition("@")
    lists = tuple(whole.results), tuple(whole.errors), tuple(whole.ignored)
    return Report(name, *lists, hidden=whole.hidden, model=ModelRef(version, checksum))


@dataclass(slots=True)
class Desk:
    """Where files are worked through. Of a file it keeps nothing: all that was found in it is in the outcome."""

    policy: Policy
    fixes: Fixes = Fixes.NONE
    labels: LabelsOf = no_labels
    telling: Telling = ALL
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def take(self, file: File | Unread) -> Outcome:
        """Judge a file."""
        if isinstance(file, Unread):
            file = file.read()
        outcome = Outcome()
        if file.problem is not None:
            outcome.errors.append(ReportError(file.name, None, None, file.problem))
            return outcome
        foreign: list[Flaw] = []
        for document in manifest.read(file.content):
            for found in [document] if isinstance(document, Flaw) else manifest.objects(document):
                if isinstance(found, Manifest):
                    self._judge(found, file.name, outcome)
                elif found.foreign:
                    foreign.append(found)
                else:
                    outcome.errors.append(_error(found, file.name))
        _dismiss(foreign, file, outcome)
        return outcome

    def _judge(self, found: Manifest, file: str, outcome: Outcome) -> None:
        try:
            resource = resources.read(found.value)
        except UnreadableObjectError as error:
            place = found.place(error.path)
            outcome.errors.append(ReportError(file, found.document.number, place.line, str(error)))
            return
        known = resource.identity
        policy = policy_in(self.policy, resource, self.labels)
        asked = overrides.of(resource, policy.overrides, self.now)
        decision = decide(policy.engine.evaluate(resource), policy, overrides=asked)
        ref = ObjectRef(known.api_version, known.kind.kind, known.namespace, known.name)
        source = Source(file, found.document.number, found.place().line)
        # Looked up only for what is told, which is a fraction for most readers.
        located = tuple(
            Located(reason, *found.place(reason.finding.path), fix)
            for reason, fix in zip(decision.reasons, self._fixes(found, resource, decision.reasons), strict=True)
            if self.telling(reason)
        )
        outcome.hidden += len(decision.reasons) - len(located)
        outcome.results.append(Result(ref, source, _kept(decision, located), located))

    def _fixes(self, found: Manifest, resource: Resource, reasons: tuple[Reason, ...]) -> list[Fix | None]:
        if self.fixes is Fixes.NONE or not reasons:
            return [None] * len(reasons)
        findings = [reason.finding for reason in reasons]
        from webhook import mend  # noqa: PLC0415 - takes as long as judging 50 files, and most formats show no fixes

        return mend.proposals(found, resource, findings, self.policy.engine, text=self.fixes is Fixes.TEXT)


def _kept(decision: Decision, located: tuple[Located, ...]) -> Decision:
    """The decision without the pod that it was about, and with the reasons that are told."""
    risk = None if decision.risk is None else decision.risk.settled(decision.remedy)
    return replace(decision, reasons=tuple([found.reason for found in located]), risk=risk)


def _dismiss(foreign: list[Flaw], file: File, outcome: Outcome) -> None:
    """Folders hold more than manifests. But what was named, or stands beside objects, was meant to be one."""
    if file.walked and not outcome.results and not outcome.errors:
        outcome.ignored += [Source(file.name, flaw.number, flaw.place.line) for flaw in foreign]
    else:
        outcome.errors += [_error(flaw, file.name) for flaw in foreign]


#: Where kubectl puts what names no namespace.
_DEFAULT_NAMESPACE = "default"


def policy_in(policy: Policy, resource: Resource, labels: LabelsOf) -> Policy:
    """The policy as it is in the namespace of an object."""
    namespace = resource.identity.namespace or _DEFAULT_NAMESPACE
    return policy.within(namespace, labels(namespace))


def _error(flaw: Flaw, file: str) -> ReportError:
    return ReportError(file, flaw.number, flaw.place.line, flaw.problem)
