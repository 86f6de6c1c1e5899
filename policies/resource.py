"""Any Kubernetes object, and the pods inside it."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

import msgspec
from msgspec import Raw, Struct

from policies import kinds
from policies.kinds import Kind, Row
from policies.path import Path, render
from policies.pod import LISTS, ObjectMeta, Pod, PodSpec, PodTemplate


class UnreadableObjectError(Exception):
    """An object that cannot be understood: it says where, and what was expected there."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{render(path) or 'the object'} {problem}")
        self.path = path
        self.problem = problem


class FoundPod(Struct, frozen=True):
    """A pod inside an object, and the path to it."""

    pod: Pod
    prefix: Path

    def path(self, path: Path) -> Path:
        """A path from the pod's root, as a path from the object's root."""
        return self.prefix + path if self.prefix else path


class Resource(Struct, frozen=True):
    """An object as it is judged."""

    api_version: str
    kind: str
    namespace: str
    name: str
    pods: tuple[FoundPod, ...]


def read(obj: Mapping[str, Any] | Raw, kind: Kind | None = None) -> Resource:
    """Read an object: JSON as the API server sent it, or what was decoded from a file.

    `kind` is what the API server says the object is; without it the object's own words count.
    Raises UnreadableObjectError when a field that is judged cannot be understood.
    """
    if kind is None:
        kind = _own_kind(_decode(obj, kinds.NO_PODS))
    row = kinds.row_of(kind)
    found = _decode(obj, row)
    if found.kind is not None and found.apiVersion is not None and (own := _own_kind(found)) != kind:
        raise UnreadableObjectError(("kind",), f"says {own}, but the request is about {kind}")
    meta = found.metadata or _NO_META
    pods = _pods(found, row, kind)
    return Resource(found.apiVersion or "", found.kind or "", meta.namespace or "", meta.name or "", pods)


class _Object(Struct, frozen=True):
    """What every object has; the types of kinds that hold pods add the way to them."""

    apiVersion: str | None = None  # noqa: N815 - the types below are made of names as they stand in objects
    kind: str | None = None
    metadata: ObjectMeta | None = None


_NO_META = ObjectMeta()
_NO_ANNOTATIONS: Mapping[str, str | None] = {}


def _own_kind(obj: _Object) -> Kind:
    return Kind((obj.apiVersion or "").rpartition("/")[0], obj.kind or "")


@cache
def _type(row: Row) -> type[_Object]:
    """The type that an object with its pods in these places is decoded into: nothing but what is judged."""
    if not row.paths:
        return _Object
    spec, template = (PodSpec, PodTemplate) if row.lists == LISTS else _renamed(row)
    tree: dict[str, Any] = {}
    for path in row.paths:
        node = tree
        for step in path:
            node = node.setdefault(step, {})
    fields = _fields(tree, template) if tree else [("spec", spec | None, None)]
    return cast("type[_Object]", msgspec.defstruct("Object", fields, bases=(_Object,), frozen=True))


def _renamed(row: Row) -> tuple[type[Struct], type[Struct]]:
    """A pod spec that calls its lists of containers otherwise, and the template that holds it."""
    own = dict(zip(LISTS, row.lists, strict=True))
    fields = [
        (field.name, field.type, msgspec.field(default=None, name=own.get(field.encode_name, field.encode_name)))
        for field in msgspec.structs.fields(PodSpec)
    ]
    spec = msgspec.defstruct("PodSpec", fields, frozen=True)
    template = [("metadata", ObjectMeta | None, None), ("spec", spec | None, None)]
    return spec, msgspec.defstruct("PodTemplate", template, frozen=True)


def _fields(tree: Mapping[str, Any], template: Any) -> list[tuple[str, Any, Any]]:
    return [(step, _branch(step, below, template), None) for step, below in tree.items()]


def _branch(name: str, below: Mapping[str, Any], template: Any) -> Any:
    if not below:
        return template | None
    if "*" in below:
        item = _branch(name, below["*"], template)
        return list[item] | dict[str, item] | None  # type: ignore[valid-type]
    return msgspec.defstruct(name, _fields(below, template), frozen=True) | None


@cache
def _decoder(row: Row) -> msgspec.json.Decoder[_Object]:
    return msgspec.json.Decoder(_type(row))


