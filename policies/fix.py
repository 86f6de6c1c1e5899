"""Fixes: from what a rule would write instead to a JSON Patch that was judged before anybody sees it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeVar

from policies import patch
from policies import resource as resources
from policies.engine import Engine, Finding
from policies.patch import Operation
from policies.path import Path
from policies.resource import Resource, UnreadableObjectError
from policies.rule import Drop, Edit, Put

Fix = tuple[Operation, ...]
_Item = TypeVar("_Item")
_MISSING = object()


def operations(obj: Any, edits: Iterable[Edit]) -> Fix:
    """The patch that makes these edits to this object, with whatever is missing on the way."""
    made: list[Operation] = []
    before: Sequence[Operation] = ()
    for position, edit in enumerate(edits):
        # One copy, and none for a single edit: there are as many as there are findings.
        if position == 1:
            obj = patch.copy(obj)
        patch.change(obj, before)
        before = _drop(obj, edit.path) if isinstance(edit, Drop) else _put(obj, edit)
        made += before
    return tuple(made)


def _put(obj: Any, edit: Put) -> list[Operation]:
    value = edit.value
    for position, step in enumerate(edit.path):
        below = _child(obj, step)
        if below is _MISSING or below is None:
            for missing in reversed(edit.path[position + 1 :]):
                value = {missing: value}
            return [Operation("add" if below is _MISSING else "replace", edit.path[: position + 1], value)]
        obj = below
    return [] if obj == value and type(obj) is type(value) else [Operation("replace", edit.path, value)]


def _drop(obj: Any, path: Path) -> list[Operation]:
    for step in path:
        if (obj := _child(obj, step)) is _MISSING:
            return []
    return [Operation("remove", path)]


def _child(obj: Any, step: str | int) -> Any:
    if isinstance(obj, list) and isinstance(step, int):
        return obj[step] if 0 <= step < len(obj) else _MISSING
    return obj.get(step, _MISSING) if isinstance(obj, dict) else _MISSING


def propose(
    obj: Mapping[str, Any], resource: Resource, findings: Sequence[Finding], engine: Engine
) -> list[Fix | None]:
    """A fix for each finding, or None. `findings` are all that the engine has found in this object.

    Every fix was judged: it silences its finding and brings no other. They are judged together first, because that is
    once for each object; where together they do not hold, those of each rule are, which do not help each other out; and
    then each half of these, down to single ones.
    """
    edits = [engine.edits(resource, found) for found in findings]
    fixes = [operations(obj, each) or None for each in edits]
    groups = [[number for number, made in enumerate(fixes) if made]]
    while groups:
        group = groups.pop()
        fixed, whole = [findings[number] for number in group], chain.from_iterable(edits[number] for number in group)
        if not group or holds(obj, resource, findings, fixed, operations(obj, whole), engine):
            continue
        if len(group) == 1:
            fixes[group[0]] = None
        else:
            groups += _by_rule(group, findings) or _halves(group)
    return fixes


def _by_rule(group: list[int], findings: Sequence[Finding]) -> list[list[int]]:
    """The findings of a group, apart by their rules; nothing when they are of one rule."""
    rules: dict[str, list[int]] = {}
    for number in group:
        rules.setdefault(findings[number].rule.id, []).append(number)
    return list(rules.values()) if len(rules) > 1 else []


def _halves(group: list[_Item]) -> list[list[_Item]]:
    return [group[: len(group) // 2], group[len(group) // 2 :]]


def compatible(
    obj: Mapping[str, Any], resource: Resource, findings: Sequence[Finding], asked: Sequence[Finding], engine: Engine
) -> list[tuple[Edit, ...]]:
    """The edits that fix what is asked for, and hold when all are made; those that do not are left out."""
    fixes = [(found, made) for found in asked if (made := engine.edits(resource, found))]
    kept: list[tuple[Finding, tuple[Edit, ...]]] = []
    groups = [fixes] if fixes else []
    while groups:
        group = groups.pop()
        more = [*kept, *group]
        all_of_them = operations(obj, chain.from_iterable(edits for _, edits in more))
        if holds(obj, resource, findings, [found for found, _ in more], all_of_them, engine):
            kept = more
        elif len(group) > 1:
            groups += reversed(_halves(group))  # the first half comes first
    return [made for _, made in kept]


def holds(
    obj: Mapping[str, Any],
    resource: Resource,
    findings: Sequence[Finding],
    fixed: Sequence[Finding],
    fix: Fix,
    engine: Engine,
) -> bool:
    """Whether this patch silences these findings, and brings none that was not there."""
    try:
        after = engine.evaluate(resources.read(patch.apply(obj, fix), resource.identity.kind)).findings
    except (UnreadableObjectError, patch.PatchError):
        return False
    left = Counter(found.sameness for found in after)
    allowed = Counter(found.sameness for found in findings)
    allowed.subtract(found.sameness for found in fixed)
    return left <= allowed
