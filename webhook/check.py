"""Judging manifests: the same reading, engine and decision as an admission, over files instead of requests."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from policies import overrides
from policies import resource as resources
from policies.config import Policy
from policies.decision import Reason, decide
from policies.resource import Resource, UnreadableObjectError
from webhook import manifest
from webhook.manifest import File, Flaw, Manifest
from webhook.report import Fix, Fixes, Located, ModelRef, ObjectRef, PolicyRef, Report, ReportError, Result, Source

#: The labels of a namespace; None where they are not known.
LabelsOf = Callable[[str], Mapping[str, str] | None]


def no_labels(_namespace: str) -> Mapping[str, str] | None:
    """Where nobody says anything of namespaces."""
    return {}


def check(
    paths: Iterable[str],
    policy: Policy,
    progress: Callable[[int, int], None] | None = None,
    fixes: Fixes = Fixes.NONE,
    labels: LabelsOf = no_labels,
) -> Report:
    """Judge every object in these files and folders; `-` is standard input.

    Never raises for what the files hold: what cannot be judged is an error in the report. `progress` is told the number
    of objects and of files after each file. `labels` says what labels a namespace has; None where it should and does
    not know.
    """
    return judge(manifest.find(paths), policy, progress, fixes, labels)


def judge(
    files: Iterable[File],
    policy: Policy,
    progress: Callable[[int, int], None] | None = None,
    fixes: Fixes = Fixes.NONE,
    labels: LabelsOf = no_labels,
) -> Report:
    """The same for files that were read."""
    desk = _Desk(policy, fixes, labels)
    for count, file in enumerate(files, 1):
        desk.take(file)
        if progress is not None:
            progress(len(desk.results), count)
    name = PolicyRef(policy.name, policy.hash)
    version, _, checksum = policy.model.partition("@")
    model = ModelRef(version, checksum)
    return Report(name, tuple(desk.results), tuple(desk.errors), tuple(desk.ignored), model=model)


@dataclass(slots=True)
class _Desk:
    """Where files are worked through, one after the other. Of a file it keeps what was found, and nothing else."""

    policy: Policy
    fixes: Fixes = Fixes.NONE
    labels: LabelsOf = no_labels
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    results: list[Result] = field(default_factory=list)
    errors: list[ReportError] = field(default_factory=list)
    ignored: list[Source] = field(default_factory=list)

    def take(self, file: File) -> None:
        if file.problem is not None:
            self.errors.append(ReportError(file.name, None, None, file.problem))
            return
        before = len(self.results) + len(self.errors)
        foreign: list[Flaw] = []
        for document in manifest.read(file.content):
            for found in [document] if isinstance(document, Flaw) else manifest.objects(document):
                if isinstance(found, Manifest):
                    self._judge(found, file.name)
                elif found.foreign:
                    foreign.append(found)
                else:
                    self.errors.append(_error(found, file.name))
        self._dismiss(foreign, file, alone=len(self.results) + len(self.errors) == before)

    def _dismiss(self, foreign: list[Flaw], file: File, *, alone: bool) -> None:
        """Folders hold more than manifests. But what was named, or stands beside objects, was meant to be one."""
        if file.walked and alone:
            self.ignored += [Source(file.name, flaw.number, flaw.place.line) for flaw in foreign]
        else:
            self.errors += [_error(flaw, file.name) for flaw in foreign]

    def _judge(self, found: Manifest, file: str) -> None:
        try:
            resource = resources.read(found.value)
        except UnreadableObjectError as error:
            place = found.place(error.path)
            self.errors.append(ReportError(file, found.document.number, place.line, str(error)))
            return
        known = resource.identity
        policy = policy_in(self.policy, resource, self.labels)
        asked = overrides.of(resource, policy.overrides, self.now)
        decision = decide(policy.engine.evaluate(resource), policy, overrides=asked)
        ref = ObjectRef(known.api_version, known.kind.kind, known.namespace, known.name)
        source = Source(file, found.document.number, found.place().line)
        located = tuple(
            Located(reason, *found.place(reason.finding.path), fix)
            for reason, fix in zip(decision.reasons, self._fixes(found, resource, decision.reasons), strict=True)
        )
        self.results.append(Result(ref, source, decision, located))

    def _fixes(self, found: Manifest, resource: Resource, reasons: tuple[Reason, ...]) -> list[Fix | None]:
        if self.fixes is Fixes.NONE or not reasons:
            return [None] * len(reasons)
        findings = [reason.finding for reason in reasons]
        from webhook import mend  # noqa: PLC0415 - takes as long as judging 50 files, and most formats show no fixes

        return mend.proposals(found, resource, findings, self.policy.engine, text=self.fixes is Fixes.TEXT)


#: Where kubectl puts what names no namespace.
_DEFAULT_NAMESPACE = "default"


def policy_in(policy: Policy, resource: Resource, labels: LabelsOf) -> Policy:
    """The policy as it is in the namespace of an object."""
    namespace = resource.identity.namespace or _DEFAULT_NAMESPACE
    return policy.within(namespace, labels(namespace))


def _error(flaw: Flaw, file: str) -> ReportError:
    return ReportError(file, flaw.number, flaw.place.line, flaw.problem)