# What reading can raise; a ValidationError is a DecodeError.
_FLAWS = (msgspec.DecodeError, UnicodeError, RecursionError)


def _decode(obj: Mapping[str, Any] | Raw, row: Row) -> _Object:
    try:
        return _decoder(row).decode(obj) if isinstance(obj, Raw) else msgspec.convert(obj, _type(row))
    except _FLAWS as error:
        raise _unreadable(error) from error


_MAX_PODS = 1_000
_MAX_ITEMS = 1_000


def _pods(obj: _Object, row: Row, kind: Kind) -> tuple[FoundPod, ...]:
    found: list[FoundPod] = []
    for path in row.paths:
        for prefix, holder in _walk(obj, (), path) if path else (((), obj),):
            if (spec := getattr(holder, "spec", None)) is not None:
                _refuse_crowd(spec, prefix)
                annotations = holder.metadata.annotations if holder.metadata is not None else None
                try:
                    found.append(FoundPod(Pod(spec, annotations or _NO_ANNOTATIONS, row.lists), prefix))
                except _FLAWS as error:
                    raise _unreadable(error, (*prefix, "spec")) from error
            elif holder is not None or kinds.must_hold_pods(kind):
                missing = prefix if holder is None else (*prefix, "spec")
                raise UnreadableObjectError(missing, f"is missing: without it this {kind.kind} cannot be judged")
            if len(found) > _MAX_PODS:
                raise UnreadableObjectError(prefix, f"is one of more than {_MAX_PODS} pods in one object")
    return tuple(found)


def _refuse_crowd(spec: PodSpec, prefix: Path) -> None:
    lists = (spec.containers, spec.init_containers, spec.ephemeral_containers, spec.volumes)
    most = max([len(items) for items in lists if items], default=0)
    if most > _MAX_ITEMS:
        raise UnreadableObjectError((*prefix, "spec"), f"has a list of {most} containers or volumes: no node runs that")


def _walk(value: Any, prefix: Path, rest: tuple[str, ...]) -> list[tuple[Path, Any]]:
    """Every holder of a pod at this path; None where the way to it ends."""
    for position, step in enumerate(rest):
        if value is None:
            return [((*prefix, *rest[position:]), None)]
        if step == "*":
            items = value.items() if isinstance(value, dict) else enumerate(value)
            below = rest[position + 1 :]
            return [holder for key, item in items for holder in _walk(item, (*prefix, key), below)]
        value = getattr(value, step)
        prefix = (*prefix, step)
    return [(prefix, value)]


# What msgspec says: "Expected `bool | null`, got `str` - at `$.spec.containers[0].securityContext.privileged`", and
# "Expected `int` <= 2147483647 - at `$...`".
_MSGSPEC = re.compile(
    r"Expected `(?P<wanted>[^`]*)`(?:, got `(?P<got>[^`]*)`| (?P<bound>[<>]=) (?P<limit>-?\d+))"
    r"(?: - at `(?P<at>[^`]*)`)?"
)
_MSGSPEC_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(\.\.\.)\]")
_NAMES = {
    "object": "an object",
    "array": "a list",
    "str": "a string",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number with a fraction",
}
_BOUNDS = {"<=": "at most", ">=": "at least"}


def _unreadable(error: Exception, prefix: Path = ()) -> UnreadableObjectError:
    if isinstance(error, RecursionError):
        return UnreadableObjectError(prefix, "is nested too deeply")
    if isinstance(error, UnicodeError):
        return UnreadableObjectError(prefix, "holds text that is not Unicode")
    match = _MSGSPEC.match(str(error))
    if match is None:
        return UnreadableObjectError(prefix, f"cannot be read: {error}")
    steps = _MSGSPEC_STEP.findall(match["at"] or "")
    path = prefix + tuple("*" if any_ else int(index) if index else key for key, index, any_ in steps)
    if match["got"] is None:
        return UnreadableObjectError(path, f"must be {_BOUNDS[match['bound']]} {match['limit']}")
    wanted = " or ".join(_NAMES.get(name, name) for name in match["wanted"].removesuffix(" | null").split(" | "))
    return UnreadableObjectError(path, f"must be {wanted}, not {_NAMES.get(match['got'], match['got'])}")
