"""YAML text to values, and a field's path to where it is written.

libyaml makes a tree of nodes; one pass over it makes dictionaries and lists. The tree is kept only as long as somebody
may ask for a place, and is walked only then: most documents are never asked about.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import yaml
from yaml import MappingNode, Node, ScalarNode, SequenceNode

from policies.path import Path
from webhook.manifest import scalars
from webhook.manifest.scalars import PLAIN, TEXT
from webhook.manifest.text import ManifestError

try:
    from yaml._yaml import CParser
except ImportError as error:  # pragma: no cover - depends on how PyYAML was built
    raise ImportError(
        "PyYAML was installed without libyaml: install a wheel of it, or build it with libyaml"
    ) from error

#: How deep values may be nested, and how many of them a document may hold.
MAX_DEPTH = 100
MAX_NODES = 1_000_000
#: How many values of a document may come from aliases: enough for any manifest, too few for a bomb.
MAX_ALIASED = 100_000

_MERGE = "tag:yaml.org,2002:merge"


class _Composer(CParser):  # type: ignore[misc, unused-ignore]
    """libyaml's parser, which calls these methods for each node: tags are left unresolved, and limits are kept."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.nodes = 0
        self._depth = 0

    def resolve(self, _kind: type[Node], _value: str | None, implicit: bool | tuple[bool, bool]) -> str:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _LimitError(f"holds more than {MAX_NODES:,} values")
        return PLAIN if isinstance(implicit, tuple) and implicit[0] else TEXT

    def descend_resolver(self, parent: Node | None, _index: object) -> None:
        # Here, before libyaml's composer recurses once more: it does so on the C stack.
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            raise _LimitError(_TOO_DEEP, parent)

    def ascend_resolver(self) -> None:
        self._depth -= 1


_TOO_DEEP = f"is nested more than {MAX_DEPTH} levels deep"


class _LimitError(Exception):
    def __init__(self, problem: str, node: Node | None = None) -> None:
        super().__init__(problem)
        self.offset = node.start_mark.index if node is not None else 0


#: Where a field is written, and its value; and those of a mapping.
_Field = tuple[Node, Node]
_Fields = dict[str | int, _Field]


class Tree:
    """A document's nodes, and how far into the text they begin."""

    __slots__ = ("_base", "_known", "_root")

    def __init__(self, root: Node, base: int) -> None:
        self._root = root
        self._base = base
        self._known: dict[int, _Fields] = {}

    def locate(self, path: Path) -> int:
        """The offset in the text of a field's key or a list's item; if it is missing, of what is nearest above it."""
        node, offset = self._root, self._root.start_mark.index
        for step in path:
            found = self._child(node, step)
            if found is None:
                break
            place, node = found
            offset = place.start_mark.index
        return self._base + int(offset)

    def _child(self, node: Node, step: str | int) -> _Field | None:
        if type(node) is SequenceNode and isinstance(step, int):
            return (node.value[step], node.value[step]) if 0 <= step < len(node.value) else None
        return self._fields(node).get(step) if type(node) is MappingNode else None

    def _fields(self, node: Node) -> _Fields:
        """The fields of a mapping, its own before those that it merges. They are asked for again and again."""
        known = self._known.get(id(node))
        if known is None:
            known = self._known[id(node)] = {}
            merged: list[Node] = []
            for key_node, value_node in node.value:
                if _is_merge(key_node):
                    merged = _sources(key_node, value_node)
                else:
                    known[_key(key_node)] = (key_node, value_node)
            for source in merged:
                for name, field in self._fields(source).items():
                    known.setdefault(name, field)
        return known


def read(text: str, base: int) -> Iterator[tuple[Any, Tree]]:
    """The documents of a YAML text that begins `base` characters into the file. Raises ManifestError."""
    try:
        parser = _Composer(text)
        while parser.check_node():
            root: Any = parser.get_node()
            yield _Builder(parser.nodes).build(root), Tree(root, base)
    except ManifestError as error:
        raise ManifestError(error.problem, base + error.offset) from error
    except _LimitError as error:
        raise ManifestError(str(error), base + error.offset) from error
    except yaml.reader.ReaderError as error:
        raise _unreadable(text, base) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f" {error.context}" if error.context else ""
        raise ManifestError(f"is not YAML: {error.problem}{context}", base + (mark.index if mark else 0)) from error


