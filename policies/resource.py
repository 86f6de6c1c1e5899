"""Any Kubernetes object, and the pods inside it."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, cast, get_args

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import force_setattr

from policies import complaint, kinds
from policies.api import ObjectMeta, PodSpec
from policies.identity import NO_TEXTS, Identity, Kind, Requester
from policies.kinds import Row
from policies.objects import Object
from policies.path import Path, render
from policies.pod import NAMES, Names, Pod, shown


class UnreadableObjectError(Exception):
    """An object that cannot be understood: it says where, and what was expected there."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{render(path) or 'the object'} {problem}")
        self.path = path
        self.problem = problem


class FoundPod(NamedTuple):
    """A pod inside an object, and the path to it."""

    pod: Pod
    prefix: Path


Source = Mapping[str, Any] | Raw


class Resource:
    """An object as it is judged: what it says that it is, the part of it that is read, and the pods inside it.

    `body` has the type that the row of its kind names. `before` is the object as it was, when this is an update.
    """

    __slots__ = ("_before", "body", "identity", "pods", "row")

    def __init__(self, row: Row, body: Object, identity: Identity, pods: tuple[FoundPod, ...]) -> None:
        self.row = row
        self.body = body
        self.identity = identity
        self.pods = pods
        self._before: Source | Resource | None = None

    @property
    def before(self) -> "Resource | None":
        """The object before this update; None when it is new, or was not readable."""
        if self._before is not None and not isinstance(self._before, Resource):
            try:
                self._before = read(self._before, self.identity.kind, self.identity.requester)
            except UnreadableObjectError:
                self._before = None
        return self._before


def read(
    obj: Source, kind: Kind | None = None, requester: Requester | None = None, before: Source | None = None
) -> Resource:
    """Read an object: JSON as the API server sent it, or what was decoded from a file.

    `kind` is what the API server says the object is; without it the object's own words count. `before` is what an
    update replaces; it is read when somebody asks for it.
    Raises UnreadableObjectError when a field that is judged cannot be understood.
    """
    if kind is None:
        kind = _own_kind(_decode(obj, kinds.ANY))
    row = kinds.row_of(kind)
    body = _decode(obj, row)
    if body.kind is not None and body.api_version is not None and (own := _own_kind(body)) != kind:
        raise UnreadableObjectError(("kind",), f"says {shown(str(own))}, but the request is about {shown(str(kind))}")
    meta = body.meta
    identity = Identity(
        kind,
        body.api_version or "",
        meta.namespace or "",
        meta.name or "",
        meta.labels or NO_TEXTS,
        meta.annotations or NO_TEXTS,
        meta.owner_references or (),
        requester,
    )
    resource = Resource(row, body, identity, _pods(body, row, identity) if row.places else ())
    resource._before = before  # noqa: SLF001 - read only when somebody asks for it
    return resource


def _own_kind(obj: Object) -> Kind:
    return Kind((obj.api_version or "").rpartition("/")[0], obj.kind or "")


@cache
def _type(row: Row, encoded: bool = False) -> type[Object]:
    """The type that objects of this row are decoded into: its body, and the way to its pods.

    From JSON their specs stay `encoded` until it is known where they stand.
    """
    if not row.places:
        return row.body
    tree = _Node({}, {})
    for place in row.places:
        node = tree
        for step in place.path:
            node = node.below.setdefault(step, _Node({}, {}))
        node.specs[place.names] = Raw if encoded else _spec(place.names) | None
    return cast("type[Object]", msgspec.defstruct("Object", _fields(tree, row.body), bases=(row.body,), frozen=True))


@cache
def fields_read(row: Row) -> frozenset[str]:
    """The fields at the top of an object of this row of which anything is read."""
    return frozenset(field.encode_name for field in msgspec.structs.fields(_type(row)))


class _Node(NamedTuple):
    """What is read of an object, or of something in it: fields, and the pods' specs that it holds."""

    below: dict[str, "_Node"]
    specs: dict[Names, Any]


_Field = tuple[str, Any, Any]


def _fields(node: _Node, base: type[Struct] | None) -> list[_Field]:
    own = {field.encode_name: field.type for field in msgspec.structs.fields(base)} if base is not None else {}
    fields = [_field(step, _branch(step, below, own.get(step))) for step, below in node.below.items()]
    fields += [_field(names.spec, kind) for names, kind in node.specs.items()]
    if node.specs and "metadata" not in own:
        fields.append(_field("metadata", ObjectMeta | None))
    return fields


def _field(name: str, kind: Any) -> _Field:
    return _attribute(name), kind, msgspec.field(default=None, name=name)


