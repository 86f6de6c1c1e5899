"""An admission request, from bytes to bytes: the five steps, in order, and nothing else."""

import dataclasses
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from msgspec import Struct

from policies import decision as decisions
from policies import kinds, overrides
from policies import resource as resources
from policies.config import Mode, Policy
from policies.decision import Decision, Verdict
from policies.engine import NOTHING, Evaluation
from policies.identity import Kind
from policies.path import Path
from policies.resource import Resource, UnreadableObjectError
from webhook import grants, review, updates
from webhook.asking import Answer, NamespaceOf, Namespaces, Plain
from webhook.deadline import Spared
from webhook.grants import NOT_ASKED, SILENCE, Answers, Asked, Case
from webhook.recall import Recall
from webhook.review import Request


class Admitted(Struct, frozen=True):
    """The answer, and what it was given to: `body` is the AdmissionReview to send back, by this policy.

    `spared` is what there was no time for.
    """

    body: bytes
    request: Request
    decision: Decision
    policy: Policy
    spared: tuple[Spared, ...] = ()


class Context(Struct, frozen=True):
    """What a review is judged in: facts of namespaces, a clock, and what was decided before."""

    namespaces: Namespaces = Plain()
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    recall: Recall = Recall(0)


ALONE = Context()


def admit(body: bytes, policy: Policy, context: Context = ALONE, answers: Answers = SILENCE) -> Admitted:
    """Answer a review with what is known, where nobody else can be asked.

    Raises review.BadReviewError when the call is bad; whatever else it raises is a bug.
    """
    admitted = consider(body, policy, context, answers)
    if isinstance(admitted, Asked):
        raise TypeError("a review that was answered asks again")
    return admitted


def consider(
    body: bytes,
    policy: Policy,
    context: Context = ALONE,
    answers: Answers = NOT_ASKED,
    spared: tuple[Spared, ...] = (),
) -> Admitted | Asked:
    """Answer a review, or say what has to be known first; without what there is no time for."""
    request = review.parse(body)
    kind = Kind(request.kind.group, request.kind.kind)
    if not _changes(request, kind):
        return Admitted(review.pass_over(request), request, decisions.ALLOWED, policy)
    here = _policy(request, policy, context, answers)
    if isinstance(here, Asked):
        return here
    if excluded := _excluded(request, here):
        return Admitted(review.pass_over(request, excluded), request, decisions.ALLOWED, here)
    if not here.engine.concerns(kind):
        return Admitted(review.pass_over(request), request, decisions.ALLOWED, here)
    return _answered(request, kind, policy, here, context, answers, spared)


def _answered(
    request: Request,
    kind: Kind,
    policy: Policy,
    here: Policy,
    context: Context,
    answers: Answers,
    spared: tuple[Spared, ...],
) -> Admitted | Asked:
    """The answer by what the policy is here: as it was given before, or judged now."""
    recall = context.recall
    recall.under(policy)
    key = recall.key(request, kind, here)
    if (kept := recall.find(key)) is not None:
        return Admitted(review.encode(kept.response, request), request, kept.decision, here)
    # What may deny is never left out: an answer without it would let through what nobody has looked at.
    if spared and (here.denies_by_risk or not kinds.holds_pods(kind)):
        spared = tuple(each for each in spared if each != "risk")
    judged = _judge(request, kind, here, context, answers, assess="risk" not in spared)
    if isinstance(judged, Asked):
        return judged
    decision, at_any_time = judged
    response = review.answer(decision, here, spared)
    if at_any_time and not spared:
        recall.keep(key, decision, response)
    return Admitted(review.encode(response, request), request, decision, here, spared)


def _policy(request: Request, policy: Policy, context: Context, answers: Answers) -> Policy | Asked:
    """The policy of the request's namespace. What is not known of it is asked for; without an answer it is strict."""
    namespace = request.namespace or ""
    if not namespace or request.kind.kind == "Namespace":
        return policy.within(namespace, {})
    labels = context.namespaces.labels(namespace)
    if labels is None:
        question = NamespaceOf(namespace)
        if question not in answers:
            return Asked((question,))
        labels = _labels(answers.get(question))
    return policy.within(namespace, labels)