def _unreadable(text: str, base: int) -> ManifestError:
    # libyaml says which byte, not which character.
    offset = next((index for index, char in enumerate(text) if not _allowed(char)), 0)
    return ManifestError(f"holds the control character U+{ord(text[offset]):04X}", base + offset)


def _allowed(char: str) -> bool:
    return char in "\t\n\x85" or " " <= char <= "~" or "\xa0" <= char <= "\ufffd" or char >= "\U00010000"


class _Built(NamedTuple):
    value: Any
    size: int
    height: int


class _Builder:
    """Makes values of nodes. A node met again through an alias is not built again, only counted again."""

    __slots__ = ("_built", "_count", "_limit")

    def __init__(self, composed: int) -> None:
        self._built: dict[int, _Built | None] = {}
        self._count = 0
        self._limit = composed + MAX_ALIASED

    def build(self, node: Node) -> Any:
        if type(node) is not ScalarNode:
            return self._collection(node).value
        self._count += 1
        if node.tag == TEXT:
            return node.value
        try:
            return scalars.plain(node.value) if node.tag == PLAIN else scalars.tagged(node.tag, node.value)
        except ValueError as error:
            raise _wrong(node, str(error)) from error

    def _collection(self, node: Node) -> _Built:
        built = self._built.get(id(node), _NEW)
        if built is None:
            raise _wrong(node, "contains itself, by an alias")
        if built is not _NEW:
            self._grow(built.size, node)
            return built
        self._built[id(node)] = None
        before = self._count
        self._grow(1, node)
        value = self._mapping(node) if type(node) is MappingNode else [self.build(item) for item in node.value]
        built = _Built(value, self._count - before, 1 + self._tallest(node))
        if built.height > MAX_DEPTH:
            raise _wrong(node, _TOO_DEEP)
        self._built[id(node)] = built
        return built

    def _grow(self, size: int, node: Node) -> None:
        self._count += size
        if self._count > self._limit:
            raise _wrong(node, f"brings more than {MAX_ALIASED:,} values into the document by aliases")

    def _tallest(self, node: Node) -> int:
        inner = [value for _, value in node.value] if type(node) is MappingNode else node.value
        return max((built.height for item in inner if (built := self._built.get(id(item))) is not None), default=0)

    def _mapping(self, node: Node) -> dict[str, Any]:
        result: dict[str, Any] = {}
        merged: dict[str, Any] | None = None
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                if merged is not None:
                    raise _wrong(key_node, "merges (<<) for the second time in one mapping: write one << with a list")
                merged = self._merged(key_node, value_node, result)
                continue
            key = _key(key_node)
            if key in result:
                raise _wrong(key_node, f'sets the key "{key}" for the second time in one mapping')
            result[key] = self.build(value_node)
        return {**merged, **result} if merged else result

    def _merged(self, key_node: Node, node: Node, before: Mapping[str, Any]) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        for source in reversed(_sources(key_node, node)):
            merged.update(self.build(source))
        for key in before:
            if key in merged:
                # kubectl takes the merged value, everybody else the written one: what is judged would not be what runs.
                raise _wrong(
                    key_node, f'merges (<<) the key "{key}" after it was set: move << to the top of the mapping'
                )
        return merged


_NEW = _Built(None, 0, 0)


def _wrong(node: Node, problem: str) -> ManifestError:
    return ManifestError(problem, node.start_mark.index)


def _is_merge(node: Node) -> bool:
    return type(node) is ScalarNode and node.value == "<<" and node.tag in (PLAIN, _MERGE)


def _key(node: Node) -> str:
    if type(node) is not ScalarNode:
        raise _wrong(node, "has a list or a mapping as a key: a key must be text")
    try:
        return node.value if node.tag == TEXT else scalars.key(node.tag, node.value)
    except ValueError as error:
        raise _wrong(node, str(error)) from error


def _sources(key_node: Node, node: Node) -> list[Node]:
    """The mappings that are merged, the one that wins first."""
    found = node.value if type(node) is SequenceNode else [node]
    if not all(type(source) is MappingNode for source in found):
        raise _wrong(key_node, "merges (<<) something that is neither a mapping nor a list of mappings")
    return list(found)
