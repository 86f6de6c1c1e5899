"""From findings to what should be written instead: in a report, and in the files themselves."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from policies import fix, patch
from policies import resource as resources
from policies.engine import Engine, Finding
from policies.patch import Operation
from policies.resource import Resource, UnreadableObjectError
from policies.rule import Edit
from webhook import manifest
from webhook.manifest import Document, File, Manifest
from webhook.manifest.edit import EditError, Splice, rewrite, splices
from webhook.report import Fix, Replacement

#: What a rule would write may show another rule something to fix; but it must come to an end.
_ROUNDS = 5
#: The findings of an object that are to be fixed.
Wanted = Callable[[Manifest, Resource], list[Finding]]


def proposals(
    found: Manifest, resource: Resource, findings: Sequence[Finding], engine: Engine, *, text: bool
) -> list[Fix | None]:
    """A fix for each finding, where there is one; with `text` also as replacements in the file."""
    patches = fix.propose(found.value, resource, findings, engine)
    return [None if each is None else _told(found, each, text=text) for each in patches]


def _told(found: Manifest, operations: tuple[Operation, ...], *, text: bool) -> Fix:
    return Fix(patch.to_json(operations), tuple(_replacements(found, operations)) if text else ())


def _replacements(found: Manifest, operations: tuple[Operation, ...]) -> Iterator[Replacement]:
    document = found.document
    try:
        made = splices(document, _from_root(found, operations))
    except EditError:
        return
    for each in made:
        start, end = document.text.place(each.start), document.text.place(each.end)
        yield Replacement(start.line, start.column, end.line, end.column, each.text)


def _from_root(found: Manifest, operations: Sequence[Operation]) -> list[Operation]:
    return [each._replace(path=found.path + each.path) for each in operations]


@dataclass(slots=True)
class Mended:
    """A file with every fix made that holds, and how many these are."""

    content: bytes
    count: int = 0


def mend(file: File, engine: Engine, wanted: Wanted) -> Mended:
    """Fix what can be fixed in a file. What cannot be read or safely edited stays as it is."""
    mended = Mended(file.content)
    for _ in range(_ROUNDS):
        documents = [each for each in manifest.read(mended.content) if isinstance(each, Document)]
        changes: list[Splice] = []
        for document in documents:
            made, count = _change(document, _fixes(document, engine, wanted))
            changes += made
            mended.count += count
        if not changes:
            break
        mended.content = rewrite(documents[0].text, changes)
    return mended


#: An object, and the edits that fix it: a group for each finding.
_Fixes = list[tuple[Manifest, list[tuple[Edit, ...]]]]


def _fixes(document: Document, engine: Engine, wanted: Wanted) -> _Fixes:
    return [(each, _edits(each, engine, wanted)) for each in manifest.objects(document) if isinstance(each, Manifest)]


def _edits(found: Manifest, engine: Engine, wanted: Wanted) -> list[tuple[Edit, ...]]:
    try:
        resource = resources.read(found.value)
    except UnreadableObjectError:
        return []
    findings = engine.evaluate(resource).findings
    return fix.compatible(found.value, resource, findings, wanted(found, resource), engine)


def _change(document: Document, fixes: _Fixes) -> tuple[list[Splice], int]:
    """The splices that make these fixes; when the text does not allow all of them, those of the fixes that it does."""
    try:
        return splices(document, _operations(fixes)), sum(len(edits) for _, edits in fixes)
    except EditError:
        pass
    kept: _Fixes = [(found, []) for found, _ in fixes]
    made: list[Splice] = []
    for index, (found, edits) in enumerate(fixes):
        for edit in edits:
            tried = [*kept[:index], (found, [*kept[index][1], edit]), *kept[index + 1 :]]
            try:
                made = splices(document, _operations(tried))
            except EditError:
                continue
            kept = tried
    return made, sum(len(edits) for _, edits in kept)


def _operations(fixes: _Fixes) -> list[Operation]:
    return [
        each
        for found, edits in fixes
        for each in _from_root(found, fix.operations(found.value, chain.from_iterable(edits)))
    ]
