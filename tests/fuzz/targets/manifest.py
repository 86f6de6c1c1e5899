"""Bytes of a manifest: read, judged and fixed. What is read means the same to others; a fix changes what it should."""

import json
from functools import cache
from pathlib import Path as File
from typing import Any
from zlib import crc32

import yaml

from policies import config, fix, patch
from policies import resource as resources
from policies.resource import Resource, UnreadableObjectError
from tests.fuzz.lines import Lines
from tests.fuzz.targets.target import Target
from tests.policies import examples
from webhook import manifest, mend
from webhook.check import judge
from webhook.manifest import Document, Flaw, Manifest
from webhook.manifest import File as Read
from webhook.manifest.edit import EditError, rewrite, splices
from webhook.report import Fixes

POLICY = config.of_profile("all")
#: Rules that have many fixes.
_ENGINE = config.of_profile("pss-restricted").engine
_EXAMPLES = File(__file__).parents[3] / "manifests"


def take(content: bytes) -> bool:
    """Whether there was an object in it."""
    documents = list(manifest.read(content))
    for document in documents:
        if isinstance(document, Flaw):
            assert document.problem
            assert document.place >= (1, 1)
    if len(documents) == 1 and isinstance(documents[0], Document):
        _means_the_same(documents[0], content)
    # Fixes take fifty times as long as reading: one of the ways to make them is enough for an input.
    way = crc32(content) % 4
    report = judge([Read("fuzz.yaml", content)], POLICY, fixes=Fixes.TEXT if way == 0 else Fixes.NONE)
    _are_placed(report.results, content.count(b"\n") + content.count(b"\r") + 1)
    if way == 1:
        mended = mend.mend(Read("fuzz.yaml", content), _ENGINE, lambda _, resource: _all(resource))
        assert (mended.content == content) is (mended.count == 0), "a fix that changes nothing"
    elif way > 1:
        is_edited(content)
    return bool(report.results)


def _all(resource: Resource) -> list[Any]:
    return list(_ENGINE.evaluate(resource).findings)


def _are_placed(results: Any, lines: int) -> None:
    for result in results:
        assert 1 <= result.source.line <= lines
        assert all(1 <= each.line <= lines for each in result.findings)


def _means_the_same(document: Document, content: bytes) -> None:
    """JSON is read as JSON; a text in plain words is read as other readers of YAML read it."""
    try:
        other = json.loads(content.decode(), parse_constant=_refuse)
    except (ValueError, RecursionError):
        return
    assert _texts(document.value) == _texts(other), "JSON is read as something else"


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not JSON")


def _texts(value: Any) -> Any:
    """A value without its numbers, which Kubernetes reads in its own way."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    # What no float can hold becomes text, as in YAML.
    is_number = isinstance(value, str) and value.isdigit() and len(value) > 300
    return value if isinstance(value, str | bool | None) and not is_number else 0


def is_edited(content: bytes) -> None:
    """The first object that can be fixed in place is, and nothing else of the file changes its meaning."""
    documents = list(manifest.read(content))
    for index, document in enumerate(documents):
        if isinstance(document, Flaw):
            continue
        for found in manifest.objects(document):
            operations = _operations(found) if isinstance(found, Manifest) else ()
            if not operations:
                continue
            assert isinstance(found, Manifest)
            at_root = [each._replace(path=found.path + each.path) for each in operations]
            try:
                made = splices(document, at_root)
            except EditError:
                continue
            after = list(manifest.read(rewrite(document.text, made)))
            wanted = [_value(each) for each in documents]
            wanted[index] = patch.apply(document.value, at_root)
            assert [_value(each) for each in after] == wanted, "an edit changes something else"
            return


def _operations(found: Manifest) -> tuple[patch.Operation, ...]:
    try:
        resource = resources.read(found.value)
    except UnreadableObjectError:
        return ()
    findings = _all(resource)
    edits = fix.compatible(found.value, resource, findings, findings, _ENGINE)
    return fix.operations(found.value, (edit for each in edits for edit in each))


def _value(found: Document | Flaw) -> Any:
    return found.problem if isinstance(found, Flaw) else found.value


@cache
def seeds() -> list[bytes]:
    """The manifests of this project, and what the rules' examples show in several styles."""
    found = [file.read_bytes() for file in sorted(_EXAMPLES.rglob("*.yaml")) if b"{{" not in file.read_bytes()]
    objects = [examples.obj(case) for _, case in [*examples.good(), *examples.bad()]]
    for index, each in enumerate(objects):
        style = index % 4
        if style == 0:
            found.append(json.dumps(each, indent=2).encode())
        elif style == 1:
            found.append(yaml.safe_dump_all(objects[index - 1 : index + 1], sort_keys=False).encode())
        else:
            found.append(yaml.safe_dump(each, default_flow_style=None if style == 2 else False).encode())
    return sorted({each for each in found if len(each) <= 8_192})


TARGET = Target("manifest", take, seeds, lambda: Lines(seeds()).mutate, 8_192)
