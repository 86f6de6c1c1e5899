"""Judge an object: run the rules that are in force over it and over every pod inside it."""

from collections.abc import Hashable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from msgspec import Struct
from msgspec.structs import replace

from policies import kinds
from policies.identity import Kind
from policies.kinds import Row
from policies.path import Path
from policies.pod import Pod
from policies.resource import Resource
from policies.risk.assess import Assessor, Risk
from policies.rule import Check, Drop, Edit, Options, Put, Rule
from policies.standard import Standard


class Finding(Struct, frozen=True, gc=False):
    """A violation of a rule in an object.

    `path` starts at the object's root, and the first `prefix` steps of it lead to the pod; `message` continues the
    sentence that the path begins. `value` is what stands at the path, as JSON, where somebody needs it: it tells two
    findings apart whose messages are the same.
    """

    rule: Rule
    path: Path
    message: str
    prefix: int = 0
    value: bytes = b""

    @property
    def sameness(self) -> tuple[str, Path, str]:
        """What makes it the same finding after a change.

        Positions inside a pod do not: an item may be put before it in its list. Which pod of the object it is does.
        """
        inside = tuple([step for step in self.path[self.prefix :] if isinstance(step, str)])
        return self.rule.id, self.path[: self.prefix] + inside, self.message


class Evaluation(Struct, frozen=True):
    """All that was found in an object, in the order of the rules' ids and then of the object; and its risk.

    `risk` is None where there is no pod, or no classifier.
    """

    findings: tuple[Finding, ...]
    risk: Risk | None = None


NOTHING = Evaluation(())
#: Of one rule in one object: an object of 3 MiB can break a rule a million times, and nobody reads on.
MAX_FINDINGS = 1_000
NO_OPTIONS: Mapping[str, Options] = MappingProxyType({})
NO_STANDARDS: Mapping[str, Standard] = MappingProxyType({})


class _Step(NamedTuple):
    """A rule that looks at objects of a kind, and how it is run."""

    rule: Rule
    check: Check
    about_pods: bool
    about_all: bool


_Findings = tuple[Finding, ...]


class Known(Struct, frozen=True):
    """What follows from a pod's spec, its names and its origin alone.

    `steps` are those that have to be taken each time, and between them what all others have found; `risk` is None where
    that has to be seen anew, too.
    """

    steps: tuple[_Step | _Findings, ...]
    risk: Risk | None

    @property
    def findings(self) -> list[Finding]:
        return [found for step in self.steps if not isinstance(step, _Step) for found in step]


class Memory(Protocol):
    """Keeps what is known of specs, for as long as it likes."""

    def key(self, engine: "Engine", resource: Resource, /) -> Hashable:
        """All that the known follows from; None where it cannot be kept."""
        ...

    def find(self, key: Any, /) -> Known | None: ...

    def wants(self, key: Any, /) -> bool:
        """Whether it would keep what follows from this; finding that out costs more than judging alone."""
        ...

    def keep(self, key: Any, known: Known, /) -> None: ...


