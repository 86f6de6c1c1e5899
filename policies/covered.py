"""What the signature of an override covers: what was found there, so that nothing can be added under its roof.

What is covered must read the same in a manifest and in the object that the API server makes of it, and in the next
version of Podgate. So messages are left out, and whatever the API server fills in counts as if it were not there.
"""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

import msgspec

from policies import quantity
from policies.engine import Finding
from policies.objects import Binding, Role
from policies.overrides import RISK, Override
from policies.path import Path
from policies.resource import Resource
from policies.risk.observe import Observer

#: More findings than anybody reads before signing, and fewer than the engine lists of a rule (engine.MAX_FINDINGS).
MOST = 500
_MOST_BYTES = 1 << 20


class TooMuchError(Exception):
    """An override that covers more than a signature vouches for: what, for a person."""


# k8s.io/kubernetes/pkg/apis/*/v1/defaults.go, by the name of the field. Empty texts and lists go without being named:
# the API server does not keep them. Empty objects do not: one selects everything where none selects nothing.
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "apiGroup": ("rbac.authorization.k8s.io",),
    "cachingMode": ("ReadWrite",),
    "defaultMode": (420,),
    "dnsPolicy": ("ClusterFirst",),
    "enableServiceLinks": (True,),
    "failureThreshold": (3,),
    "imagePullPolicy": ("Always", "IfNotPresent"),
    "iscsiInterface": ("default",),
    "periodSeconds": (10,),
    "procMount": ("Default",),
    "protocol": ("TCP",),
    "replicas": (1,),
    "resources": ({},),
    "restartPolicy": ("Always",),
    "schedulerName": ("default-scheduler",),
    "scheme": ("HTTP",),
    "securityContext": ({},),
    "serviceAccount": ("default",),
    "serviceAccountName": ("default",),
    "successThreshold": (1,),
    "terminationGracePeriodSeconds": (30,),
    "terminationMessagePath": ("/dev/termination-log",),
    "terminationMessagePolicy": ("File",),
    "timeoutSeconds": (1,),
}
# What holds quantities: 0.5 of a manifest is 500m in the cluster.
_QUANTITIES = frozenset({"limits", "requests"})


def covered(override: Override, resource: Resource, findings: Iterable[Finding]) -> list[list[Any]]:
    """What is covered, sorted, as JSON has it: rule, path, value there, and what else it is about.

    `findings` are those of the whole object, with their values. Raises TooMuchError.
    """
    here = concerned(override, findings)
    if len(here) > MOST:
        raise TooMuchError(f"covers more than {MOST} findings")
    if sum(len(found.value) for found in here) > _MOST_BYTES:
        raise TooMuchError(f"covers more than {_MOST_BYTES >> 10} KiB")
    try:
        items = [_item(found, resource) for found in here]
        if RISK in override.rules:
            items += _facts(override, resource)
        return sorted(items, key=encoded)
    except (RecursionError, ValueError) as error:
        raise TooMuchError("covers what is nested too deeply, or no JSON") from error


def concerned(override: Override, findings: Iterable[Finding]) -> list[Finding]:
    """The findings that an override lifts."""
    prefix = override.prefix
    return [each for each in findings if each.rule.id in override.rules and each.path[: len(prefix)] == prefix]


def digest(items: list[list[Any]]) -> str:
    """SHA-256 over what is covered."""
    return hashlib.sha256(encoded(items)).hexdigest()


def encoded(content: Any) -> bytes:
    """JSON that is always the same for the same content: sorted keys, no blanks, UTF-8."""
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def _item(found: Finding, resource: Resource) -> list[Any]:
    rule, path, _ = found.sameness
    return [rule, list(path), plain(found.value, found.path), _beside(found, resource)]


def _facts(override: Override, resource: Resource) -> list[list[Any]]:
    """For the classifier: what it knows of each pod, whatever a model makes of it."""
    pods = [each for each in resource.pods if each.prefix[: len(override.prefix)] == override.prefix]
    return [[RISK, list(each.prefix), Observer.shipped().observe(each.pod), None] for each in pods]


def plain(value: bytes, path: Path) -> Any:
    """What stands at a path, in one way of writing it; None for what is not there, or is there by default only."""
    if not value:
        return None
    names = [step if isinstance(step, str) else "" for step in path[-2:]]
    return _plain(msgspec.json.decode(value), names[-1] if names else "", names[0] if names[1:] else "")


def _plain(value: Any, name: str = "", holder: str = "") -> Any:
    if isinstance(value, dict):
        members = ((key, _plain(item, key, name)) for key, item in value.items())
        value = {key: item for key, item in members if item is not None}
    elif isinstance(value, list | tuple):
        value = [_plain(item) for item in value]
    elif holder in _QUANTITIES and not isinstance(value, bool):
        value = _quantity(value)
    elif isinstance(value, float) and value.is_integer():
        value = int(value)
    default = any(value == each and type(value) is type(each) for each in _DEFAULTS.get(name, ()))
    return None if default or value in ("", []) else value


def _quantity(value: Any) -> Any:
    try:
        return str(quantity.parse(value).normalize()) if isinstance(value, str | int | float) else value
    except (ValueError, ArithmeticError):
        return value


def _beside(found: Finding, resource: Resource) -> Any:
    """What a finding is about besides what stands at its path: the volume that is mounted; who is bound to what."""
    if isinstance(resource.body, Binding | Role):
        content = msgspec.to_builtins(resource.body)
        return _plain({key: content[key] for key in content.keys() - {"apiVersion", "kind", "metadata"}})
    inside = found.path[found.prefix :]
    if "volumeMounts" not in inside:
        return None
    pod = next(each.pod for each in resource.pods if each.prefix == found.path[: found.prefix])
    mounts = [
        (container.at("volumeMounts", index), mount)
        for container in pod.concerned(inside)
        for index, mount in enumerate(container.mounts)
    ]
    names = {mount.name for path, mount in mounts if mount is not None and inside[: len(path)] == path}
    return [_plain(msgspec.to_builtins(each.sources)) for each in pod.volumes if each.name in names]
