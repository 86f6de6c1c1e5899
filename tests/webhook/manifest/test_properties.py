"""Whatever is written is read back, found again where it was written; and no text breaks the reader."""

import json
import re
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from policies.path import Path
from webhook.manifest import Document, Flaw, objects, read

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=20
)
OBJECTS = st.dictionaries(TEXT, VALUES, max_size=5)
# What people's files are made of, so that arbitrary text gets beyond the first error.
PIECES = st.sampled_from(
    ["a", "b: ", ": ", "- ", "\n", "\n  ", "---\n", "...\n", "{", "}", "[", "]", ",", '"', "'", "&x ", "*x", "<<: ",
     "!!int ", "? ", "| \n", "> \n", "#", "%YAML 1.1\n", "\t", "1e3", "0x", "null", "{{", "\\u", "\\ud83d",
     "apiVersion: v1\n", "kind: List\n", "items:\n", "\x00", "\ufeff", "\u2028", "\r\n"]
)  # fmt: skip


def only(content: str) -> Document:
    [found] = read(content.encode())
    assert isinstance(found, Document), found
    return found


def paths(value: Any, path: Path = ()) -> list[Path]:
    """Every path in a value."""
    if isinstance(value, dict):
        return [path, *(found for key, item in value.items() for found in paths(item, (*path, key)))]
    if isinstance(value, list):
        return [path, *(found for index, item in enumerate(value) for found in paths(item, (*path, index)))]
    return [path]


@given(OBJECTS)
def test_yaml_in_quotes_reads_back(content: dict[str, Any]) -> None:
    assert only(yaml.safe_dump(content, allow_unicode=True, default_style='"')).value == content


# PyYAML leaves out the quotes of some texts that mean something else to kubectl: y, 08, 1e3.
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT.map("k{}".format),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT.map("k{}".format), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(TEXT.map("k{}".format), PLAIN, max_size=5), st.booleans())
def test_yaml_reads_back(content: dict[str, Any], flow: bool) -> None:
    assert only(yaml.safe_dump(content, default_flow_style=flow)).value == content


@given(OBJECTS, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_json_reads_back(content: dict[str, Any], indent: int | str | None, ascii_only: bool) -> None:
    assert only(json.dumps(content, indent=indent, ensure_ascii=ascii_only)).value == content


@given(st.lists(OBJECTS.filter(bool), max_size=4))
def test_streams_read_back(contents: list[dict[str, Any]]) -> None:
    found = list(read(yaml.safe_dump_all(contents, default_style='"').encode()))
    assert [document.value for document in found if isinstance(document, Document)] == contents


KEYS = st.from_regex(re.compile(r"k[a-z0-9]{1,6}", re.ASCII), fullmatch=True)
MARKED = st.recursive(
    KEYS, lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3)
)


@given(st.dictionaries(KEYS, MARKED, min_size=1, max_size=4), st.booleans())
def test_places_point_at_what_is_asked_for(content: dict[str, Any], as_json: bool) -> None:
    text = json.dumps(content, indent=2) if as_json else yaml.safe_dump(content, sort_keys=False)
    document, lines = only(text), text.split("\n")
    for path in filter(None, paths(content)):
        line, column = document.place(path)
        rest = lines[line - 1][column - 1 :]
        if isinstance(path[-1], str):
            assert re.match(rf'"?{path[-1]}"?:', rest)
        else:
            before = lines[line - 1][: column - 1]
            assert before.endswith("- ") or before.strip() == ""


def consume(content: bytes) -> None:
    for found in read(content):
        for item in [found] if isinstance(found, Flaw) else objects(found):
            if isinstance(item, Flaw):
                assert item.problem
                assert item.place >= (1, 1)
            else:
                json.dumps(item.value, allow_nan=False).encode()
                for path in paths(item.value):
                    assert item.place(path) >= (1, 1)


@given(st.binary(max_size=60))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    consume(content)


@given(st.lists(PIECES | st.text(max_size=3), max_size=25).map("".join))
def test_no_text_breaks_the_reader(content: str) -> None:
    consume(content.encode("utf-8", "surrogatepass"))


@given(st.lists(PIECES, max_size=15).map("".join))
def test_a_document_that_follows_is_not_lost(content: str) -> None:
    *_, last = read(f"{content}\n...\n---\nafter: all\n".encode())
    assert isinstance(last, Document)
    assert last.value == {"after": "all"}
