"""Where each value of a document stands in its text: exactly, without the blanks and comments behind it.

libyaml's nodes do not tell: a block's end lies wherever the next thing begins, and an alias has no place at all.
Its events tell enough to work it out.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

from yaml import AliasEvent, CollectionEndEvent, MappingStartEvent, NodeEvent, ScalarEvent
from yaml._yaml import CParser

from webhook.manifest import scalars
from webhook.manifest.json_text import blank

Kind = Enum("Kind", ["SCALAR", "MAPPING", "SEQUENCE", "ALIAS"])


@dataclass(slots=True, eq=False)
class Span:
    """A value, with its anchor and tag. `flow`: in brackets. `shared`: an alias elsewhere means this value, too."""

    start: int
    end: int
    kind: Kind = Kind.SCALAR
    flow: bool = False
    shared: bool = False
    members: list["Member"] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Member:
    """An entry of a mapping or an item of a sequence, from its key, `?` or dash on.

    `head` is where the value may begin, behind the colon or the dash; None where a key stands without a colon. A merge
    has no `key`, nor has an item.
    """

    start: int
    key: str | None
    head: int | None
    value: Span

    @property
    def end(self) -> int:
        return self.value.end


_GAP = re.compile(r"(?:[ \t\n,]|#[^\n]*)*+")
_PROPERTIES = re.compile(r"(?:[ \t\n]|#[^\n]*|[&!]\S*)*+")
_BLOCK_SCALAR = re.compile(r"(?:[&!]\S*[ \t\n]+)*+[|>]([-+0-9]*)")


class _Reader:
    """Events to spans."""

    __slots__ = ("_anchors", "_parser", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._parser = CParser(text)
        self._anchors: dict[str, Span] = {}

    def document(self) -> Span:
        while not isinstance(event := self._parser.get_event(), NodeEvent):
            pass
        return self._value(event)

    def _value(self, event: Any) -> Span:
        span = Span(event.start_mark.index, event.end_mark.index)
        if type(event) is AliasEvent:
            self._anchors[str(event.anchor)].shared = True
            span.kind = Kind.ALIAS
            return span
        if event.anchor is not None:
            self._anchors[event.anchor] = span
        if not isinstance(event, ScalarEvent):
            self._collection(span, event)
        elif (header := _BLOCK_SCALAR.match(self._text, span.start)) is not None and event.style in ("|", ">"):
            self._cut_line_breaks(span, keep="+" in header[1])
        return span

    def _cut_line_breaks(self, span: Span, *, keep: bool) -> None:
        """libyaml counts all line breaks behind a block scalar as its own."""
        while span.end > span.start and self._text[span.end - 1] == "\n":
            span.end -= 1
            if keep:
                break

    def _collection(self, span: Span, event: Any) -> None:
        is_mapping = isinstance(event, MappingStartEvent)
        span.kind = Kind.MAPPING if is_mapping else Kind.SEQUENCE
        span.flow = event.flow_style
        at = self._skip(span.start, _PROPERTIES)
        if span.flow and self._text[at] in "[{":
            at += 1
        while not _ends(event := self._parser.get_event()):
            member = self._entry(at, event) if is_mapping else self._item(at, event, flow=span.flow)
            span.members.append(member)
            at = member.end
        span.end = event.end_mark.index if span.flow else at

    def _item(self, at: int, event: Any, *, flow: bool) -> Member:
        value = self._value(event)
        if flow:
            return Member(value.start, None, value.start, value)
        dash = self._skip(at, _GAP)
        if value.start == value.end:
            value.start = value.end = dash + 1
        return Member(dash, None, dash + 1, value)

    def _entry(self, at: int, event: Any) -> Member:
        key = self._value(event)
        mark = self._skip(at, _GAP)
        start = mark if self._text.startswith("?", mark) else key.start
        colon = self._skip(key.end, _GAP)
        head = colon + 1 if self._text.startswith(":", colon) else None
        value = self._value(self._parser.get_event())
        if value.start == value.end:
            value.start = value.end = key.end if head is None else head
        return Member(start, _key(event), head, value)

    def _skip(self, at: int, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self._text, at)
        return match.end() if match else at


def _ends(event: Any) -> bool:
    return isinstance(event, CollectionEndEvent)


def _key(event: Any) -> str | None:
    if not isinstance(event, ScalarEvent):
        return None
    implicit = scalars.PLAIN if event.implicit[0] else scalars.TEXT
    tag = implicit if event.tag in (None, "!") else event.tag
    return None if tag != scalars.TEXT and event.value == "<<" else scalars.key(tag, event.value)


def of_yaml(text: str) -> Span:
    """The spans of the only document in a text."""
    return _Reader(text).document()


_ATOM = re.compile(r"[^\s,\]}]+")


def of_json(text: str, start: int) -> Span:
    """The spans of the JSON value that begins here."""
    if text[start] == '"':
        return Span(start, scanstring(text, start + 1)[1])
    if text[start] not in "{[":
        match = _ATOM.match(text, start)
        return Span(start, match.end() if match else start)
    span = Span(start, start, Kind.MAPPING if text[start] == "{" else Kind.SEQUENCE, flow=True)
    at = blank(text, start + 1)
    while text[at] not in "]}":
        member = _json_member(text, at, span.kind)
        span.members.append(member)
        at = blank(text, member.end)
        if text[at] == ",":
            at = blank(text, at + 1)
    span.end = at + 1
    return span


def _json_member(text: str, at: int, kind: Kind) -> Member:
    if kind is Kind.SEQUENCE:
        return Member(at, None, at, of_json(text, at))
    key, end = scanstring(text, at + 1)
    head = blank(text, end) + 1
    return Member(at, key, head, of_json(text, blank(text, head)))
