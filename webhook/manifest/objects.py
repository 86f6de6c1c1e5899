"""A document to the Kubernetes objects in it: itself, or the items of a list."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from policies.path import Path
from webhook.manifest.stream import Document, Flaw
from webhook.manifest.text import Place


@dataclass(frozen=True, slots=True)
class Manifest:
    """A Kubernetes object, and the document that it was found in."""

    value: dict[str, Any]
    document: Document
    path: Path

    def place(self, path: Path = ()) -> Place:
        """Where a field of the object is written; where what is nearest above it is, if it is not there."""
        return self.document.place(self.path + path)


def objects(document: Document) -> Iterator[Manifest | Flaw]:
    """The objects of a document, in order, and a Flaw for whatever is none.

    Lists are unpacked as kubectl does: whatever has `items` is one.
    """
    yield from _objects(document, document.value, ())


def _objects(document: Document, value: Any, path: Path) -> Iterator[Manifest | Flaw]:
    problem = _problem(value)
    if problem is not None:
        yield Flaw(document.number, document.place(path), problem, foreign=not path and _is_foreign(value))
        return
    kind, items = value["kind"], value.get("items")
    named_list = kind.endswith("List") and (kind == "List" or "items" in value)
    if not named_list:
        yield Manifest(value, document, path)
    if isinstance(items, list):
        for index, item in enumerate(items):
            yield from _objects(document, _typed(item, value), (*path, "items", index))
    elif named_list and items is not None:
        place = document.place((*path, "items"))
        yield Flaw(document.number, place, f"items of {kind} must be a list, not {_name(items)}")


def _typed(item: Any, container: dict[str, Any]) -> Any:
    """An item of a typed list (PodList) need not say what it is."""
    kind = container["kind"].removesuffix("List")
    if not kind or not isinstance(item, dict) or item.get("kind") or item.get("apiVersion"):
        return item
    return {**item, "apiVersion": container["apiVersion"], "kind": kind}


def _problem(value: Any) -> str | None:
    """Why this is no Kubernetes object."""
    if not isinstance(value, dict):
        return f"is not a Kubernetes object, but {_name(value)}"
    missing = [name for name in ("apiVersion", "kind") if value.get(name) in (None, "")]
    if missing:
        return f"has no {' and no '.join(missing)}: without it nobody can say what this object is"
    wrong = next((name for name in ("apiVersion", "kind") if not isinstance(value[name], str)), None)
    return f"{wrong} must be a string, not {_name(value[wrong])}" if wrong else None


def _is_foreign(value: Any) -> bool:
    """Whether it was never meant to be an object: nothing in it says so, or it describes a chart."""
    if not isinstance(value, dict) or ("apiVersion" not in value and "kind" not in value):
        return True
    # Chart.yaml of Helm has an apiVersion and no kind.
    return "kind" not in value and isinstance(value.get("name"), str) and "version" in value


def _name(value: Any) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false"}
    return names.get(type(value), "a number")
