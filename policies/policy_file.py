"""The text of a GatePolicy: read with the lines that it is written on, and what is wrong with it told in words."""

import re
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import yaml
from yaml.constructor import ConstructorError
from yaml.events import CollectionEndEvent, CollectionStartEvent

from policies import complaint
from policies.path import Path, render

MAX_BYTES = 1 << 20
_MAX_DEPTH = 20
_MAX_VALUES = 100_000
_T = TypeVar("_T")


class PolicyError(Exception):
    """A policy that cannot be used: what is wrong, where, and what to write instead.

    The text names the field; `path` is the same for programs, and `line` is where it is written, once that is known.
    """

    def __init__(self, text: str, path: Path = (), line: int | None = None) -> None:
        super().__init__(text)
        self.path = path
        self.line = line

    def told(self, file: str) -> str:
        """As compilers write it: `FILE:LINE: what is wrong`."""
        return f"{file}{'' if self.line is None else f':{self.line}'}: {self}"


@dataclass(frozen=True, slots=True)
class Document:
    """What a policy's text holds, and where."""

    value: Any
    _root: yaml.Node | None
    _text: str

    def line_of(self, path: Path) -> int:
        """The line of a field, or of what is nearest above it if it is not there."""
        if self._root is None:
            return 1
        node = place = self._root
        for step in path:
            found = _child(node, step)
            if found is None:
                break
            place, node = found
        return _line(self._text, place.start_mark.index)


_BREAK = re.compile("\r\n|\r|\n")


def _line(text: str, index: int) -> int:
    """The line of a character, as editors count: libyaml takes more characters for a line break than they do."""
    return len(_BREAK.findall(text, 0, index)) + 1


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    """Where a member is written, and its value."""
    if isinstance(node, yaml.MappingNode):
        # The last one counts: what is merged stands first.
        return next((found for found in reversed(node.value) if found[0].value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


class _Loader(yaml.CSafeLoader):
    """YAML in which `off` is a word, as in YAML 1.2, nothing is a date, keys are text, and none stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not key.tag.endswith((":str", ":merge")):
                name = f"the key {key.value[:80]}" if isinstance(key, yaml.ScalarNode) else "a key"
                raise ConstructorError(None, None, f"{name} is not text: put it in quotes", key.start_mark)
            if key.value in seen:
                raise ConstructorError(None, None, f'the key "{key.value}" stands twice', key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ValueError, LookupError) as error:  # of numbers and dates that are none
            kind = node.tag.rpartition(":")[2]
            text = f'"{str(node.value)[:40]}" cannot be read as {kind}'
            raise ConstructorError(None, None, text, node.start_mark) from error


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if not (tag.endswith(":bool") and first in "nNoOyY") and not tag.endswith(":timestamp")
    ]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> Document:
    """Read the one YAML document of a text. Raises PolicyError."""
    if len(text) > MAX_BYTES:
        raise PolicyError(f"the policy is larger than {MAX_BYTES} bytes")
    try:
        _refuse_depth(text)
        loader = _Loader(text)
        root = loader.get_single_node()
        _size(root, {})
        return Document(None if root is None else loader.construct_document(root), root, text)
    except yaml.reader.ReaderError as error:
        before = text.encode("utf-8", "replace")[: error.position].decode("utf-8", "ignore")
        line = _line(before, len(before))
        raise PolicyError("the policy is not YAML: it holds a control character", (), line) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = _line(text, mark.index) if mark else None
        raise PolicyError(f"the policy is not YAML: {_said(error)}", (), at) from error
    except (yaml.YAMLError, ValueError) as error:
        raise PolicyError(f"the policy is not YAML: {error}") from error


def _said(error: yaml.MarkedYAMLError) -> str:
    return f"{error.context}, {error.problem}" if error.context else str(error.problem)


def _refuse_depth(text: str) -> None:
    depth = 0
    # Before loading: libyaml builds nested nodes by recursion and overflows the stack.
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _MAX_DEPTH:
            line = _line(text, event.start_mark.index) if event.start_mark is not None else None
            raise PolicyError(f"the policy is nested deeper than {_MAX_DEPTH} levels", (), line)


def _size(node: yaml.Node | None, known: dict[int, int]) -> int:
    """How many values a node holds once aliases are written out. Each node is counted once."""
    if not isinstance(node, yaml.CollectionNode):
        return 1
    if id(node) not in known:
        known[id(node)] = _MAX_VALUES  # while it is counted: a node that contains itself is too large
        items = node.value if isinstance(node, yaml.SequenceNode) else [value for _, value in node.value]
        known[id(node)] = 1 + sum(_size(item, known) for item in items)
    if known[id(node)] > _MAX_VALUES:
        text = f"aliases make the policy larger than {_MAX_VALUES:,} values"
        raise ConstructorError(None, None, text, node.start_mark)
    return known[id(node)]


def convert(value: Any, kind: type[_T], at: Path = ()) -> _T:
    """Plain data, which stands at this path, as a type. Raises PolicyError."""
    if value is None and not at:
        raise PolicyError("the policy is empty: it begins with apiVersion: podgate.dev/v1alpha1 and kind: GatePolicy")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        path, problem = complaint.explained(value, kind, error)
        path = (*at, *path)
        raise PolicyError(f"{render(path) or 'the policy'} {problem}", path) from error