def _branch(name: str, node: _Node, declared: Any) -> Any:
    if "*" in node.below:
        item = _branch(name, node.below["*"], None)
        return list[item] | dict[str, item] | None  # type: ignore[valid-type]
    base = next((each for each in get_args(declared) if isinstance(each, type) and issubclass(each, Struct)), None)
    bases = (base,) if base is not None else ()
    return msgspec.defstruct(name, _fields(node, base), bases=bases, frozen=True) | None


@cache
def _spec(names: Names) -> type[Struct]:
    """A pod's spec whose lists of containers have these names."""
    own = dict(zip(NAMES[1:], names[1:], strict=True))
    if all(name == called for name, called in own.items()):
        return PodSpec
    fields = [
        (field.name, field.type, msgspec.field(default=None, name=own.get(field.encode_name, field.encode_name)))
        for field in msgspec.structs.fields(PodSpec)
    ]
    return msgspec.defstruct("PodSpec", fields, frozen=True)


@cache
def _attribute(step: str) -> str:
    """How a field of the API is called in our types: jobTemplate is job_template."""
    return re.sub(r"([A-Z])", r"_\1", step).lower()


@cache
def _decoder(row: Row) -> msgspec.json.Decoder[Object]:
    return msgspec.json.Decoder(_type(row, encoded=True))


@cache
def _spec_decoder(names: Names) -> msgspec.json.Decoder[PodSpec | None]:
    return msgspec.json.Decoder(_spec(names) | None)


# What reading can raise; a ValidationError is a DecodeError.
_FLAWS = (msgspec.DecodeError, UnicodeError, RecursionError)


def _decode(obj: Source, row: Row) -> Object:
    try:
        return _decoder(row).decode(obj) if isinstance(obj, Raw) else msgspec.convert(obj, _type(row))
    except _FLAWS as error:
        raise _unreadable(error) from error


_MAX_PODS = 1_000
_MAX_ITEMS = 1_000


def _pods(obj: Object, row: Row, identity: Identity) -> tuple[FoundPod, ...]:
    found: list[FoundPod] = []
    for place in row.places:
        names = place.names
        for prefix, holder in _walk(obj, (), place.path) if place.path else (((), obj),):
            if (pod := _pod(holder, prefix, identity, names)) is not None:
                found.append(FoundPod(pod, prefix))
            elif not row.optional and (holder is not None or kinds.must_hold_pods(identity.kind)):
                missing = prefix if holder is None else (*prefix, names.spec)
                what = shown(identity.kind.kind)
                raise UnreadableObjectError(missing, f"is missing: without it this {what} cannot be judged")
            if len(found) > _MAX_PODS:
                raise UnreadableObjectError(prefix, f"is one of more than {_MAX_PODS} pods in one object")
    return tuple(found)


def _pod(holder: Any, prefix: Path, identity: Identity, names: Names) -> Pod | None:
    """The pod that something holds; None where it holds none."""
    field = _attribute(names.spec)
    spec = encoded = getattr(holder, field, None)
    at = (*prefix, names.spec)
    try:
        if isinstance(encoded, Raw):
            spec = _spec_decoder(names).decode(encoded)
            # Nobody has seen it yet; rules that are about the holder find there what they would have found.
            force_setattr(holder, field, spec)
        else:
            encoded = None
        if spec is None:
            return None
        _refuse_crowd(spec, at)
        return Pod(spec, holder.metadata, identity, names, encoded)
    except _FLAWS as error:
        raise _unreadable(error, at) from error


def _refuse_crowd(spec: PodSpec, at: Path) -> None:
    lists = (spec.containers, spec.init_containers, spec.ephemeral_containers, spec.volumes)
    most = max([len(items) for items in lists if items], default=0)
    if most > _MAX_ITEMS:
        raise UnreadableObjectError(at, f"has a list of {most} containers or volumes: no node runs that")


def _walk(value: Any, prefix: Path, rest: tuple[str, ...]) -> list[tuple[Path, Any]]:
    """Every holder of a pod at this path; None where the way to it ends."""
    for position, step in enumerate(rest):
        if value is None:
            return [((*prefix, *rest[position:]), None)]
        if step == "*":
            items = value.items() if isinstance(value, dict) else enumerate(value)
            below = rest[position + 1 :]
            return [holder for key, item in items for holder in _walk(item, (*prefix, key), below)]
        value = getattr(value, _attribute(step))
        prefix = (*prefix, step)
    return [(prefix, value)]


def _unreadable(error: Exception, prefix: Path = ()) -> UnreadableObjectError:
    if isinstance(error, RecursionError):
        return UnreadableObjectError(prefix, "is nested too deeply")
    if isinstance(error, UnicodeError):
        return UnreadableObjectError(prefix, "holds text that is not Unicode")
    below, said = complaint.of(error)
    return UnreadableObjectError((*prefix, *below), complaint.words(said) or f"cannot be read: {said}")
