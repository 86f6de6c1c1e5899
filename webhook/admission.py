"""An admission request, from bytes to bytes: the five steps, in order, and nothing else."""

from msgspec import Struct

from policies import decision as decisions
from policies import kinds
from policies import resource as resources
from policies.config import Policy
from policies.decision import Decision
from policies.engine import NOTHING, Evaluation
from policies.identity import Kind
from policies.resource import Resource, UnreadableObjectError
from webhook import review
from webhook.review import Request


class Admitted(Struct, frozen=True):
    """The answer, and what it was given to: `body` is the AdmissionReview to send back."""

    body: bytes
    request: Request
    decision: Decision


def admit(body: bytes, policy: Policy) -> Admitted:
    """Answer a review. Raises review.BadReviewError when the call is bad; whatever else it raises is a bug."""
    request = review.parse(body)
    kind = Kind(request.kind.group, request.kind.kind)
    if not _changes(request, kind) or not policy.engine.concerns(kind):
        return Admitted(review.pass_over(request), request, decisions.ALLOWED)
    decision = _judge(request, kind, policy)
    return Admitted(review.answer(request, decision, policy), request, decision)


def _changes(request: Request, kind: Kind) -> bool:
    """Whether something comes into being that can be judged."""
    if request.operation not in ("CREATE", "UPDATE") or request.sub_resource == "status":
        return False
    # A status cannot change what runs; any other subresource that carries a pod can (pods/ephemeralcontainers,
    # pods/resize, and whatever comes next), and a Scale how often. The rest (tokens, evictions) are calls, not objects.
    return not request.sub_resource or kind.kind == "Scale" or kinds.holds_pods(kind)


def _judge(request: Request, kind: Kind, policy: Policy) -> Decision:
    update = request.operation == "UPDATE"
    changes = update and not policy.judge_whole_updates
    before = request.old_object if update else None
    try:
        resource = resources.read(request.object, kind, request.requester, before)
        evaluation, known = policy.engine.evaluate(resource), NOTHING
        if changes and (evaluation.findings or _is_risky(evaluation, policy)):
            evaluation, known = review.with_values(evaluation, request.object), _before(resource, request, policy)
    except UnreadableObjectError as error:
        if changes and review.is_specification_kept(request):
            return decisions.tolerate(error)
        return decisions.refuse(error, policy)
    return decisions.decide(evaluation, policy, known)


def _is_risky(evaluation: Evaluation, policy: Policy) -> bool:
    risk = evaluation.risk
    return risk is not None and risk.probability >= min(policy.thresholds.warn_at, policy.thresholds.deny_at)


def _before(resource: Resource, request: Request, policy: Policy) -> Evaluation:
    """What the object had before. What it was cannot excuse anything when it cannot be understood."""
    if resource.before is None:
        return NOTHING
    try:
        return review.with_values(policy.engine.evaluate(resource.before), request.old_object)
    except UnreadableObjectError:
        return NOTHING
