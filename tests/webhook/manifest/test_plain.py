"""The quick reader means what libyaml's reader means, in value and in place, or leaves the document to it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.path import Path
from webhook.manifest import nodes, plain
from webhook.manifest.text import ManifestError

BASE = 7


def beyond(value: Any, path: Path = ()) -> list[Path]:
    """Every path in a value, and some that lead just out of it."""
    if isinstance(value, dict):
        inner = [found for key, item in value.items() for found in beyond(item, (*path, key))]
        return [path, (*path, "missing"), (*path, 0), *inner]
    if isinstance(value, list):
        inner = [found for index, item in enumerate(value) for found in beyond(item, (*path, index))]
        return [path, (*path, "missing"), (*path, len(value)), (*path, -1), *inner]
    return [path, (*path, "missing"), (*path, 0)]


def typed(value: Any) -> Any:
    """Values that tell true from 1, and show the order of keys."""
    if isinstance(value, dict):
        return [(key, typed(item)) for key, item in value.items()]
    return [typed(item) for item in value] if isinstance(value, list) else (type(value), value)


def is_read(text: str) -> bool:
    """Whether the quick reader reads this; then it agrees with libyaml's in everything."""
    found = plain.read(text, BASE)
    if found is None:
        return False
    value, tree = found
    [(expected, slow)] = [(each, tree) for each, tree in nodes.read(text, BASE) if each is not None]
    assert typed(value) == typed(expected)
    paths = beyond(expected)
    assert [tree.locate(path) for path in paths] == [slow.locate(path) for path in paths]
    return True


READ = {
    "fields": "apiVersion: v1\nkind: Pod\n",
    "without an end of line": "a: b",
    "indented as a whole": "  a: b\n  c: d\n",
    "after a separator": "--- # first\n# comment\na: b\n",
    "nested": "a:\n  b:\n      c: d\n  e: f\ng: h\n",
    "a list": "a:\n  - b\n  - c\nd: e\n",
    "a list in the column of its key": "a:\n- b\n- c: d\n  e:\n  - f\ng: h\n",
    "items of many fields": "a:\n  -   b: 1\n      c: 2\n  -   b: 3\n",
    "nothing": "a:\nb: ~\nc: null\nd:\n  e:\nf:",
    "nothing before a list": "a:\n  b:\nc:\n- d\n",
    "numbers and truths": "a: 1\nb: 0755\nc: 1e3\nd: 1.5\ne: yes\nf: off\ng: -1\nh: -a\ni: .5\nj: 1_000\nk: 12:30:45\n",
    "a long number": f"a: {'9' * 30}\nb: {'1' * 19}\n",
    "comments": "# a\na: b # c\nb: #c\n  # d\n  e: f#g\nh: 1 # i\nj: # k\n- l # m\n",
    "blanks": "a: b  \n\n   \nc:   d e\ne:   \n",
    "colons and hashes in text": "a: http://b:80/c#d\nf: b:c\n",
    "quoted": "a: \"b: c # d\"\ne: 'it''s'\nf: ''\ng: \"\"\nh: 'x'   \n",
    "quoted, with more": 'a: "b\\tc\\u00e9"\nd: "e" # f\n',
    "quoted, over lines": "a: 'b\n  c\n\n  d'\ne: \"f\\\n  \\ g\"\nh: i\n",
    "text over lines": "a: b\n  c\n  d e\nf:\n- g\n  h\n- i: j\n   k\n",
    "a number over lines": "a: 1\n  2\nb: c\n",
    "blocks": "a: |\n  b: c\n\n   d # e\nf: |-\n  - g\nh: >\n  i\n  j\nk: |+\n  l\n\nm: n\n",
    "blocks of nothing": "a: |\nb: |-\n\nc: d\n",
    "a block of items": "a:\n- |\n  b\n- >-  # c\n  d\n\n  e\n",
    "a block at the end": "a: |\n  b",
    "empty brackets": "a: {}\nb: []\nc:\n- {}\n- []\n",
    "JSON": 'a: ["b", 1.0, -0, {"c": null}]\nd: {"e": [1]}\n',
    "brackets": "a: [b, 'c', {d: e}]\nf: {g: [h,\n  i]}\nj:\n- [k]\n- {l: m, <<: {n: o}}\n",
    "letters of the world": "a: b\u00e9\u4e16\U0001f600\nb: '\u00e4'\nc: [\u00e9, d]\n",
}
LEFT = {
    "nothing at all": "",
    "comments alone": "# a\n",
    "text": "a\n",
    "a list": "- a\n",
    "a separator that is none": "  ---\na: b\n",
    "a text on the line of the separator": "--- a\n",
    "an anchor and an alias": "a: &b c\nd: *b\n",
    "a merge": "a: {b: c}\n<<: {d: e}\n",
    "a tag": "a: !!str 1\n",
    "an anchor in brackets": "a: [&b c]\nd: [*b]\n",
    "a quoted key": '"a": b\n',
    "a key that means something": "yes: a\n",
    "a number as a key": "1: a\n",
    "a key of two words": "a b: c\n",
    "an explicit key": "? a\n: b\n",
    "a list in a list": "a:\n- - b\n",
    "a dash alone": "a:\n-\n  b: c\n",
    "an item of nothing": "a:\n- # b\n- c\n",
    "a tab": "a:\tb\n",
    "a tab in a block": "a: |\n  b\tc\n",
    "a control character": "a: \x07\n",
    "a line separator": "a: b\u2028c\n",
    "an indentation that is given": "a: |1\n   b\n",
    "a directive": "%YAML 1.1\n---\na: b\n",
    "a key set twice": "a: b\na: c\n",
    "a key set twice in brackets": 'a: {"b": 1, "b": 2}\n',
    "an infinite number": "a: .inf\n",
    "two colons": "a: b: c\n",
    "a colon at the end": "a: b:\n",
    "an open quote": 'a: "b\nc: d\n',
    "something behind quotes": 'a: "b" c\n',
    "a key in quotes as a value": 'a: "b": c\n',
    "a key in brackets as a value": "a: [b]: c\n",
    "an open bracket": "a: [b\nc: d\n",
    "an odd indentation": "a:\n    b: c\n  d: e\n",
    "a field under a text": "a: b\n  c: d\n",
    "fields in front of the first": "  a: b\nc: d\n",
    "an item between fields": "a: b\n- c\n",
    "a field between items": "a:\n  - b\n  c: d\n",
    "a comment inside of a text": "a: b # c\n  d\n",
    "a text that begins with a letter of the world": "a: \u00e9\n",
    "a reserved character": "a: @b\nc: %d\n",
    "brackets far too deep": f"a: {'[' * 60}b\n",
    "far too deep": "".join(f"{' ' * depth}a:\n" for depth in range(60)),
    "a very long document": "a: b\n" + "#" * (1 << 20),
    "a very long key": f"{'a' * 300}: b\n",
}


