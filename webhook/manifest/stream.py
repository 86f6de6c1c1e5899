"""A file's bytes to its documents, each with its number and its place.

A stream is cut at its separators before it is parsed, so that a broken document takes no other with it.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from policies.path import Path
from webhook.manifest import json_text, nodes, plain
from webhook.manifest.text import ManifestError, Place, Text, decode, refuse_undecodable


class Locator(Protocol):
    def locate(self, path: Path, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Document:
    """A document that could be read. `number` counts the documents of its file from 1, without the empty ones.

    It was read from the part of the text from `start` to `end`, where other JSON documents may stand beside it.
    """

    number: int
    value: Any
    text: Text
    tree: Locator
    start: int
    end: int

    def place(self, path: Path = ()) -> Place:
        """Where a field is written; where what is nearest above it is, if it is not there."""
        return self.text.place(self.tree.locate(path))


@dataclass(frozen=True, slots=True)
class Flaw:
    """A document, or a part of one, that cannot be judged: what is wrong and where.

    `foreign`: it is readable, and nothing in it says that it is meant for Kubernetes.
    """

    number: int
    place: Place
    problem: str
    foreign: bool = False


# Only ever a separator: inside of a block scalar a line is indented, and inside of quotes YAML forbids it.
# That it begins a line is asked last, because looking at the beginning of each line takes five times as long.
_SEPARATOR = re.compile(r"(?:---|\.\.\.)(?<![^\n].{3})(?=[ \t\n]|\Z)")
_DIRECTIVES = re.compile(r"(?:[ \t]*(?:#.*)?\n)*%(?:.*\n)(?:(?:[ \t]*(?:#.*)?|%.*)\n)*")


def read(content: bytes) -> Iterator[Document | Flaw]:
    """The documents of a file, in order: those that can be read, and a Flaw for each that cannot.

    Documents without content are passed over, as kubectl does.
    """
    try:
        text = decode(content)
    except ManifestError as error:
        yield Flaw(1, Place(1, 1), str(error))
        return
    number = 1
    for start, end in _cut(text.content):
        for found in _documents(text, start, end):
            if isinstance(found, ManifestError):
                yield Flaw(number, text.place(found.offset), found.problem)
            else:
                yield Document(number, found[0], text, found[1], start, end)
            number += 1


def separators(text: str) -> list[str]:
    """The lines of a text where a document may end."""
    return _SEPARATOR.findall(text)


def _cut(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for match in _SEPARATOR.finditer(text):
        opens = match[0] == "---"
        if opens and _DIRECTIVES.fullmatch(text, start, match.start()):
            continue
        yield start, match.start()
        start = match.start() if opens else match.end()
    yield start, len(text)


def _documents(text: Text, start: int, end: int) -> Iterator[tuple[Any, Locator] | ManifestError]:
    part = text.content[start:end]
    try:
        refuse_undecodable(part, start)
        opening = json_text.blank(part, 3 if part.startswith("---") else 0)
        if opening == len(part):
            return
        if part.startswith("{", opening) and (found := _json(part, opening, start)) is not None:
            yield from found
            return
        if (simple := plain.read(part, start)) is not None:
            yield simple
            return
        for value, tree in nodes.read(part, start):
            if value is not None:
                yield value, tree
    except ManifestError as error:
        yield _explain(error, part)


def _json(part: str, at: int, base: int) -> Iterator[tuple[Any, Locator] | ManifestError] | None:
    """The JSON values of this part, one after the other as kubectl allows; None if YAML must be asked."""
    first = json_text.decode(part, at)
    if first is None:
        return None
    following = json_text.blank(part, first[1])
    if following < len(part) and part[following] != "{":
        return None
    return _values(part, at, base)


def _values(part: str, at: int, base: int) -> Iterator[tuple[Any, Locator] | ManifestError]:
    broken = 0
    while at < len(part):
        found = json_text.decode(part, at)
        if found is not None:
            yield found[0], json_text.Tree(part, at, base)
            at = json_text.blank(part, found[1])
            continue
        broken += 1
        # The rest of the stream must not be lost: it goes on at the next line that can begin an object. But not for
        # ever, because each attempt may read as far as the end.
        following = part.find("\n{", at) + 1 if broken < _MAX_BROKEN else 0
        gives_up = ", and neither was much before it: what follows is not read" if broken == _MAX_BROKEN else ""
        yield ManifestError(f"is not JSON{gives_up}", base + at)
        at = following or len(part)


_MAX_BROKEN = 20


def _explain(error: ManifestError, part: str) -> ManifestError:
    if "{{" not in part:
        return error
    hint = "this looks like a Helm template: render it, and pipe `helm template` into `podgate check -`"
    return ManifestError(f"{error.problem} ({hint})", error.offset)
