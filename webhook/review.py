"""AdmissionReview v1 on the wire: bytes to a request, a decision to bytes.

Sources: k8s.io/api/admission/v1/types.go; what the API server does with the answer is in
k8s.io/apiserver/pkg/admission/plugin/webhook (request/admissionreview.go, errors/statuserror.go).
"""

from collections.abc import Iterable
from functools import cached_property, lru_cache
from itertools import chain
from typing import Literal

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from policies.config import Mode, Policy
from policies.decision import ALLOWED, Decision, Reason, Verdict
from policies.identity import Requester
from policies.profile import Action
from webhook.deadline import Spared

API_VERSION = "admission.k8s.io/v1"
KIND = "AdmissionReview"


class BadReviewError(Exception):
    """The call itself is bad: what was sent is no AdmissionReview v1 that can be answered."""


class GroupVersionKind(Struct, frozen=True):
    kind: str
    group: str = ""
    version: str = ""


class UserInfo(Struct, frozen=True):
    username: str | None = None
    groups: tuple[str, ...] | None = None
    uid: str | None = None
    extra: dict[str, tuple[str, ...] | None] | None = None


class Request(Struct, frozen=True, rename="camel", dict=True):
    """What the API server asks. The objects stay encoded until it is known what to read them as."""

    uid: str
    kind: GroupVersionKind
    operation: Literal["CREATE", "UPDATE", "DELETE", "CONNECT"]
    name: str | None = None
    namespace: str | None = None
    sub_resource: str | None = None
    user_info: UserInfo | None = None
    object: Raw = Raw(b"null")
    old_object: Raw = Raw(b"null")
    dry_run: bool | None = None

    @cached_property
    def requester(self) -> Requester | None:
        """Who asks, where the API server says so."""
        user = self.user_info
        if user is None:
            return None
        extra = tuple(sorted((key, values or ()) for key, values in (user.extra or {}).items()))
        return Requester(user.username or "", user.groups or (), user.uid or "", extra)


class AdmissionReview(Struct, frozen=True, rename="camel"):
    api_version: str
    kind: str
    request: Request


class Status(Struct, frozen=True):
    message: str
    reason: str
    code: int
    status: str = "Failure"