@pytest.mark.parametrize("name", READ)
def test_reads(name: str) -> None:
    assert is_read(READ[name])


@pytest.mark.parametrize("name", LEFT)
def test_leaves_to_libyaml(name: str) -> None:
    assert plain.read(LEFT[name], BASE) is None


# Lines that fit together often enough to get far.
STARTS = st.sampled_from(["", "", "  ", "    ", "      ", " ", "- ", "  - ", "    - ", "  -   ", "- - "])
KEYS = st.sampled_from(["a: ", "b: ", "c/d.e: ", "f:", "g:   ", "y: ", "1: ", "'h': ", "<<: ", "", "", "? ", ": "])
ENDS = st.sampled_from(
    ["", "", "i", "j k", "1", "-", "-l", "true", "'m'", '"n"', '"o\\n"', "'p", "q'", '"r', 's"', "|", "|-", ">", "|2",
     "[]", "{}", "[t, u]", '["v", 1]', "{w: x}", "[", "]", "}", "# y", "z # a", "b: c", "d:", "&e f", "*e", "!g h",
     "---", "...", "i\tj", "k ", "\u00e9", "\x85", ".nan", "%l", "@"]
)  # fmt: skip
LINES = st.lists(st.tuples(STARTS, KEYS, ENDS).map("".join) | st.just(""), min_size=1, max_size=8)


@given(LINES, st.booleans())
@settings(max_examples=600)
def test_agrees_with_libyaml_or_leaves_it_alone(lines: list[str], ended: bool) -> None:
    try:
        is_read("\n".join(lines) + "\n" * ended)
    except ManifestError as error:
        raise AssertionError(f"libyaml's reader refuses what the quick one reads: {error}") from error


def test_places_count_from_the_beginning_of_the_file() -> None:
    found = plain.read("# a\nb:\n  - c: [d, e]\n", 100)
    assert found is not None
    assert found[1].locate(("b", 0, "c", 1)) == 100 + len("# a\nb:\n  - c: [d, ")
