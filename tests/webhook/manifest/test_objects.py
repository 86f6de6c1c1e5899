"""Documents to objects: lists of every kind, and what is no object."""

from typing import Any

import pytest

from webhook.manifest import Document, Flaw, Manifest, objects, read


def outcome(text: str) -> list[Any]:
    """(kind, name or None, line) of the objects, and (line, problem) of what is none."""
    [document] = read(text.encode())
    assert isinstance(document, Document), document
    return [_told(found) for found in objects(document)]


def _told(found: Manifest | Flaw) -> tuple[Any, ...]:
    if isinstance(found, Flaw):
        return found.place.line, found.problem
    return found.value["apiVersion"], found.value["kind"], found.value.get("name"), found.place().line


def test_an_object_is_itself() -> None:
    assert outcome("apiVersion: v1\nkind: Pod\nname: a\n") == [("v1", "Pod", "a", 1)]


def test_a_list_and_lists_in_lists() -> None:
    text = """\
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Pod, name: a}
- apiVersion: v1
  kind: List
  items:
  - apiVersion: apps/v1
    kind: Deployment
    name: b
- {apiVersion: v1, kind: Service, name: c}
"""
    assert outcome(text) == [("v1", "Pod", "a", 4), ("apps/v1", "Deployment", "b", 8), ("v1", "Service", "c", 11)]


def test_items_of_typed_lists_need_not_say_what_they_are() -> None:
    text = (
        "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- name: a\n- {name: b, kind: Deployment, apiVersion: x/v1}"
    )
    assert outcome(text) == [("apps/v1", "Deployment", "a", 4), ("x/v1", "Deployment", "b", 5)]


@pytest.mark.parametrize("items", ["", "items: null", "items: []"])
def test_an_empty_list(items: str) -> None:
    assert outcome(f"apiVersion: v1\nkind: List\n{items}\n") == []


def test_items_of_a_wrong_type() -> None:
    text = "apiVersion: v1\nkind: PodList\nitems: {a: b}\n"
    assert outcome(text) == [(3, "items of PodList must be a list, not an object")]


def test_an_item_of_a_wrong_type_does_not_hide_the_others() -> None:
    text = "apiVersion: v1\nkind: List\nitems:\n- null\n- 5\n- {kind: Pod}\n- {apiVersion: v1, kind: Pod, name: a}\n"
    assert outcome(text) == [
        (4, "is not a Kubernetes object, but null"),
        (5, "is not a Kubernetes object, but a number"),
        (6, "has no apiVersion: without it nobody can say what this object is"),
        ("v1", "Pod", "a", 7),
    ]


def test_whatever_has_items_is_a_list_to_kubectl() -> None:
    text = "apiVersion: v1\nkind: Pod\nname: a\nitems:\n- {apiVersion: v1, kind: Pod, name: b}\n"
    assert outcome(text) == [("v1", "Pod", "a", 1), ("v1", "Pod", "b", 5)]


def test_a_kind_that_only_sounds_like_a_list() -> None:
    assert outcome("apiVersion: x/v1\nkind: AllowList\nspec: {}\n") == [("x/v1", "AllowList", None, 1)]


@pytest.mark.parametrize(
    ("text", "problem", "foreign"),
    [
        ("- a\n", "is not a Kubernetes object, but a list", True),
        ("text\n", "is not a Kubernetes object, but a string", True),
        ("no\n", "is not a Kubernetes object, but true or false", True),
        ("replicas: 1\n", "has no apiVersion and no kind: without it nobody can say what this object is", True),
        ("kind: Pod\n", "has no apiVersion: without it nobody can say what this object is", False),
        ("apiVersion: v1\nkind: ''\n", "has no kind: without it nobody can say what this object is", False),
        (
            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
            "has no kind: without it nobody can say what this object is",
            True,
        ),
        ("apiVersion: v1\nname: web\n", "has no kind: without it nobody can say what this object is", False),
        ("apiVersion: 1\nkind: Pod\n", "apiVersion must be a string, not a number", False),
        ("apiVersion: v1\nkind: [Pod]\n", "kind must be a string, not a list", False),
    ],
)
def test_what_is_no_object(text: str, problem: str, foreign: bool) -> None:
    [document] = read(text.encode())
    assert isinstance(document, Document)
    [found] = objects(document)
    assert isinstance(found, Flaw)
    assert (found.problem, found.foreign) == (problem, foreign)
