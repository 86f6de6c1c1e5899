"""Overrides: what is dangerous is let through only for whoever granted it, as it was granted.

An input is a review with what a cluster would answer: which rules the requester may override, and the owner.
"""

import json
from base64 import b64encode
from copy import deepcopy
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Raw

from policies import config, overrides, registry, resource, signature
from policies.overrides import EXPIRES, REASON, RULES, SIGNATURE, TICKET, Override
from tests.fuzz.targets import admission
from tests.fuzz.targets.admission import decoded, is_dangerous, is_new, way_of
from tests.fuzz.targets.target import Target
from tests.fuzz.trees import Trees
from tests.reviews import body, pod, review
from webhook.admission import Context, admit
from webhook.asking import Answer, MayOverride, OwnerOf, Question
from webhook.grants import Silence
from webhook.review import BadReviewError
from webhook.updates import with_values

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_NAMES = frozenset({"privileged", "host-pid", "host-network"})
_CONTROLLERS = ("system:serviceaccount:kube-system:", "system:kube-controller-manager")
POLICY = config.parse(f"""
apiVersion: podgate.dev/v1alpha1
kind: GatePolicy
metadata: {{name: fuzz}}
spec:
  profile: pss-baseline
  overrides:
    neverFor: [host-ipc]
    keys: [{{id: team, publicKey: "{b64encode(_PRIVATE.public_key().public_bytes_raw()).decode()}"}}]
""")
_CONTEXT = Context(now=lambda: NOW)
Json = dict[str, Any]


class _Replies(Silence):
    """What a cluster says that the input describes."""

    def __init__(self, may: list[str], owner: Json | None) -> None:
        super().__init__()
        self._may = may
        self._owner = owner

    def get(self, key: Question, default: Answer = None) -> Answer:  # type: ignore[override]
        if isinstance(key, MayOverride):
            return key.rule in self._may
        return self._owner if isinstance(key, OwnerOf) else default


def take(content: bytes) -> bool:
    """Whether it was a review that could be judged."""
    case = decoded(content)
    if not isinstance(case, dict) or not isinstance(case.get("review"), dict):
        return False
    may = [rule for rule in case.get("may") or () if isinstance(rule, str)] if isinstance(case.get("may"), list) else []
    owner = case.get("owner") if isinstance(case.get("owner"), dict) else None
    try:
        sent = json.dumps(case["review"], allow_nan=False).encode()
        allowed = json.loads(admit(sent, POLICY, _CONTEXT, _Replies(may, owner)).body)["response"]["allowed"]
    except (BadReviewError, ValueError, RecursionError):
        return False
    request = case["review"]["request"]
    if allowed and is_new(request) and is_dangerous(request["object"], way_of(request)):
        assert _is_granted(request, may) or _is_signed(request) or _is_inherited(request, owner), (
            "a dangerous pod is let through, and nobody granted it"
        )
    return True


def _is_granted(request: Json, may: list[str]) -> bool:
    """Whether somebody may, and the object asks, says why and until when."""
    return bool(_NAMES & set(may)) and any(map(_asks, _places(request["object"], way_of(request) or "")))


def _places(obj: Any, way: str) -> list[Json]:
    """The annotations of an object, and those of the template in it."""
    holders = [obj, admission.at(obj, way)] if way else [obj]
    metas = [each.get("metadata") if isinstance(each, dict) else None for each in holders]
    found = [each.get("annotations") if isinstance(each, dict) else None for each in metas]
    return [each if isinstance(each, dict) else {} for each in found]


def _asks(said: Json) -> bool:
    return all(_text(said, name) for name in (RULES, REASON, EXPIRES)) and bool(_rules(said) & _NAMES)


def _text(said: Json, name: str) -> str:
    return str(said.get(name) or "").strip()


def _rules(said: Json) -> frozenset[str]:
    known = registry.by_name()
    names = [each.strip() for each in _text(said, RULES).split(",")]
    return frozenset(known[name].id if name in known else name for name in names)


