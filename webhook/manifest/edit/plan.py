"""Operations to what shall become of each member: whatever is not mentioned here stays as it is written.

Operations follow each other, and may change what earlier ones have added; here they become one change a member.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from policies import patch
from policies.patch import Operation
from policies.path import Path
from webhook.manifest.edit.spans import Kind, Member, Span
from webhook.manifest.edit.splice import EditError


class New(NamedTuple):
    """A value that has to be written."""

    value: Any


@dataclass(slots=True)
class Child:
    """A member as it shall be: where it is written, unless it was added; and what becomes of its value, unless it
    stays."""

    key: str | None
    value: Any
    member: Member | None
    change: "New | Opened | None" = None

    @property
    def final(self) -> Any:
        match self.change:
            case New(value):
                return value
            case Opened():
                return self.change.value
        return self.value


class Removal(NamedTuple):
    """Members next to each other that go, and the ones beside them that stay."""

    before: Member | None
    members: list[Member]
    after: Member | None


class Addition(NamedTuple):
    """Members that come, all in the same place, and the ones beside them that stay."""

    before: Member | None
    children: list[Child]
    after: Member | None


class Opened:
    """A collection in which something changes."""

    __slots__ = ("children", "span")

    def __init__(self, span: Span, value: Any) -> None:
        self.span = span
        self.children = [
            Child(each.key, value[index if span.kind is Kind.SEQUENCE else each.key], each)
            if span.kind is Kind.SEQUENCE or each.key is not None
            else Child(None, None, each)
            for index, each in enumerate(span.members)
        ]

    @property
    def value(self) -> Any:
        if self.span.kind is Kind.SEQUENCE:
            return [child.final for child in self.children]
        return {child.key: child.final for child in self.children}

    @property
    def kept(self) -> list[Member]:
        """The members that are written and stay."""
        return [child.member for child in self.children if child.member is not None]

    def find(self, step: str | int) -> Child | None:
        if isinstance(step, int):
            return self.children[step]
        return next((child for child in self.children if child.key == step), None)

    def removals(self) -> Iterator[Removal]:
        staying = set(map(id, self.kept))
        before, run = None, list[Member]()
        for member in self.span.members:
            if id(member) not in staying:
                run.append(member)
                continue
            if run:
                yield Removal(before, run, member)
            before, run = member, []
        if run:
            yield Removal(before, run, None)

    def additions(self) -> Iterator[Addition]:
        before, run = None, list[Child]()
        for child in self.children:
            if child.member is None:
                run.append(child)
                continue
            if run:
                yield Addition(before, run, child.member)
            before, run = child.member, []
        if run:
            yield Addition(before, run, None)


def plan(span: Span, value: Any, operations: Sequence[Operation]) -> Opened:
    """What the operations, which fit this value, make of its root. Raises EditError for what others share."""
    if span.shared or not span.members:
        raise EditError("the document itself is empty, or is used by an alias")
    root = Opened(span, value)
    for operation in operations:
        _follow(root, operation, operation.path)
    return root


def _follow(opened: Opened, operation: Operation, path: Path) -> None:
    if len(path) == 1:
        _change(opened, operation, path[0])
        return
    child = _child(opened, path[0])
    if (change := _open(child)) is not None:
        _follow(change, operation, path[1:])
    else:
        child.change = New(patch.apply(child.final, [operation._replace(path=path[1:])]))


def _child(opened: Opened, step: str | int) -> Child:
    child = opened.find(step)
    if child is None:
        raise EditError(f"{step} comes from a merge (<<): what is changed there may be used elsewhere, too")
    return child


def _open(child: Child) -> Opened | None:
    """The child as a collection in which members change; None if it has to be written anew, because it was empty."""
    if child.change is None:
        assert child.member is not None  # noqa: S101 - what was added is New
        span = child.member.value
        if span.kind is Kind.ALIAS or span.shared:
            raise EditError("an alias brings the same text to several places: a change would be made in all of them")
        child.change = Opened(span, child.value) if span.members else New(child.value)
    return child.change if isinstance(child.change, Opened) else None


def _change(opened: Opened, operation: Operation, step: str | int) -> None:
    if operation.op == "remove":
        child = _child(opened, step)
        _refuse_shared(child)
        opened.children.remove(child)
    elif opened.span.kind is Kind.MAPPING:
        _set(opened, str(step), operation.value)
    elif operation.op == "add":
        index = step if isinstance(step, int) else len(opened.children)
        opened.children.insert(index, Child(None, None, None, New(operation.value)))
    else:
        _assign(_child(opened, step), operation.value)


def _set(opened: Opened, key: str, value: Any) -> None:
    child = opened.find(key)
    if child is None:
        opened.children.append(Child(key, None, None, New(value)))
    else:
        _assign(child, value)


def _assign(child: Child, value: Any) -> None:
    """Give a member another value; of a collection whatever is the same before and after stays as it is written."""
    if same(child.final, value):
        return
    if child.member is not None and not isinstance(child.change, New) and _overlap(child, value):
        opened = _open(child)
        if opened is not None:
            (_assign_mapping if isinstance(value, dict) else _assign_sequence)(opened, value)
            return
    _refuse_shared(child)
    child.change = New(value)


def _overlap(child: Child, value: Any) -> bool:
    assert child.member is not None  # noqa: S101 - the caller has looked
    span = child.member.value
    if span.shared or span.kind is Kind.ALIAS or not value:
        return False
    return any(isinstance(value, kind) and isinstance(child.final, kind) for kind in (dict, list))


def _assign_mapping(opened: Opened, value: dict[str, Any]) -> None:
    for child in list(opened.children):
        if child.key is not None and child.key not in value:
            _refuse_shared(child)
            opened.children.remove(child)
    for key, item in value.items():
        _set(opened, key, item)


def _assign_sequence(opened: Opened, value: list[Any]) -> None:
    children = opened.children
    first, last = 0, 0
    shorter = min(len(children), len(value))
    while first < shorter and same(children[first].final, value[first]):
        first += 1
    while last < shorter - first and same(children[-1 - last].final, value[-1 - last]):
        last += 1
    old, new = children[first : len(children) - last], value[first : len(value) - last]
    for child, item in zip(old, new, strict=False):
        _assign(child, item)
    for child in old[len(new) :]:
        _refuse_shared(child)
    added = [Child(None, None, None, New(item)) for item in new[len(old) :]]
    children[first : len(children) - last] = old[: len(new)] + added


def _refuse_shared(child: Child) -> None:
    if child.member is not None and _holds_shared(child.member.value):
        raise EditError("what would be removed or replaced has an anchor, and is used elsewhere by an alias")


def _holds_shared(span: Span) -> bool:
    return span.shared or any(_holds_shared(member.value) for member in span.members)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON: true is not 1, and the order of keys does not count."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)
