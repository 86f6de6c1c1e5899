"""What an update leaves as it is: a whole specification, the specs of pods, what stands where something was found."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from policies.engine import Evaluation
from policies.path import Path
from policies.resource import Resource, UnreadableObjectError
from webhook.review import Request


def is_specification_kept(request: Request) -> bool:
    """Whether an update changes nothing but status and metadata other than annotations. Slow: it decodes all."""
    try:
        new, old = (_specification(each) for each in (request.object, request.old_object))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return False
    return new == old


def _specification(encoded: Raw) -> bytes:
    content = msgspec.json.decode(encoded, type=dict[str, Any])
    meta = content.pop("metadata", None)
    content.pop("status", None)
    annotations = meta.get("annotations") if isinstance(meta, dict) else meta
    return msgspec.json.encode([content, annotations], order="sorted")


def kept(resource: Resource) -> tuple[Path, ...]:
    """The specs of pods that an update leaves as they are, byte for byte."""
    if resource.before is None:
        return ()
    old = {prefix + pod.at(): pod.encoded for pod, prefix in resource.before.pods}
    new = ((prefix + pod.at(), pod.encoded) for pod, prefix in resource.pods)
    return tuple(at for at, encoded in new if encoded is not None and encoded == old.get(at))


def with_values(evaluation: Evaluation, obj: Raw, kept: Sequence[Path] = ()) -> Evaluation:
    """The same findings with what stands at their paths, so that a change of it is seen. Slow: it decodes all.

    Below what is `kept`, byte for byte, no change is to be seen, and no value is told.
    Raises UnreadableObjectError when what was skipped before turns out not to be JSON.
    """
    changing = [not any(each.path[: len(at)] == at for at in kept) for each in evaluation.findings]
    if not any(changing):
        return evaluation
    try:
        content = msgspec.json.decode(obj)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise UnreadableObjectError((), "is not JSON") from error
    found = [
        replace(each, value=_value(content, each.path)) if changes else each
        for each, changes in zip(evaluation.findings, changing, strict=True)
    ]
    return Evaluation(tuple(found), evaluation.risk)


def _value(content: Any, path: Path) -> bytes:
    for step in path:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return b""
    return msgspec.json.encode(content, order="sorted")
