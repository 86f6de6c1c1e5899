"""Edits of a document's text that keep everything else of its file, byte for byte: comments, order, quotes, blanks.

What was written is read again, and has to be what the operations make of the value; otherwise it is an EditError.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from policies import patch
from policies.patch import Operation, PatchError
from webhook.manifest import json_text, stream
from webhook.manifest.edit import block, spans
from webhook.manifest.edit.page import Page
from webhook.manifest.edit.plan import plan, same
from webhook.manifest.edit.spans import Span
from webhook.manifest.edit.splice import EditError, Splice, apply, tidy
from webhook.manifest.stream import Document
from webhook.manifest.text import Text

__all__ = ["EditError", "Splice", "apply", "rewrite", "splices"]


def splices(document: Document, operations: Sequence[Operation]) -> list[Splice]:
    """What to replace in `document.text.content`, sorted and without overlaps. Paths begin at the document's root.

    Raises EditError where that cannot be done safely.
    """
    try:
        wanted = patch.apply(document.value, operations)
    except PatchError as error:
        raise EditError(str(error)) from error
    part = document.text.content[document.start : document.end]
    if part.startswith("\ufeff"):
        raise EditError("a byte order mark stands inside of the file")
    found = _edit(document, part, operations)
    _prove(document, part, apply(part, found), wanted)
    return [Splice(document.start + each.start, document.start + each.end, each.text) for each in found]


def _edit(document: Document, part: str, operations: Sequence[Operation]) -> list[Splice]:
    start = document.tree.locate(()) - document.start if isinstance(document.tree, json_text.Tree) else None
    root, page = _layout(part, start)
    opened = plan(root, document.value, operations)
    if not opened.kept:
        raise EditError("nothing of the document would be left")
    return tidy(block.changes(page, opened))


@lru_cache(1)  # an object is edited once for each finding
def _layout(part: str, start: int | None) -> tuple[Span, Page]:
    """Where everything stands in a part; `start` is where its JSON begins, and None for YAML."""
    root = spans.of_yaml(part) if start is None else spans.of_json(part, start)
    return root, Page(part, root, is_json=start is not None)


def _prove(document: Document, before: str, after: str, wanted: Any) -> None:
    """Raises EditError unless the text now means what is wanted, and all else what it meant before.

    The rest of the file need not be read: files are cut at their separators before anything else is looked at.
    """
    place = document.tree.locate(()) - document.start
    expected = [wanted if found[0] == place else found[1] for found in _read_before(before)]
    new = [value for _, value in _read(after)]
    if stream.separators(before) != stream.separators(after) or not same(expected, new):
        raise EditError("the edited text would not mean what it should")


def _read(part: str) -> list[tuple[int | None, Any]]:
    """The places and values of a part's documents; None for what cannot be read."""
    return [
        (found.tree.locate(()), found.value) if isinstance(found, Document) else (None, None)
        for found in stream.read(part.encode())
    ]


_read_before = lru_cache(1)(_read)  # the same, of one part after the other


def rewrite(text: Text, splices: Iterable[Splice]) -> bytes:
    """The file with these splices; with its line breaks, its encoding and its byte order mark."""
    return text.rewritten(splices)
