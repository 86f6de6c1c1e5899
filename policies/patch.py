"""JSON Patch (RFC 6902): the operations that fixes are made of, over plain data."""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from policies.path import Path, pointer


class Operation(NamedTuple):
    """One step. `path` starts at the document's root; an index equal to a list's length (or `-`) appends to it."""

    op: Literal["add", "replace", "remove"]
    path: Path
    value: Any = None


class PatchError(Exception):
    """An operation does not fit the document: its path leads nowhere."""


def apply(value: Any, operations: Sequence[Operation]) -> Any:
    """A changed copy of plain data. Raises PatchError."""
    value = copy(value)
    change(value, operations)
    return value


def change(value: Any, operations: Sequence[Operation]) -> None:
    """The same without a copy. Raises PatchError, when operations before the one that does not fit are done."""
    for operation in operations:
        if not operation.path:
            raise PatchError("the whole document cannot be replaced")
        holder = value
        for step in operation.path[:-1]:
            holder = holder[_existing(holder, step, operation)]
        _change(holder, operation)


def copy(value: Any) -> Any:
    """A copy in which nothing is shared: what an alias of YAML brings to two places is changed in one."""
    if isinstance(value, dict):
        return {key: copy(item) for key, item in value.items()}
    return [copy(item) for item in value] if isinstance(value, list) else value


def _change(holder: Any, operation: Operation) -> None:
    key, value = operation.path[-1], copy(operation.value)
    if operation.op == "add" and isinstance(holder, list):
        holder.insert(_existing([*holder, None], len(holder) if key == "-" else key, operation), value)
    elif operation.op == "add" and isinstance(holder, dict) and isinstance(key, str):
        holder[key] = value
    elif operation.op == "remove":
        del holder[_existing(holder, key, operation)]
    else:
        holder[_existing(holder, key, operation)] = value


def _existing(holder: Any, step: str | int, operation: Operation) -> Any:
    """The step, if it leads to a member. An index counts from the start only, and text has no members."""
    if isinstance(holder, list) and isinstance(step, int) and 0 <= step < len(holder):
        return step
    if isinstance(holder, dict) and isinstance(step, str) and step in holder:
        return step
    raise PatchError(f"{pointer(operation.path)} leads nowhere")


def to_json(operations: Sequence[Operation]) -> tuple[dict[str, Any], ...]:
    """The operations as RFC 6902 has them."""
    return tuple(
        {"op": each.op, "path": pointer(each.path)} | ({} if each.op == "remove" else {"value": each.value})
        for each in operations
    )
