"""Changes inside of brackets: JSON, and the flow style of YAML."""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from webhook.manifest.edit import write
from webhook.manifest.edit.page import Page
from webhook.manifest.edit.plan import Addition, Child, New, Opened, Removal
from webhook.manifest.edit.spans import Kind, Member
from webhook.manifest.edit.splice import EditError, Splice

_COMMENT = re.compile(r"[ \t]*(,?)[ \t]*#[^\n]*")


def changes(page: Page, opened: Opened) -> Iterator[Splice]:
    """What turns the text between a collection's brackets into what it shall be."""
    span = opened.span
    if page.text[span.end - 1] not in "]}" or (span.kind is Kind.MAPPING) != (page.text[span.end - 1] == "}"):
        raise EditError("a single pair in a list has no braces of its own")
    for child in opened.children:
        if child.member is not None and child.change is not None:
            yield from _changed(page, child.member, child.change)
    for removal in opened.removals():
        yield _removed(page, removal)
    for addition in opened.additions():
        yield from _added(page, opened, addition)


def _changed(page: Page, member: Member, change: New | Opened) -> Iterator[Splice]:
    if isinstance(change, Opened) and change.kept:
        yield from changes(page, change)
        return
    page.refuse_comments(member.value)
    text = written(page, member, change.value)
    if member.value.start == member.value.end:
        if member.head is None:
            raise EditError("a key without a colon cannot be given a value")
        text = " " + text
    yield Splice(member.value.start, member.value.end, text)


def written(page: Page, member: Member, value: Any) -> str:
    """A value in the style of the one that it replaces, or of its key."""
    start = member.value.start
    if not isinstance(value, dict | list) and page.text[start] in "'\"" and start < member.value.end:
        return write.scalar(value, page.text[start], flow=True)
    return _text(page, member, value, quoted=_is_quoted(page, member))


def _is_quoted(page: Page, member: Member) -> bool:
    first = member.value.members[0].start if member.value.members else member.start
    return page.is_json or page.text[first] == '"'


def _text(page: Page, member: Member, value: Any, *, quoted: bool) -> str:
    """A value as it is written beside or instead of a member: over several lines if that has a line of its own."""
    indent = page.leading(member.start)
    if quoted and indent is not None and isinstance(value, dict | list) and value:
        return write.indented_json(value, _unit(page, indent), indent)
    return write.flow(value, quoted=quoted, compact=page.layout.compact)


def _unit(page: Page, indent: str) -> str:
    """What one level is indented by: as much as the first line that is indented at all."""
    at = page.text.find("\n")
    for line in page.text[at + 1 :].split("\n"):
        unit = line[: len(line) - len(line.lstrip(" \t"))]
        if unit:
            return unit
    return indent or "  "


def _removed(page: Page, removal: Removal) -> Splice:
    members = removal.members
    stretch = [*members, removal.after] if removal.after else [*filter(None, [removal.before]), *members]
    if any(page.has_comment(one.end, other.start) for one, other in pairwise(stretch)):
        raise EditError("a comment stands beside what would be removed from a list in brackets")
    if removal.after is not None:
        return Splice(members[0].start, removal.after.start, "")
    assert removal.before is not None  # noqa: S101 - something stays, or the collection is written anew
    return Splice(removal.before.end, members[-1].end, "")


def _added(page: Page, opened: Opened, addition: Addition) -> Iterator[Splice]:
    beside = addition.before or addition.after
    assert beside is not None  # noqa: S101 - something stays, or the collection is written anew
    texts = [_member(page, opened, beside, child) for child in addition.children]
    indent = page.leading(beside.start)
    gap = ("" if page.layout.compact else " ") if indent is None else "\n" + indent
    if addition.before is None:
        yield Splice(beside.start, beside.start, "".join(text + "," + gap for text in texts))
        return
    comment = _COMMENT.match(page.text, beside.end)
    if indent is None or comment is None:
        yield Splice(beside.end, beside.end, "".join("," + gap + text for text in texts))
        return
    # The comment stays on the line of its member.
    if not comment[1]:
        yield Splice(beside.end, beside.end, ",")
    yield Splice(comment.end(), comment.end(), gap + ("," + gap).join(texts) + comment[1])


def _member(page: Page, opened: Opened, beside: Member, child: Child) -> str:
    # A sibling tells whether this is JSON: by the quotes of its key, or of itself.
    quoted = page.is_json or page.text[beside.start] == '"'
    value = _text(page, beside, child.final, quoted=quoted)
    if opened.span.kind is Kind.SEQUENCE:
        return value
    colon = ":" if page.layout.compact else ": "
    return write.flow(child.key, quoted=quoted) + colon + value