class Engine:
    """The rules in force, compiled once for the standard that pods are held against and for their options.

    `standards` names rules that are held against another one. Safe to share between threads: it keeps nothing of what
    it judges.
    """

    __slots__ = ("_assessor", "_checks", "_plans", "_standards", "options", "standard")

    def __init__(
        self,
        rules: Iterable[Rule],
        standard: Standard,
        options: Mapping[str, Options] = NO_OPTIONS,
        assessor: Assessor | None = None,
        standards: Mapping[str, Standard] = NO_STANDARDS,
    ) -> None:
        self.standard = standard
        self._standards = standards
        self._assessor = assessor
        self.options = options
        in_order = sorted(rules, key=lambda found: found.id)
        self._checks = [
            (found, found.bind(standards.get(found.id, standard), options.get(found.id))) for found in in_order
        ]
        # One a row of kinds: what they hold is known, and so is how many there can be.
        self._plans: dict[Row, tuple[_Step, ...]] = {}

    @property
    def rules(self) -> list[Rule]:
        """The rules in force, by id."""
        return [rule for rule, _ in self._checks]

    @property
    def assessor(self) -> Assessor | None:
        """What judges the risk of pods; None where nothing does."""
        return self._assessor

    def concerns(self, kind: Kind) -> bool:
        """Whether any rule in force, or the classifier, looks at objects of this kind."""
        row = kinds.row_of(kind)
        return bool(self._plan(row)) or (self._assessor is not None and bool(row.places))

    def evaluate(self, resource: Resource, *, assess: bool = True, memory: Memory | None = None) -> Evaluation:
        """Run every rule over what it is about, and the classifier, unless there is no time to `assess` the risk.

        A rule finds at most MAX_FINDINGS things in an object, and says so. What the `memory` knows is not sought again.
        """
        key = memory.key(self, resource) if memory is not None and assess else None
        if memory is not None and key is not None and (known := memory.find(key)) is not None:
            findings = _run(known.steps, resource)
            risk = self._assess(resource) if known.risk is None else known.risk.of(resource.pods[0].pod)
        elif memory is None or key is None or not memory.wants(key):
            findings = _run(self._plan(resource.row), resource)
            risk = self._assess(resource) if assess else None
        else:
            learnt: list[_Step | _Findings] = []
            findings = _run(self._plan(resource.row), resource, learnt)
            pod = resource.pods[0].pod
            pod.looked_beyond = False
            risk = self._assess(resource)
            lasting = risk.without_pod() if risk is not None and not pod.looked_beyond else None
            memory.keep(key, Known(_joined(learnt), lasting))
        return Evaluation(tuple(findings), risk) if findings or risk is not None else NOTHING

    def _assess(self, resource: Resource) -> Risk | None:
        return self._assessor.assess(resource.pods) if self._assessor is not None and resource.pods else None

    def edits(self, resource: Resource, finding: Finding) -> tuple[Edit, ...]:
        """What would be written instead, as edits of the whole object; empty where nobody can say."""
        rule = finding.rule
        fixer = rule.bind_fixer(self._standards.get(rule.id, self.standard), self.options.get(rule.id))
        if fixer is None:
            return ()
        view, prefix = _view(resource, rule, finding.path)
        return tuple(_moved(edit, prefix) for edit in fixer(view, finding.path[len(prefix) :]))

    def _plan(self, row: Row) -> tuple[_Step, ...]:
        plan = self._plans.get(row)
        if plan is None:
            plan = self._plans[row] = tuple(
                _Step(rule, check, rule.subject is Pod, rule.subject is Resource)
                for rule, check in self._checks
                if _looks_at(rule, row)
            )
        return plan


def _run(
    steps: Iterable[_Step | _Findings], resource: Resource, learnt: list[_Step | _Findings] | None = None
) -> list[Finding]:
    """What is found, step by step. `learnt` is told, of an object with one pod, what follows from the pod's spec alone,
    and the steps of which that cannot be said."""
    findings: list[Finding] = []
    pods, whole = resource.pods, (((resource.body, ()),), ((resource, ()),))
    watched = pods[0].pod if learnt is not None else None
    for step in steps:
        if not isinstance(step, _Step):
            findings += step
            continue
        rule, check, about_pods, about_all = step
        begin = len(findings)
        end = begin + MAX_FINDINGS
        if watched is not None:
            watched.looked_beyond = False
        for view, prefix in pods if about_pods else whole[about_all]:
            # One loop, and no call for it: most rules find nothing, and there are many.
            for found in check(view):
                if len(findings) == end:
                    findings[-1] = _last_of_many(findings[-1])
                    break
                findings.append(Finding(rule, prefix + found.path, found.message, len(prefix)))
        if learnt is not None and watched is not None:
            learnt.append(tuple(findings[begin:]) if about_pods and not watched.looked_beyond else step)
    return findings


def _joined(steps: Iterable[_Step | _Findings]) -> tuple[_Step | _Findings, ...]:
    """The same without what found nothing, and with what follows each other in one."""
    joined: list[_Step | _Findings] = []
    for step in steps:
        if isinstance(step, _Step) or not joined or isinstance(joined[-1], _Step):
            joined += [step] if step else []
        else:
            joined[-1] += step
    return tuple(joined)


def _looks_at(rule: Rule, row: Row) -> bool:
    if rule.subject is Pod:
        return bool(row.places)
    return rule.subject is Resource or issubclass(row.body, rule.subject)


_MORE = "; there are more, which are not listed"


def _last_of_many(finding: Finding) -> Finding:
    message = finding.message if finding.message.endswith(_MORE) else finding.message + _MORE
    return replace(finding, message=message)


def _view(resource: Resource, rule: Rule, path: Path) -> tuple[Any, Path]:
    """What the rule looked at when it found something at this path, and where that begins."""
    if rule.subject is Pod:
        held = [found for found in resource.pods if path[: len(found.prefix)] == found.prefix]
        return max(held, key=lambda found: len(found.prefix))
    return (resource if rule.subject is Resource else resource.body), ()


def _moved(edit: Edit, prefix: Path) -> Edit:
    path = prefix + edit.path
    return Drop(path) if isinstance(edit, Drop) else Put(path, edit.value)
