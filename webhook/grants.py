"""Which overrides count for a request: those that somebody with the right to do so has granted.

A request that would be denied, and asks for an override, raises questions. Without an answer to one the override does
not count, and the denial says so. What a controller makes of a workload inherits the workload's overrides: the workload
is looked up and judged again, and only what was lifted there is lifted here.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Raw, Struct
from msgspec.structs import replace

from policies import overrides
from policies import resource as resources
from policies.decision import Decision, Verdict
from policies.engine import NOTHING, Evaluation, Finding
from policies.identity import Kind, OwnerReference, Requester
from policies.overrides import RISK, RULES, SIGNATURE, Override, Refusal, granted
from policies.path import Path
from policies.pod import shown
from policies.profile import Action
from policies.resource import Resource, UnreadableObjectError
from policies.scope import Policy
from webhook import updates
from webhook.asking import Answer, MayOverride, OwnerOf, Question

#: The accounts of the controllers that make objects for an owner of this kind (k8s.io/controller-manager).
_CONTROLLERS = {
    "ReplicaSet": "replicaset-controller",
    "Deployment": "deployment-controller",
    "StatefulSet": "statefulset-controller",
    "DaemonSet": "daemon-set-controller",
    "Job": "job-controller",
    "CronJob": "cronjob-controller",
    "ReplicationController": "replication-controller",
}
_MANAGER = "system:kube-controller-manager"
_JOB = Kind("batch", "Job")

Answers = Mapping[Question, Answer]
Found = tuple[Override | Refusal, ...]


class Silence(dict[Question, Answer]):
    """Where nobody can be asked: every question has been, and there is no answer but those that are in here."""

    def __contains__(self, key: object) -> bool:
        return True


NOT_ASKED: Answers = {}
SILENCE: Answers = Silence()


class Asked(Struct, frozen=True):
    """What is to be known first."""

    questions: tuple[Question, ...]


class Case(Struct, frozen=True):
    """A request whose overrides are weighed. `namespace` is the request's: the API server checked it."""

    resource: Resource
    evaluation: Evaluation
    decision: Decision
    policy: Policy
    namespace: str
    requester: Requester | None
    now: datetime
    encoded: Raw


def weigh(case: Case, answers: Answers) -> Found | Asked:
    """The overrides that count, and those that do not though asked for; or what has to be asked first."""
    if owner := _owner(case):
        if case.decision.judged is not Verdict.DENY:
            return ()  # nobody reads the warnings of what a controller makes
        return _inherited(case, owner, answers)
    asked = overrides.of(case.resource, case.policy.overrides, case.now)
    wanted = {each: _needed(each, case) for each in asked if isinstance(each, Override)}
    signed = {each: _signed(each, case) for each, rules in wanted.items() if rules and each.signature}
    questions = {
        MayOverride(case.requester, rule, case.namespace, case.resource.identity.name)
        for each, rules in wanted.items()
        if each not in signed
        for rule in rules
        if case.requester is not None and "rbac" in case.policy.overrides.authorise
    }
    if missing := tuple(each for each in questions if each not in answers):
        return Asked(missing)
    found: list[Override | Refusal] = []
    for each in asked:
        if isinstance(each, Refusal):
            found.append(each)
        elif each in signed:
            found.append(signed[each])
        elif wanted[each]:
            found += _granted(each, wanted[each], case, answers)
    return tuple(found)


def may_change(case: Case) -> bool:
    """Whether the same request could be answered otherwise at another time: by an override, or by its owner's."""
    return _owner(case) is not None or overrides.are_asked(case.resource)


def excused(known: Evaluation, resource: Resource) -> Evaluation:
    """What was there before an update, without what the update writes an override for.

    Pods inherit overrides, so that one is stored only when it was granted, however long the object has had what it
    lifts. So is the CronJob that a Job says it belongs to.
    """
    owner, before = resource.identity.controller, resource.before
    if resource.identity.kind == _JOB and owner is not None and before and before.identity.controller != owner:
        return NOTHING
    written = overrides.written(resource)
    if not written:
        return known
    findings = tuple(
        found
        for found in known.findings
        if not any(found.rule.id in rules and found.path[: len(at)] == at for at, rules in written.items())
    )
    return Evaluation(findings, None if any(RISK in rules for rules in written.values()) else known.risk)