class Response(Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Never a patch: a validating webhook that answers one is an error to the API server."""

    uid: str
    allowed: bool
    status: Status | None = None
    warnings: list[str] = []
    audit_annotations: dict[str, str] = {}


class Answer(Struct, frozen=True, rename="camel"):
    response: Response
    api_version: str = API_VERSION
    kind: str = KIND


_decode = msgspec.json.Decoder(AdmissionReview).decode
_encode = msgspec.json.Encoder().encode


def parse(body: bytes) -> Request:
    """Read the body of a review. Raises BadReviewError, which says what is wrong and where."""
    try:
        review = _decode(body)
    except msgspec.ValidationError as error:
        raise BadReviewError(f"the body is not an AdmissionReview: {_cut(str(error), MAX_SAID)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadReviewError(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise BadReviewError("the body is nested too deeply") from error
    if review.api_version != API_VERSION or review.kind != KIND:
        sent = f"{review.api_version[:100]} {review.kind[:100]}"
        raise BadReviewError(f"the body is a {sent}: send {API_VERSION} {KIND}")
    request = review.request
    if not request.uid:
        raise BadReviewError("request.uid is empty: without it the API server cannot tell which request is answered")
    if len(request.uid) > MAX_SAID:
        raise BadReviewError(f"request.uid is longer than {MAX_SAID} characters")
    if not request.kind.kind:
        raise BadReviewError("request.kind.kind is empty: it says what the object is")
    if request.operation in ("CREATE", "UPDATE") and is_null(request.object):
        raise BadReviewError(f"request.object is missing: {request.operation} always carries the object")
    return request


#: How much is repeated of what somebody sent.
MAX_SAID = 300
_NULL = Raw(b"null")


def is_null(encoded: Raw) -> bool:
    """Whether an object was left out, or null."""
    return encoded == _NULL


def pass_over(request: Request, excluded: str = "") -> bytes:
    """The answer to a request that carries nothing to judge, or that the policy excludes: then why."""
    annotations = {"decision": "allow", "excluded": excluded} if excluded else {}
    return _encode(Answer(Response(request.uid, True, audit_annotations=annotations)))


def encode(response: Response, request: Request) -> bytes:
    """The bytes of the answer to this request."""
    return _encode(Answer(replace(response, uid=request.uid)))


def answer(decision: Decision, policy: Policy, spared: tuple[Spared, ...] = ()) -> Response:
    """What tells the API server, and through it a person, what was decided and why; it lacks the uid of a request."""
    if decision is ALLOWED and not spared:
        return Response("", True, audit_annotations=_all_is_well(policy))
    denied = decision.verdict is Verdict.DENY
    return Response(
        uid="",
        allowed=not denied,
        status=_status(decision) if denied else None,
        warnings=[] if denied else _warnings(decision, policy),
        audit_annotations=_annotations(decision, policy) | _left_out(spared),
    )


# A denial's message has no limit of its own; ours keeps events and terminals readable.
_MAX_LINES = 100
_MAX_MESSAGE = 16_384
# The API server may cut a warning after 256 characters, and grants 4,096 to all webhooks of a request together.
_MAX_WARNING = 256
_MAX_WARNINGS = 2_048
# k8s.io/apiserver sets no limit to an audit annotation; audit backends do.
_MAX_ANNOTATION = 1_024


def _status(decision: Decision) -> Status:
    if decision.unreadable is not None:
        return Status(f"{decision.unreadable}. What cannot be understood is not let through.", "Invalid", 422)
    denying = [reason for reason in decision.reasons if reason.action is Action.DENY]
    more = [decision.risk_text] if decision.risk_action is Action.DENY else []
    more += [f"The override does not count: {refusal}." for refusal in decision.refusals]
    lines = chain((reason.text for reason in denying), more)
    return Status("\n".join(_bounded(lines, len(denying) + len(more), _MAX_LINES, _MAX_MESSAGE)), "Forbidden", 403)


def _warnings(decision: Decision, policy: Policy) -> list[str]:
    if policy.mode is Mode.AUDIT:
        return []
    if decision.unreadable is not None:
        return [_cut(decision.unreadable, _MAX_WARNING)] if decision.verdict is Verdict.WARN else []
    first = [*_used(decision), *policy.problems]
    if decision.risk_action is Action.WARN:
        first.append(decision.risk_text)
    warned = [reason for reason in decision.reasons if reason.action is Action.WARN]
    lines = chain((_cut(each, _MAX_WARNING) for each in first), map(_warning, warned))
    return _bounded(lines, len(first) + len(warned), _MAX_LINES, _MAX_WARNINGS)


def _used(decision: Decision) -> list[str]:
    """A line for each override that is used, so that nobody forgets it."""
    return [
        f"override: {', '.join(sorted(set(names)))} until {override.expires:%Y-%m-%d}"
        f"{', which is soon' if override.ends_soon else ''} ({override.reason})"
        for override, names in decision.lifted.items()
    ]


def _warning(reason: Reason) -> str:
    text = reason.text
    if len(text) > _MAX_WARNING:
        # What to do instead can be looked up (`podgate explain`); what is wrong, and where, cannot.
        text = text.removesuffix(f" {reason.finding.rule.remediation}")
    return _cut(text, _MAX_WARNING)


def _bounded(lines: Iterable[str], count: int, most: int, characters: int) -> list[str]:
    """The first lines that fit, and a last one that says how many of this count are left. The others are not made."""
    left = characters - 40
    kept: list[str] = []
    for line in lines:
        if kept and (len(kept) == most or len(line) > left):
            return [*kept, f"... and {count - len(kept)} more"]
        kept.append(_cut(line, left))
        left -= len(kept[-1]) + 1
    return kept


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[: characters - 3] + "..."


@lru_cache(maxsize=8)
def _all_is_well(policy: Policy) -> dict[str, str]:
    return _annotations(ALLOWED, policy)


def _left_out(spared: tuple[Spared, ...]) -> dict[str, str]:
    """What there was no time for."""
    found = {"skipped": ",".join(spared)} if spared else {}
    return {**found, "risk": "not assessed"} if "risk" in spared else found


def _annotations(decision: Decision, policy: Policy) -> dict[str, str]:
    """Keys without a slash: the API server prefixes them with the webhook's name and drops any other."""
    found = {"decision": str(decision.judged), "policy": f"{policy.name}@{policy.hash}"}
    if policy.mode is not Mode.ENFORCE:
        found["mode"] = str(policy.mode)
    if decision.reasons:
        ids = dict.fromkeys(reason.finding.rule.id for reason in decision.reasons)
        found["rules"] = _cut(",".join(ids), _MAX_ANNOTATION)
    if used := _used(decision):
        found["overridden"] = _cut("; ".join(line.removeprefix("override: ") for line in used), _MAX_ANNOTATION)
    if decision.risk is not None:
        found["risk"] = f"{decision.risk.probability:.3f}"
        found["model"] = policy.model
    if decision.unreadable is not None:
        found["error"] = _cut(decision.unreadable, _MAX_ANNOTATION)
    return found
