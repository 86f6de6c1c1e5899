"""JSON Patch over plain data: what it changes, what it leaves alone, and where it leads nowhere."""

from typing import Any

import pytest

from policies import patch
from policies.patch import Operation, PatchError

DOCUMENT: dict[str, Any] = {"a": {"b": [1, 2]}, "c": "text", "d": None}


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (Operation("add", ("e",), {"f": 1}), DOCUMENT | {"e": {"f": 1}}),
        (Operation("add", ("c",), 1), DOCUMENT | {"c": 1}),
        (Operation("add", ("a", "-"), 1), DOCUMENT | {"a": {"b": [1, 2], "-": 1}}),
        (Operation("add", ("a", "b", 0), 0), DOCUMENT | {"a": {"b": [0, 1, 2]}}),
        (Operation("add", ("a", "b", 2), 3), DOCUMENT | {"a": {"b": [1, 2, 3]}}),
        (Operation("add", ("a", "b", "-"), 3), DOCUMENT | {"a": {"b": [1, 2, 3]}}),
        (Operation("replace", ("a", "b", 1), [3]), DOCUMENT | {"a": {"b": [1, [3]]}}),
        (Operation("replace", ("d",), {}), DOCUMENT | {"d": {}}),
        (Operation("remove", ("a", "b", 0)), DOCUMENT | {"a": {"b": [2]}}),
        (Operation("remove", ("a",)), {"c": "text", "d": None}),
    ],
)
def test_one_operation(operation: Operation, expected: Any) -> None:
    assert patch.apply(DOCUMENT, [operation]) == expected


def test_operations_follow_each_other() -> None:
    steps = [Operation("add", ("e",), {}), Operation("add", ("e", "f"), 1), Operation("remove", ("d",))]
    assert patch.apply(DOCUMENT, steps) == {"a": {"b": [1, 2]}, "c": "text", "e": {"f": 1}}


def test_neither_the_document_nor_a_value_is_shared() -> None:
    value: list[int] = []
    changed = patch.apply(DOCUMENT, [Operation("add", ("e",), value), Operation("add", ("e", "-"), 1)])
    changed["a"]["b"].append(3)
    assert value == []
    assert DOCUMENT == {"a": {"b": [1, 2]}, "c": "text", "d": None}


def test_what_two_places_share_is_changed_in_one() -> None:
    shared = {"a": 1}
    assert patch.apply([shared, shared], [Operation("replace", (0, "a"), 2)]) == [{"a": 2}, {"a": 1}]


@pytest.mark.parametrize(
    ("operation", "pointer"),
    [
        (Operation("add", ("x", "y"), 1), "/x/y"),
        (Operation("add", ("c", "y"), 1), "/c/y"),
        (Operation("add", ("c", 0), 1), "/c/0"),
        (Operation("add", ("a", 0), 1), "/a/0"),
        (Operation("add", ("d", "y"), 1), "/d/y"),
        (Operation("add", ("a", "b", 3), 1), "/a/b/3"),
        (Operation("add", ("a", "b", -1), 1), "/a/b/-1"),
        (Operation("add", ("a", "b", "x"), 1), "/a/b/x"),
        (Operation("add", ("c", 0, "x"), 1), "/c/0/x"),
        (Operation("replace", ("x/y",), 1), "/x~1y"),
        (Operation("replace", ("a", "b", 2), 1), "/a/b/2"),
        (Operation("replace", ("a", "b", "-"), 1), "/a/b/-"),
        (Operation("remove", ("a", "b", -1)), "/a/b/-1"),
        (Operation("remove", ("c", 0)), "/c/0"),
        (Operation("remove", ("d", "x")), "/d/x"),
    ],
)
def test_a_path_that_leads_nowhere(operation: Operation, pointer: str) -> None:
    with pytest.raises(PatchError, match=f"^{pointer} leads nowhere$"):
        patch.apply(DOCUMENT, [operation])


def test_the_root_stays() -> None:
    with pytest.raises(PatchError, match=r"^the whole document cannot be replaced$"):
        patch.apply(DOCUMENT, [Operation("replace", (), {})])


def test_as_json() -> None:
    steps = [
        Operation("add", ("a", "b", "-"), None),
        Operation("replace", ("x/y", 0), [1]),
        Operation("remove", ("d",)),
    ]
    assert patch.to_json(steps) == (
        {"op": "add", "path": "/a/b/-", "value": None},
        {"op": "replace", "path": "/x~1y/0", "value": [1]},
        {"op": "remove", "path": "/d"},
    )
