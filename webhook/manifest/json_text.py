"""JSON text to values, and a field's path to where it is written.

JSON is nearly YAML, but libyaml refuses some of it: surrogate pairs, long keys, a colon on the next line.
"""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from policies.path import Path
from webhook.manifest import scalars
from webhook.manifest.nodes import MAX_DEPTH, MAX_NODES

_BLANK = re.compile(r"[ \t\n\r]*")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is set twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


_strict = json.JSONDecoder(
    object_pairs_hook=_unique, parse_float=scalars.fraction, parse_int=scalars.integer, parse_constant=_refuse
)
_skip = json.JSONDecoder(parse_float=str, parse_int=str)


def blank(text: str, offset: int) -> int:
    """The offset of the first character from here on that is no blank."""
    match = _BLANK.match(text, offset)
    return match.end() if match else offset


def decode(text: str, offset: int) -> tuple[Any, int] | None:
    """The value that begins here, and where it ends; None if it is not plain JSON within our limits.

    Then the YAML reader is asked, which says what is wrong and where, and which reads what is YAML in braces.
    """
    try:
        value, end = _strict.raw_decode(text, offset)
        _refuse_immoderate(value, unicode=_SURROGATE.search(text, offset, end) is not None)
    except (ValueError, RecursionError):
        return None
    return value, end


def _refuse_immoderate(value: Any, *, unicode: bool) -> None:
    count, depth, layer = 0, 0, [value]
    while layer:
        count += len(layer)
        depth += 1
        if count > MAX_NODES or depth > MAX_DEPTH + 1:
            raise ValueError("too large")
        if unicode:
            # UnicodeEncodeError, a ValueError, for half a surrogate pair.
            "".join(text for item in layer for text in (item if isinstance(item, dict) else [item])
                    if isinstance(text, str)).encode()  # fmt: skip
        inner = (item.values() if isinstance(item, dict) else item for item in layer if isinstance(item, dict | list))
        layer = [value for items in inner for value in items]


class Tree:
    """Where the values of a JSON document stand. Only what is asked for is looked at, and remembered."""

    __slots__ = ("_base", "_known", "_start", "_text")

    def __init__(self, text: str, start: int, base: int) -> None:
        self._text = text
        self._start = start
        self._base = base
        self._known: dict[int, dict[str | int, tuple[int, int]]] = {}

    def locate(self, path: Path) -> int:
        """The offset in the text of a field's key or a list's item; if it is missing, of what is nearest above it."""
        place = value = self._start
        for step in path:
            if value not in self._known:
                self._known[value] = self._members(value)
            found = self._known[value].get(step)
            if found is None:
                break
            place, value = found
        return self._base + place

    def _members(self, offset: int) -> dict[str | int, tuple[int, int]]:
        """Where each member of the object or list at this offset begins, and where its value does."""
        text = self._text
        found: dict[str | int, tuple[int, int]] = {}
        opening, at = text[offset], blank(text, offset + 1)
        if opening not in "{[" or text[at] in "}]":
            return {}
        while True:
            step: str | int = len(found)
            place = at
            if opening == "{":
                step, at = scanstring(text, at + 1)
                at = blank(text, blank(text, at) + 1)
            found[step] = (place, at)
            at = blank(text, _skip.raw_decode(text, at)[1])
            if text[at] != ",":
                return found
            at = blank(text, at + 1)
