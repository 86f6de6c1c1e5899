"""Changes in block style: lines that come, go, or get another value."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from webhook.manifest.edit import flow, write
from webhook.manifest.edit.page import Page
from webhook.manifest.edit.plan import Addition, Child, New, Opened, Removal
from webhook.manifest.edit.spans import Kind, Member, Span
from webhook.manifest.edit.splice import EditError, Splice


def changes(page: Page, opened: Opened) -> Iterator[Splice]:
    """What turns the text of a collection into what it shall be. What is inside of it comes first."""
    if opened.span.flow:
        yield from flow.changes(page, opened)
        return
    for child in opened.children:
        if child.member is not None and child.change is not None:
            yield from _changed(page, opened, child.member, child.change)
    for removal in opened.removals():
        yield from _removed(page, removal)
    for addition in opened.additions():
        yield _added(page, opened.span, addition)


def _changed(page: Page, parent: Opened, member: Member, change: New | Opened) -> Iterator[Splice]:
    if isinstance(change, Opened):
        if change.kept or (change.children and _has_own_lines(page, change.span)):
            yield from changes(page, change)
            return
        if not change.children and not change.span.flow:
            yield from _emptied(page, member, change)
            return
    yield from _replaced(page, parent.span, member, change.value)


def _has_own_lines(page: Page, span: Span) -> bool:
    return not span.flow and page.leading(span.members[0].start) is not None


def _emptied(page: Page, member: Member, opened: Opened) -> Iterator[Splice]:
    """Nothing is left of a block: its lines go, and the comments between them stay."""
    head = _head(member)
    yield Splice(head, head, " {}" if opened.span.kind is Kind.MAPPING else " []")
    for removal in opened.removals():
        yield from _removed(page, removal)


def _head(member: Member) -> int:
    if member.head is None:
        raise EditError("a key without a colon cannot be given a value")
    return member.head


def _replaced(page: Page, parent: Span, member: Member, value: Any) -> Iterator[Splice]:
    head, old = _head(member), member.value
    page.refuse_comments(old)
    below = "\n" in page.text[head : old.start]
    line_before, end = page.line_start(old.start) - 1, page.after_blanks(old.end)
    text = _beside(page, parent, member, value, below=below)
    if text is None:
        text = _below(page, parent, value)
        if below:
            yield Splice(line_before, old.end, text)
        else:
            yield Splice(head, end, "")
            yield Splice(page.line_end(end), page.line_end(end), text)
    elif below:
        yield Splice(head, head, " " + text)
        yield Splice(line_before, end, "")
    else:
        yield Splice(old.start, old.end, text if old.start < old.end else " " + text)


def _beside(page: Page, parent: Span, member: Member, value: Any, *, below: bool) -> str | None:
    """What is written behind the colon or the dash; None for what begins on the next line."""
    old = member.value
    if write.is_inline(value) or (old.flow and old.members):
        return flow.written(page, member, value) if old.flow else _scalar(page, old, value)
    if parent.kind is Kind.MAPPING:
        return None
    at = page.column(_head(member)) + 1 if below or old.start == old.end else page.column(old.start)
    return ("\n" + " " * at).join(write.block(value, page.layout))


def _scalar(page: Page, old: Span, value: Any) -> str:
    quote = page.text[old.start] if old.start < old.end else ""
    if isinstance(value, str) and quote and quote in "'\"":
        return write.scalar(value, quote)
    return write.block(value, page.layout)[0]


def _below(page: Page, parent: Span, value: Any) -> str:
    by = page.layout.dashes if isinstance(value, list) else page.layout.step
    indent = "\n" + " " * (page.column(parent.members[0].start) + by)
    return indent + indent.join(write.block(value, page.layout))


def _removed(page: Page, removal: Removal) -> Iterator[Splice]:
    members, after = removal.members, removal.after
    if page.leading(members[0].start) is None and after is not None and not _commented(page, [*members, after]):
        # It stands behind a dash, where what follows takes its place.
        yield Splice(members[0].start, after.start, "")
        return
    for member in members:
        yield _removed_lines(page, member)


def _commented(page: Page, members: list[Member]) -> bool:
    return any(page.has_comment(_end(page, one), other.start) for one, other in pairwise(members))


def _end(page: Page, member: Member) -> int:
    """Where a member ends together with its comments: behind its value, and indented more on the lines below."""
    return page.after_comments(page.line_end(member.end), page.column(member.start) + 1)


def _removed_lines(page: Page, member: Member) -> Splice:
    start, end = member.start, _end(page, member)
    while start and page.text[start - 1] in " \t":
        start -= 1
    if start and page.text[start - 1] == "\n":
        return Splice(start - 1, end, "")
    # A dash stays; and with the first line of a file goes the line break behind it.
    return Splice(start, end if start else min(end + 1, len(page.text)), "")


def _added(page: Page, span: Span, addition: Addition) -> Splice:
    indent = " " * page.column(span.members[0].start)
    lines = [line for child in addition.children for line in _lines(page, span, child)]
    if addition.before is None and addition.after is not None:
        at = addition.after.start
        return Splice(at, at, "".join(line + "\n" + indent for line in lines))
    # Where nothing stays, behind what goes.
    before = addition.before or span.members[-1]
    # A comment beside a dash is about the item that follows, or about the key that follows the list.
    column = len(indent) + (span.kind is Kind.SEQUENCE)
    at = page.after_comments(page.line_end(before.end), column)
    return Splice(at, at, "".join("\n" + indent + line for line in lines))


def _lines(page: Page, span: Span, child: Child) -> list[str]:
    value = [child.final] if span.kind is Kind.SEQUENCE else {child.key: child.final}
    return write.block(value, page.layout)