def _needed(override: Override, case: Case) -> frozenset[str]:
    """The rules of this override that something was found of that leads to more than a record."""
    at_stake = {
        reason.finding.rule.id
        for reason in case.decision.reasons
        if reason.action > Action.AUDIT and reason.finding.path[: len(override.prefix)] == override.prefix
    }
    if case.decision.risk_action > Action.AUDIT:
        at_stake.add(RISK)
    return override.rules & at_stake


def _signed(override: Override, case: Case) -> Override | Refusal:
    """An override whose signature counts, or why it does not. One that is signed is not asked about."""
    at = (*override.prefix, "metadata", "annotations", SIGNATURE)
    keys = case.policy.keys
    if keys is None or "signature" not in case.policy.overrides.authorise:
        return Refusal(override.rules, at, "does not count: the policy knows no keys")
    from policies.signature import verify  # noqa: PLC0415 - loaded where there are keys

    findings = updates.with_values(case.evaluation, case.encoded).findings
    problem = verify(keys, override, case.resource, findings, case.now)
    return override if problem is None else Refusal(override.rules, at, f"does not count: the override {problem}")


def _granted(override: Override, needed: frozenset[str], case: Case, answers: Answers) -> list[Override | Refusal]:
    """The part of an override that is granted, and why the rest is not."""
    at = (*override.prefix, "metadata", "annotations", RULES)
    if case.requester is None or "rbac" not in case.policy.overrides.authorise:
        return [Refusal(needed, at, "does not count: nobody has granted it")]
    found: list[Override | Refusal] = []
    said = {
        rule: answers.get(MayOverride(case.requester, rule, case.namespace, case.resource.identity.name))
        for rule in sorted(needed)
    }
    if allowed := frozenset(rule for rule, answer in said.items() if answer is True):
        found.append(replace(override, rules=allowed))
    for rule, answer in said.items():
        if answer is not True:
            found.append(Refusal(frozenset({rule}), at, _why(rule, case, answer)))
    return found


def _why(rule: str, case: Case, answer: Answer) -> str:
    who = shown(case.requester.username) if case.requester is not None else "nobody"
    if answer is None:
        return f"does not count for {rule}: nobody could say in time whether {who} may override it"
    where = f"in namespace {case.namespace}" if case.namespace else "in the cluster"
    return (
        f"does not count for {rule}: {who} may not override it {where}; a role has to allow the verb override on "
        f"rules.podgate.dev/{rule}"
    )


def _owner(case: Case) -> OwnerReference | None:
    """The owner of what its controller makes: by the controller's own account, never by the reference alone."""
    owner = case.resource.identity.controller
    if owner is None or case.requester is None or owner.kind not in _CONTROLLERS:
        return None
    account = f"system:serviceaccount:kube-system:{_CONTROLLERS[owner.kind]}"
    return owner if case.requester.username in (account, _MANAGER) else None


def _inherited(case: Case, owner: OwnerReference, answers: Answers) -> Found | Asked:
    """What was lifted for the owner, and is the same here.

    A CronJob's own annotations do not come to its Jobs: where a Job asks for nothing, its CronJob counts for its pods.
    """
    found = _looked_up(case, owner, answers)
    if not isinstance(found, Resource):
        return found
    above = found.identity.controller
    asks = any(overrides.SIGNATURE in said or RULES in said for said in overrides.places(found).values())
    if found.identity.kind == _JOB and above is not None and above.kind == "CronJob" and not asks:
        found = _looked_up(case, above, answers)
        if not isinstance(found, Resource):
            return found
    return _as_owner(case, found)


def _looked_up(case: Case, owner: OwnerReference, answers: Answers) -> Resource | Found | Asked:
    question = OwnerOf(owner.api_version or "", owner.kind or "", case.namespace, owner.name or "")
    if question not in answers:
        return Asked((question,))
    answer = answers.get(question)
    at: Path = ("metadata", "ownerReferences")
    if not isinstance(answer, Mapping) or _uid(answer) != owner.uid or not owner.uid:
        return (Refusal(frozenset(), at, "leads to no owner that could be looked up in time"),)
    try:
        return resources.read(answer)
    except UnreadableObjectError:
        return (Refusal(frozenset(), at, "leads to an owner that cannot be read"),)


