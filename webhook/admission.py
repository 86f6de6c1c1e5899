"""An admission request, from bytes to bytes: the five steps, in order, and nothing else."""

from msgspec import Raw, Struct

from policies import decision as decisions
from policies import kinds
from policies import resource as resources
from policies.config import Policy
from policies.decision import Decision
from policies.engine import NOTHING, Evaluation
from policies.kinds import Kind
from policies.resource import UnreadableObjectError
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
    if not _carries_pods(request, kind):
        return Admitted(review.pass_over(request), request, decisions.ALLOWED)
    decision = _judge(request, kind, policy)
    return Admitted(review.answer(request, decision, policy), request, decision)


def _carries_pods(request: Request, kind: Kind) -> bool:
    # A status cannot change what runs; any other subresource that carries a pod can (pods/ephemeralcontainers,
    # pods/resize, and whatever comes next).
    changes = request.operation in ("CREATE", "UPDATE") and request.sub_resource != "status"
    return changes and kinds.holds_pods(kind)


def _judge(request: Request, kind: Kind, policy: Policy) -> Decision:
    changes = request.operation == "UPDATE" and not policy.judge_whole_updates
    try:
        evaluation, before = _evaluate(request.object, kind, policy), NOTHING
        if changes and evaluation.findings:
            evaluation, before = review.with_values(evaluation, request.object), _before(request, kind, policy)
    except UnreadableObjectError as error:
        if changes and review.is_specification_kept(request):
            return decisions.tolerate(error)
        return decisions.refuse(error, policy)
    return decisions.decide(evaluation, policy, before)


def _before(request: Request, kind: Kind, policy: Policy) -> Evaluation:
    """What the object had before. What it was cannot excuse anything when it cannot be understood."""
    try:
        return review.with_values(_evaluate(request.old_object, kind, policy), request.old_object)
    except UnreadableObjectError:
        return NOTHING


def _evaluate(encoded: Raw, kind: Kind, policy: Policy) -> Evaluation:
    return policy.engine.evaluate(resources.read(encoded, kind))
