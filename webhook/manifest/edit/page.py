"""The text of one document: its lines, its blanks, its comments, and the style in which it is written."""

import re
from collections import Counter
from collections.abc import Iterator

from webhook.manifest.edit.spans import Kind, Span
from webhook.manifest.edit.splice import EditError
from webhook.manifest.edit.write import Layout

_COMMENT_LINE = re.compile(r"\n([ \t]*)#[^\n]*")
_HEADER_COMMENT = re.compile(r"(?:[&!]\S*[ \t\n]+)*+[|>][-+0-9]*[ \t]+#")


class Page:
    """A document's text, and the layout that most of it has."""

    __slots__ = ("is_json", "layout", "text")

    def __init__(self, text: str, root: Span, *, is_json: bool) -> None:
        self.text = text
        self.is_json = is_json
        self.layout = self._layout(root)

    def line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def line_end(self, at: int) -> int:
        end = self.text.find("\n", at)
        return len(self.text) if end < 0 else end

    def after_blanks(self, at: int) -> int:
        """The end of the line, if nothing else is left on it."""
        end = self.line_end(at)
        return at if self.text[at:end].strip(" \t") else end

    def column(self, at: int) -> int:
        return at - self.line_start(at)

    def leading(self, at: int) -> str | None:
        """What a line begins with, if that is nothing but blanks as far as here."""
        before = self.text[self.line_start(at) : at]
        return None if before.strip(" \t") else before

    def has_comment(self, start: int, end: int) -> bool:
        """Whether there is a comment in this stretch, which holds no value."""
        return "#" in self.text[start:end]

    def after_comments(self, at: int, column: int) -> int:
        """The end of the last comment line that directly follows and begins at this column or beyond it."""
        while (match := _COMMENT_LINE.match(self.text, at)) is not None and len(match[1]) >= column:
            at = match.end()
        return at

    def refuse_comments(self, span: Span) -> None:
        """Raises EditError if there are comments inside of a value."""
        if not self.is_json and self._is_commented(span):
            raise EditError("a comment stands inside of what would be replaced")

    def _is_commented(self, span: Span) -> bool:
        if span.kind is Kind.SCALAR:
            return _HEADER_COMMENT.match(self.text, span.start) is not None
        at = span.start
        for member in span.members:
            # A key may hold what looks like a comment, but for an explicit one it is not worth to be told apart.
            explicit = self.text[member.start] == "?"
            behind = member.start if explicit or member.head is None else member.head
            if self.has_comment(at, member.start) or self.has_comment(behind, member.value.start):
                return True
            if self._is_commented(member.value):
                return True
            at = member.end
        return self.has_comment(at, span.end)

    def _layout(self, root: Span) -> Layout:
        steps, dashes = Counter[int](), Counter[int]()
        for outer, inner in _nested(root):
            by = self.column(inner.members[0].start) - self.column(outer.members[0].start)
            (steps if inner.kind is Kind.MAPPING else dashes)[by] += 1
        step = steps.most_common(1)[0][0] if steps else 2
        first = root.members[0].head if root.members else None
        compact = self.is_json and first is not None and not self.text[first].isspace()
        return Layout(step, dashes.most_common(1)[0][0] if dashes else 0, compact)


def _nested(span: Span) -> Iterator[tuple[Span, Span]]:
    """Mappings in block style, and the collections in block style that are values in them."""
    for member in span.members:
        if not member.value.members:
            continue
        if span.kind is Kind.MAPPING and not span.flow and not member.value.flow:
            yield span, member.value
        yield from _nested(member.value)