def _as_owner(case: Case, resource: Resource) -> Found:
    """What was lifted for this owner, and is the same here."""
    asked = [_still(each, case) for each in overrides.of(resource, case.policy.overrides, case.now)]
    there = case.policy.engine.evaluate(resource)
    lifted = [
        (_inside(found, resource), override)
        for found in there.findings
        if (override := granted(asked, found.rule.id, found.path)) is not None
    ]
    kept = _same(((found.rule.id, _inside(found, case.resource)) for found in case.evaluation.findings), lifted)
    if is_risky(there, case.policy) and there.risk is not None:  # otherwise nobody was asked about the risk
        risk = granted(asked, RISK, there.risk.path)
        kept += [replace(risk, rules=frozenset({RISK}), prefix=())] if risk is not None else []
    return (*kept, *(each for each in asked if isinstance(each, Refusal)))


def left(case: Case, found: Found) -> Evaluation:
    """What was found, with the risk of the riskiest pod that no override is about, if it leads to anything."""
    evaluation, resource = case.evaluation, case.resource
    if evaluation.risk is None or granted(found, RISK, evaluation.risk.path) is None:
        return evaluation
    rest = tuple(each for each in resource.pods if granted(found, RISK, each.prefix) is None)
    if not rest:
        return evaluation
    other = case.policy.engine.evaluate(Resource(resource.row, resource.body, resource.identity, rest))
    return replace(evaluation, risk=other.risk) if is_risky(other, case.policy) else evaluation


def _still(found: Override | Refusal, case: Case) -> Override | Refusal:
    """What the owner was granted, as far as the policy still takes it: keys and signatures are revoked."""
    if isinstance(found, Refusal):
        return found
    policy = case.policy
    at = (*found.prefix, "metadata", "annotations", SIGNATURE if found.signature else RULES)
    if not found.signature:
        counts = "rbac" in policy.overrides.authorise
        return found if counts else Refusal(found.rules, at, "does not count: nobody has granted it")
    if policy.keys is None or "signature" not in policy.overrides.authorise:
        return Refusal(found.rules, at, "does not count: the policy knows no keys")
    from policies.signature import unfit  # noqa: PLC0415 - loaded where there are keys

    problem = unfit(policy.keys, found, case.now)
    return found if problem is None else Refusal(found.rules, at, f"does not count: the override {problem}")


def is_risky(evaluation: Evaluation, policy: Policy) -> bool:
    """Whether the risk leads to anything."""
    risk = evaluation.risk
    return risk is not None and risk.probability >= min(policy.thresholds.warn_at, policy.thresholds.deny_at)


_Inside = tuple[str, Path, str]


def _same(findings: Iterable[tuple[str, _Inside]], lifted: list[tuple[_Inside, Override]]) -> list[Override]:
    """Overrides of the rules of which every finding was lifted for the owner, each as often as it was there."""
    known: dict[_Inside, list[Override]] = {}
    for found, override in lifted:
        known.setdefault(found, []).append(override)
    by_rule: dict[str, list[Override | None]] = {}
    for rule, found in findings:
        same = known.get(found)
        by_rule.setdefault(rule, []).append(same.pop(0) if same else None)
    return [
        replace(each[0], rules=frozenset({rule}), prefix=())
        for rule, each in by_rule.items()
        if each[0] is not None and None not in each
    ]


def _inside(found: Finding, resource: Resource) -> _Inside:
    """A finding without the way to its pod: the same in a template and in the pod that is made of it.

    Rules that look at whole objects find things in pods, too.
    """
    ways = [each.prefix for each in resource.pods if found.path[: len(each.prefix)] == each.prefix]
    inside = found.path[max(map(len, ways), default=0) :]
    return found.rule.id, tuple([step for step in inside if isinstance(step, str)]), found.message


def _uid(obj: Mapping[str, Any]) -> Any:
    meta = obj.get("metadata")
    return meta.get("uid") if isinstance(meta, Mapping) else None