def _is_signed(request: Json) -> bool:
    """Whether it is, in all that matters, one of the objects that were signed, with its signature."""
    here = _essence({**request["object"], "kind": request["kind"]["kind"]}, way_of(request) or "")
    return any(
        each in here for obj in _signed() for each in _essence(obj, "" if obj["kind"] == "Pod" else "spec.template")
    )


def _essence(obj: Json, way: str) -> list[Any]:
    """Of each place with a signature: what it is, where it stands, what it says, and what is dangerous there."""
    meta = obj.get("metadata") or {}
    spec = admission.at(obj, way)["spec"]
    holder = [obj.get("kind"), meta.get("name"), meta.get("namespace") or "", *admission.dangers(spec)]
    return [
        [*holder, index, _rules(said), *(_text(said, name) for name in (REASON, TICKET, SIGNATURE)), _time(said)]
        for index, said in enumerate(_places(obj, way))
        if _text(said, SIGNATURE)
    ]


def _time(said: Json) -> datetime | None:
    try:
        return datetime.fromisoformat(_text(said, EXPIRES)[:40])
    except ValueError:
        return None


def _is_inherited(request: Json, owner: Json | None) -> bool:
    """Whether a controller made it for an owner that asks for what it has."""
    user = (request.get("userInfo") or {}).get("username") or ""
    if owner is None or not user.startswith(_CONTROLLERS):
        return False
    uids = [each.get("uid") for each in request["object"]["metadata"].get("ownerReferences") or () if each]
    return owner["metadata"]["uid"] in uids and any(map(_asks, _places(owner, "spec.template")))


@cache
def _signed() -> list[Json]:
    """Objects with signatures that count."""
    one, two = _asking(pod(spec={"hostPID": True})), _asking(_daemon())
    inside = _daemon()
    inside["spec"]["template"]["metadata"] = {"annotations": _asked()}
    return [_sign(each) for each in (one, two, inside)]


def _asked() -> Json:
    return {RULES: "privileged, host-pid", REASON: "reads logs", EXPIRES: "2026-12-14T00:00:00Z", TICKET: "OPS-7"}


def _asking(obj: Json) -> Json:
    obj["metadata"]["annotations"] = _asked()
    return obj


def _daemon() -> Json:
    container = {"name": "agent", "image": "registry.example.com/agent:1", "securityContext": {"privileged": True}}
    template = {"metadata": {}, "spec": {"hostPID": True, "containers": [container]}}
    meta = {"name": "agent", "namespace": "default", "uid": "0001"}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": {"template": template}}


def _sign(obj: Json) -> Json:
    found = resource.read(obj)
    asked = overrides.of(found, POLICY.overrides, NOW)[0]
    assert isinstance(asked, Override), asked
    evaluation = with_values(POLICY.engine.evaluate(found), Raw(body(obj)))
    document = signature.statements(asked, found, evaluation.findings)[0]
    holder = obj if RULES in obj["metadata"].get("annotations", {}) else obj["spec"]["template"]
    holder["metadata"]["annotations"][SIGNATURE] = signature.annotation("team", _PRIVATE.sign(document))
    return obj


@cache
def seeds() -> list[bytes]:
    """Objects that are signed, granted, or made by a controller for one that is; and others as they are."""
    signed = deepcopy(_signed())
    found: list[Json] = [{"review": review(each), "may": [], "owner": None} for each in signed]
    granted = [_asking(each) for each in (pod(spec={"hostPID": True}), _daemon())]
    found += [{"review": review(each), "may": ["privileged", "host-pid", "risk"], "owner": None} for each in granted]
    made = pod(spec={"hostPID": True}, securityContext={"privileged": True})
    made["metadata"]["ownerReferences"] = [
        {"apiVersion": "apps/v1", "kind": "DaemonSet", "name": "agent", "uid": "0001", "controller": True}
    ]
    who = {"username": "system:serviceaccount:kube-system:daemon-set-controller"}
    found += [{"review": review(made, userInfo=who), "may": [], "owner": each} for each in (*signed[1:], granted[1])]
    found.append({"review": review(_daemon(), old=granted[1]), "may": [], "owner": None})
    return [json.dumps(each).encode() for each in found]


TARGET = Target("override", take, seeds, lambda: Trees(seeds()).mutate, 8_192)