def _labels(answer: Answer) -> Mapping[str, str] | None:
    if not isinstance(answer, Mapping):
        return None
    meta = answer.get("metadata")
    labels = meta.get("labels") if isinstance(meta, Mapping) else None
    return {str(key): str(value) for key, value in labels.items()} if isinstance(labels, Mapping) else {}


def _excluded(request: Request, policy: Policy) -> str:
    return "mode off" if policy.off else policy.excludes(request.namespace or "", request.requester)


def _changes(request: Request, kind: Kind) -> bool:
    """Whether something comes into being that can be judged."""
    if request.operation not in ("CREATE", "UPDATE") or request.sub_resource == "status":
        return False
    # A status cannot change what runs; any other subresource that carries a pod can (pods/ephemeralcontainers,
    # pods/resize, and whatever comes next), and a Scale how often. The rest (tokens, evictions) are calls, not objects.
    return not request.sub_resource or kind.kind == "Scale" or kinds.holds_pods(kind)


def _judge(
    request: Request, kind: Kind, policy: Policy, context: Context, answers: Answers, *, assess: bool
) -> tuple[Decision, bool] | Asked:
    """What is decided, and whether it would be at any time: no override has a say in it."""
    update = request.operation == "UPDATE"
    changes = update and not policy.judge_whole_updates
    before = request.old_object if update else None
    try:
        resource = resources.read(request.object, kind, request.requester, before)
        if runs_apart(resource, policy):
            return decisions.ALLOWED, True
        evaluation, known = policy.engine.evaluate(resource, assess=assess, memory=context.recall.specs), NOTHING
        if changes and (evaluation.findings or grants.is_risky(evaluation, policy)):
            kept = updates.kept(resource)
            evaluation = updates.with_values(evaluation, request.object, kept)
            known = grants.excused(_before(resource, request, policy, context, kept), resource)
    except UnreadableObjectError as error:
        if changes and updates.is_specification_kept(request):
            return decisions.tolerate(error), False
        return decisions.refuse(error, policy), False
    decision = decisions.decide(evaluation, policy, known)
    if decision.judged is Verdict.ALLOW or (decision.judged is Verdict.WARN and not overrides.are_asked(resource)):
        return decision, True
    # What is at stake is what the policy would deny if its mode let it.
    strict = decision
    if policy.mode is Mode.AUDIT:
        strict = decisions.decide(evaluation, dataclasses.replace(policy, mode=Mode.ENFORCE), known)
    case = Case(
        resource,
        evaluation,
        strict,
        policy,
        request.namespace or "",
        request.requester,
        context.now(),
        request.object,
    )
    lifted = _lifted(case, decision, known, answers)
    return lifted if isinstance(lifted, Asked) else (lifted, not grants.may_change(case))


def _lifted(case: Case, decision: Decision, known: Evaluation, answers: Answers) -> Decision | Asked:
    """The decision with the overrides that count."""
    try:
        found = grants.weigh(case, answers)
    except UnreadableObjectError as error:  # in a part that no rule looks at
        return decisions.refuse(error, case.policy)
    if isinstance(found, Asked):
        return found
    return decisions.decide(grants.left(case, found), case.policy, known, found) if found else decision


def runs_apart(resource: Resource, policy: Policy) -> bool:
    """Whether every pod runs in a class of runtimes that the policy excludes."""
    classes = policy.scopes.runtime_classes
    if not classes or not resource.pods:
        return False
    return all(found.pod.spec.runtime_class_name in classes for found in resource.pods)


def _before(
    resource: Resource, request: Request, policy: Policy, context: Context, kept: tuple[Path, ...]
) -> Evaluation:
    """What the object had before. What was not understood cannot excuse anything, nor what was never judged."""
    if resource.before is None or runs_apart(resource.before, policy):
        return NOTHING
    try:
        before = policy.engine.evaluate(resource.before, memory=context.recall.specs)
        return updates.with_values(before, request.old_object, kept)
    except UnreadableObjectError:
        return NOTHING
