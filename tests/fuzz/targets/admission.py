"""Bytes of an AdmissionReview: an answer that the API server takes, or a refusal; and nothing dangerous is let through.

What is dangerous is read here a second time, by the JSON reader of the standard library and by a table of its own.
"""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from zlib import crc32

from policies import config
from tests.fuzz.targets.target import Target
from tests.fuzz.trees import Trees
from tests.policies import examples
from tests.reviews import RECORDED, body, review
from webhook.admission import ALONE, Context, admit
from webhook.recall import Recall
from webhook.review import BadReviewError

#: Every rule and the classifier; what every profile denies is denied.
POLICY = config.parse("""
apiVersion: podgate.dev/v1alpha1
kind: GatePolicy
metadata: {name: fuzz}
spec:
  profile: all
  rules: {privileged: {action: deny}, host-pid: {action: deny}, host-network: {action: deny}, host-ipc: {action: deny}}
  classifier: {warnAt: 0.0, denyAt: 0.9}
""")
REMEMBERING = Context(recall=Recall())
_WAYS = {
    ("", "Pod"): "",
    ("", "PodTemplate"): "template",
    ("", "ReplicationController"): "spec.template",
    ("apps", "Deployment"): "spec.template",
    ("apps", "StatefulSet"): "spec.template",
    ("apps", "DaemonSet"): "spec.template",
    ("apps", "ReplicaSet"): "spec.template",
    ("batch", "Job"): "spec.template",
    ("batch", "CronJob"): "spec.jobTemplate.spec.template",
}
_HOST = ("hostPID", "hostNetwork", "hostIPC")
_LISTS = ("containers", "initContainers", "ephemeralContainers")


def take(content: bytes) -> bool:
    """Whether it was a review."""
    answered = answer(content)
    if answered is None:
        return False
    read = decoded(content)
    if read is None:
        return True
    request = read["request"]
    is_sound(answered, request["uid"])
    if is_new(request) and is_dangerous(request["object"], way_of(request)):
        assert not answered["allowed"], "a dangerous pod is let through"
    assert answer(content, REMEMBERING) == answered, "the verdict depends on what was judged before"
    if crc32(content) % 8 == 0 and (other := _otherwise(read)) is not None:
        assert answer(other) == answered, "the verdict depends on how JSON is written"
    return True


def answer(content: bytes, context: Context = ALONE) -> Any:
    """The response to a review; None when it is refused as none."""
    try:
        found = admit(content, POLICY, context).body
    except BadReviewError as error:
        is_short = 0 < len(str(error)) <= 500
    else:
        return _response(found)
    assert is_short, "a refusal says too much, or nothing"
    return None


def _response(found: bytes) -> Any:
    whole = json.loads(found)
    assert (whole["apiVersion"], whole["kind"]) == ("admission.k8s.io/v1", "AdmissionReview")
    return whole["response"]


def decoded(content: bytes) -> Any:
    """The same bytes as the standard library reads them; None where it does not."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def is_new(request: Any) -> bool:
    """Whether what is asked for has to be judged, whatever was there before."""
    return bool(request["operation"] == "CREATE" and not request.get("subResource"))


def way_of(request: Any) -> str | None:
    """Where the pod stands in an object of this kind."""
    kind = request["kind"]
    return _WAYS.get((kind.get("group", ""), kind["kind"]))


def is_dangerous(obj: Any, way: str | None) -> bool:
    """Whether a pod enters the host's namespaces, or has a container that is privileged."""
    holder = at(obj, way) if way is not None else None
    spec = holder.get("spec") if isinstance(holder, dict) else None
    return isinstance(spec, dict) and bool(dangers(spec))


def at(obj: Any, way: str) -> Any:
    """What holds the pod."""
    for step in filter(None, way.split(".")):
        obj = obj.get(step) if isinstance(obj, dict) else None
    return obj


def dangers(spec: Any) -> list[str]:
    """What is dangerous in a pod, by the names of fields."""
    return [name for name in _HOST if spec.get(name) is True] + [
        "privileged" for each in _containers(spec) if _is_privileged(each)
    ]


def _containers(spec: Any) -> Iterator[Any]:
    for name in _LISTS:
        found = spec.get(name)
        yield from found if isinstance(found, list) else []


def _is_privileged(container: Any) -> bool:
    context = container.get("securityContext") if isinstance(container, dict) else None
    return isinstance(context, dict) and context.get("privileged") is True


def is_sound(response: Any, uid: str) -> None:
    """What the API server, and who reads it, take as an answer."""
    assert response["uid"] == uid
    assert type(response["allowed"]) is bool
    warnings, notes = response.get("warnings", []), response.get("auditAnnotations", {})
    if response["allowed"]:
        assert "status" not in response
    else:
        assert not warnings
        status = response["status"]
        assert (status["code"], status["reason"]) in ((403, "Forbidden"), (422, "Invalid"))
        assert 0 < len(status["message"]) <= 16_384
        assert _is_clean(status["message"].replace("\n", ""))
    assert sum(map(len, warnings)) <= 2_048
    assert all(0 < len(each) <= 256 and _is_clean(each) for each in warnings)
    assert all("/" not in key and len(text) <= 1_024 and _is_clean(text) for key, text in notes.items())


def _is_clean(text: str) -> bool:
    """Whether it is safe in a header and on a terminal."""
    return all(ord(each) >= 32 and not 127 <= ord(each) < 160 for each in text)


def _otherwise(read: Any) -> bytes | None:
    try:
        return json.dumps(read, indent=1, allow_nan=False).encode()
    except (ValueError, RecursionError):
        return None


@cache
def seeds() -> list[bytes]:
    """Recorded reviews, and reviews of what the rules' examples show."""
    found = [_lean(json.loads(file.read_bytes())) for file in sorted(RECORDED.glob("*.json"))]
    for _, case in [*examples.good(), *examples.bad()]:
        found.append(review(examples.obj(case), old=case.before))
    return sorted({body(each) for each in found})


def _lean(content: Any) -> Any:
    for name in ("object", "oldObject"):
        if content["request"].get(name):
            content["request"][name].get("metadata", {}).pop("managedFields", None)
    return content


TARGET = Target("admission", take, seeds, lambda: Trees(seeds()).mutate, 16_384)
