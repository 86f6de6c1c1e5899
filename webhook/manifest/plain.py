"""The YAML that most manifests are written in, read line by line: several times faster than through libyaml's nodes.

A field or an item of a list a line, of plain or quoted text, in block style. A value that goes over several lines, or
is written in brackets, is cut out by its indentation and read by the other readers. Whatever is not certain to mean
the same to libyaml is left to it, the whole document: anchors, tags, merges, lists as items of lists, tabs, every kind
of error. So this reader has no errors of its own, and tests hold it against libyaml's.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import accumulate
from typing import Any, NoReturn

from policies.path import Path
from webhook.manifest import json_text, nodes, scalars
from webhook.manifest.text import ManifestError

#: Longer documents are not worth to be held as lines.
_MOST_CHARACTERS = 1 << 20
#: Far from the limit that libyaml's reader has for everything.
_MOST_OPEN = 40
#: Indentation, dash, key, and all the rest of a line.
_LINE = re.compile(r"( *)((?:- +)?)(?:([A-Za-z_/][\w./-]{0,250}+):(?: ++|$))?+(.*)\n?", re.MULTILINE | re.ASCII)
_START = re.compile(r"--- *(?: #.*)?$", re.MULTILINE)
#: What the first character of a value says it is.
_WORD, _TELLING, _QUOTED, _BLOCK, _FLOW, _OTHER = range(6)
_SORTS: dict[str, int] = {
    **dict.fromkeys("abcdeghijklmpqrsuvwxzABCDEGHIJKLMPQRSUVWXZ_/($^;<=\\", _WORD),
    **dict.fromkeys("+-.0123456789yYnNtTfFoO~", _TELLING),
    **dict.fromkeys("\"'", _QUOTED),
    **dict.fromkeys("|>", _BLOCK),
    **dict.fromkeys("[{", _FLOW),
}

_Line = tuple[str, str, str, str]
#: Where the members of a mapping or a list are written: the numbers of their lines.
_Places = dict[str, int] | list[int]


class _LeaveItError(Exception):
    """This document is not for this reader."""


def read(text: str, base: int) -> "tuple[Any, Tree] | None":
    """A document that begins `base` characters into the file; None if it has to be read another way."""
    if len(text) > _MOST_CHARACTERS or not text.replace("\n", "").isprintable():
        return None
    reader = _Reader(text)
    try:
        reader.read()
    except _LeaveItError:
        return None
    return (reader.root, Tree(reader, base)) if reader.root else None


class _Reader:
    """One document. `places` and `pieces` are by the identity of the values that stand there."""

    __slots__ = ("_starts", "first", "lines", "pieces", "places", "root", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines: list[_Line] = _LINE.findall(text)
        self.root: dict[str, Any] = {}
        self.first = 0
        self.places: dict[int, _Places] = {}
        self.pieces: dict[int, tuple[int, json_text.Tree | nodes.Tree]] = {}
        self._starts: list[int] | None = None

    def read(self) -> None:  # noqa: C901, PLR0912, PLR0915 - one loop, and no call for what most lines are
        """Fill `root`. Raises _LeaveItError."""
        # A mapping that begins in column n has level 2n, and a list 2n + 1: it may be the value of a key in column n.
        level, holder, places = -1, self.root, {}  # type: int, Any, Any
        outer: list[tuple[int, Any, Any]] = []
        waiting: str | None = ""  # the key whose value comes on the lines below
        resume = 1 if _START.match(self.text) else 0
        for number, (pad, dash, key, value) in enumerate(self.lines):
            if number < resume:
                continue
            if not key and not dash:
                if value and value[0] != "#":
                    resume = self._continued(number, holder, places, level)
                continue
            at = len(pad) * 2 + (1 if dash else 0)
            if at > level:
                if waiting is None or len(outer) > _MOST_OPEN:
                    _leave_it()
                outer.append((level, holder, places))
                if level < 0:
                    if dash:
                        _leave_it()
                    self.first, holder = number, self.root
                elif dash:
                    holder[waiting] = holder = []
                else:
                    holder[waiting] = holder = {}
                level = at
                self.places[id(holder)] = places = [] if dash else {}
            else:
                while at < level:
                    level, holder, places = outer.pop()
                if at != level:
                    _leave_it()
            waiting = None
            if dash:
                places.append(number)
                if key:
                    outer.append((level, holder, places))
                    inner: dict[str, Any] = {}
                    holder.append(inner)
                    level, holder = (len(pad) + len(dash)) * 2, inner
                    self.places[id(holder)] = places = {}
            if key:
                if key in holder or key in scalars.WORDS:
                    _leave_it()
                places[key] = number
            if not value or value[0] == "#":
                if not key:
                    _leave_it()
                holder[key] = None
                waiting = key
                continue
            sort = _SORTS.get(value[0], _OTHER)
            if sort > _TELLING:
                result, resume = self._complex(number, sort, value, level >> 1)
            else:
                untidy = " #" in value or ": " in value or value[-1] in ": "
                result = _tidied(value) if untidy else value
                if sort == _TELLING:
                    result = _plain(result)
            if key:
                holder[key] = result
            else:
                holder.append(result)

    def _complex(self, number: int, sort: int, value: str, column: int) -> tuple[Any, int]:
        """A value that is neither plain text nor a number, and the line after it."""
        value = value.rstrip(" ")
        if sort == _QUOTED and (found := _quoted(value)) is not None:
            return found, number + 1
        if sort == _FLOW:
            if value in ("[]", "{}"):
                return ([] if value == "[]" else {}), number + 1
            if (decoded := json_text.decode(value, 0)) is not None and decoded[1] == len(value):
                self.pieces[id(decoded[0])] = (number, json_text.Tree(value, 0, 0))
                return decoded[0], number + 1
        elif sort == _OTHER or (sort == _BLOCK and not _HEADER.match(value)):
            _leave_it()
        return self._piece(number, sort, column)

    def _piece(self, number: int, sort: int, column: int) -> tuple[Any, int]:
        """A value that goes on for as long as lines are indented more than what holds it, and the line after it."""
        end = number + 1
        while end < len(self.lines) and (len(self.lines[end][0]) > column or not any(self.lines[end][1:])):
            end += 1
        starts = self.starts
        text = self.text[self.value_at(number) : starts[end] if end < len(starts) else None]
        if sort == _FLOW and (len(text) > 4_096 or _NOT_BY_ITSELF.search(text)):
            _leave_it()
        try:
            found = list(nodes.read(text, 0))
        except ManifestError:
            raise _LeaveItError from None
        if len(found) != 1 or type(found[0][0]) is not _TYPES.get(text[0], str):
            _leave_it()
        value, tree = found[0]
        if sort == _FLOW:
            self.pieces[id(value)] = (number, tree)
        return value, end

    def _continued(self, number: int, holder: Any, places: Any, level: int) -> int:
        """Read the value before this line again, which seems to be the second one of it; returns the line after it."""
        before = number - 1
        if level < 0 or len(self.lines[number][0]) <= level >> 1:
            _leave_it()
        key = next(reversed(places), None) if type(places) is dict else len(places) - 1
        sort = _SORTS.get(self.lines[before][3][:1], _OTHER)
        if key is None or places[key] != before or sort > _TELLING or "#" in self.lines[before][3]:
            _leave_it()
        holder[key], resume = self._piece(before, sort, level >> 1)
        return resume

    @property
    def starts(self) -> list[int]:
        """Where each line begins."""
        if self._starts is None:
            # Nothing else that splits a line got this far.
            self._starts = list(accumulate(map(len, f"{self.text}\n".splitlines(keepends=True)), initial=0))
        return self._starts

    def value_at(self, number: int) -> int:
        """Where the value on a line begins."""
        return self.starts[number + 1] - 1 - len(self.lines[number][3])


class Tree:
    """Where the values of a document stand. Columns are looked up when somebody asks for them."""

    __slots__ = ("_base", "_reader")

    def __init__(self, reader: _Reader, base: int) -> None:
        self._reader = reader
        self._base = base

    def locate(self, path: Path) -> int:
        """The offset in the text of a field's key or a list's item; if it is missing, of what is nearest above it."""
        reader = self._reader
        value: Any = reader.root
        line = reader.first
        for position, step in enumerate(path):
            if not _has(value, step):
                break
            if (piece := reader.pieces.get(id(value))) is not None:
                number, tree = piece
                return self._base + reader.value_at(number) + tree.locate(path[position:])
            line = reader.places[id(value)][step]  # type: ignore[index]
            value = value[step]
        pad, dash, _, _ = reader.lines[line]
        return self._base + reader.starts[line] + len(pad) + len(dash)


def _has(value: Any, step: str | int) -> bool:
    if type(value) is dict:
        return step in value
    return type(value) is list and isinstance(step, int) and 0 <= step < len(value)


#: What a value must be that begins so; all others are text.
_TYPES: Mapping[str, type] = {"[": list, "{": dict}
# An indentation that is given counts from what holds the value.
_HEADER = re.compile(r"[|>][-+]?(?: +#.*)?\Z")
# Anchors count for a whole document, and so do limits.
_NOT_BY_ITSELF = re.compile(r"[&*!]|(?:[\[{][^\[{]*){20}")


def _leave_it() -> NoReturn:
    raise _LeaveItError


def _tidied(value: str) -> str:
    """Plain text without the comment and the blanks behind it."""
    value = value.partition(" #")[0].rstrip(" ")
    if ": " in value or value[-1] == ":":
        _leave_it()
    return value


def _plain(value: str) -> Any:
    if value[0] == "-" and value[1:2] in ("", " "):
        _leave_it()
    try:
        return _short(value) if len(value) < 20 else scalars.plain(value)
    except ValueError:
        raise _LeaveItError from None


_short = lru_cache(4_096)(scalars.plain)


def _quoted(value: str) -> str | None:
    """Text in quotes that ends on its line and has nothing behind it."""
    quote, inner = value[0], value[1:-1]
    if len(value) < 2 or value[-1] != quote:
        return None
    if quote == '"':
        return None if '"' in inner or "\\" in inner else inner
    return None if "'" in inner.replace("''", "") else inner.replace("''", "'")
