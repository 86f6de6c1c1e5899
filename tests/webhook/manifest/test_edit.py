"""Edits of text: what is written where, what stays byte for byte, and what is refused."""

from itertools import pairwise
from typing import Any

import pytest

from policies.patch import Operation
from webhook.manifest import Document, read
from webhook.manifest.edit import EditError, Splice, apply, rewrite, splices
from webhook.manifest.edit.splice import tidy

INSIDE = "a comment stands inside of what would be replaced"
BESIDE = "a comment stands beside what would be removed from a list in brackets"
USED = "what would be removed or replaced has an anchor, and is used elsewhere by an alias"


def add(*path: str | int, value: Any) -> Operation:
    return Operation("add", path, value)


def replace(*path: str | int, value: Any) -> Operation:
    return Operation("replace", path, value)


def remove(*path: str | int) -> Operation:
    return Operation("remove", path)


def document(content: str | bytes, number: int = 1) -> Document:
    found = list(read(content.encode() if isinstance(content, str) else content))[number - 1]
    assert isinstance(found, Document), found
    return found


def edited(content: str, *operations: Operation, number: int = 1) -> str:
    found = splices(document(content, number), operations)
    assert all(one.end < other.start for one, other in pairwise(found))
    return apply(content, found)


def refusal(content: str, *operations: Operation) -> str:
    with pytest.raises(EditError) as caught:
        splices(document(content), operations)
    return caught.value.problem


POD = """\
apiVersion: v1
kind: Pod
metadata: {name: x} # flow
spec:
  # about containers
  containers:
  - name: a   # first
    image:   "b"
    securityContext:   # nothing yet
    resources:
      limits:
        cpu: 1
        # memory: 1

  # second
  - image: c
    securityContext: {} # empty
    args: ["-x", '-y'] # args

# the end
"""


def test_a_pod_is_hardened() -> None:
    after = edited(
        POD,
        replace("spec", "containers", 0, "securityContext", value={"runAsNonRoot": True}),
        add("spec", "containers", 1, "securityContext", "capabilities", value={"drop": ["ALL"]}),
        add("spec", "containers", 1, "args", "-", value="-z"),
        add("spec", "containers", 0, "tty", value=False),
        add("spec", "automountServiceAccountToken", value=False),
        add("metadata", "labels", value={"version": "1.0"}),
    )
    assert (
        after
        == """\
apiVersion: v1
kind: Pod
metadata: {name: x, labels: {version: "1.0"}} # flow
spec:
  # about containers
  containers:
  - name: a   # first
    image:   "b"
    securityContext:   # nothing yet
      runAsNonRoot: true
    resources:
      limits:
        cpu: 1
        # memory: 1
    tty: false

  # second
  - image: c
    securityContext: # empty
      capabilities:
        drop:
        - ALL
    args: ["-x", '-y', -z] # args
  automountServiceAccountToken: false

# the end
"""
    )


def test_an_object_in_a_list_of_objects() -> None:
    text = "kind: List\nitems:\n- kind: Pod\n  spec:\n    hostPID: true\n- kind: Pod\n"
    after = edited(text, replace("items", 0, "spec", "hostPID", value=False), add("items", 1, "spec", value={"a": 1}))
    assert after == ("kind: List\nitems:\n- kind: Pod\n  spec:\n    hostPID: false\n- kind: Pod\n  spec:\n    a: 1\n")


class TestAdding:
    @pytest.mark.parametrize(
        ("before", "operation", "after"),
        [
            ("a: 1", add("b", value=2), "a: 1\nb: 2"),
            ("a: 1 # x\n\n# y\n", add("b", value=2), "a: 1 # x\nb: 2\n\n# y\n"),
            ("a:\n  b: 1\n  # b2: 2\n# c\nd: 3\n", add("a", "e", value=4),
             "a:\n  b: 1\n  # b2: 2\n  e: 4\n# c\nd: 3\n"),
            ("a:\n  b:\n    c: 1\n    # deep\n  # shallow\n", add("a", "b", "d", value=1),
             "a:\n  b:\n    c: 1\n    # deep\n    d: 1\n  # shallow\n"),
            ("a:\n    b:\n        c: 1\n    d:\n      - e\n", add("a", "f", value={"g": {"h": 1}}),
             "a:\n    b:\n        c: 1\n    d:\n      - e\n    f:\n        g:\n            h: 1\n"),
            ("a:\n    b:\n      - e\n", add("a", "f", value=[{"g": {"h": 1}, "i": [2]}]),
             "a:\n    b:\n      - e\n    f:\n      - g:\n            h: 1\n        i:\n          - 2\n"),
            ("? a\n: b\n", add("c", value=1), "? a\n: b\nc: 1\n"),
            ("? a\n? b\n", add("c", value=1), "? a\n? b\nc: 1\n"),
            ("a: &x\nb: !t\n  c:\t1\t# d\n", add("b", "e", value=None), "a: &x\nb: !t\n  c:\t1\t# d\n  e: null\n"),
            ("--- &x\n# c\n&k a: 1\n", add("b", value=2), "--- &x\n# c\n&k a: 1\nb: 2\n"),
            ("a: é😀\n", add("ü/~", value="ß"), "a: é😀\nü/~: ß\n"),
            ("p: C:\\x\n", add("q", value="D:\\y"), "p: C:\\x\nq: D:\\y\n"),
            ("m:\n  a: |\n    text\n\n\nb: 1\n", add("m", "c", value=1), "m:\n  a: |\n    text\n  c: 1\n\n\nb: 1\n"),
            ("m:\n  a: |+\n    text\n\nb: 1\n", add("m", "c", value=1), "m:\n  a: |+\n    text\n\n  c: 1\nb: 1\n"),
            ("m:\n  a: 'x\n    y' # c\n", add("m", "c", value=1), "m:\n  a: 'x\n    y' # c\n  c: 1\n"),
        ],
    )  # fmt: skip
    def test_a_key(self, before: str, operation: Operation, after: str) -> None:
        assert edited(before, operation) == after

    @pytest.mark.parametrize(
        ("before", "operation", "after"),
        [
            ("a:\n- b # x\n# about c\nc: 1\n", add("a", "-", value="d"), "a:\n- b # x\n- d\n# about c\nc: 1\n"),
            ("a:\n  - b\nc: 1\n", add("a", 1, value={"d": 1, "e": [2]}),
             "a:\n  - b\n  - d: 1\n    e:\n      - 2\nc: 1\n"),
            ("a:\n- b\n# about c\n- c\n", add("a", 1, value="x"), "a:\n- b\n- x\n# about c\n- c\n"),
            ("a:\n# about b\n- b\n", add("a", 0, value={"x": 1, "z": 2}), "a:\n# about b\n- x: 1\n  z: 2\n- b\n"),
            ("a:\n- - b\n  - c\n", add("a", 0, 0, value=["x"]), "a:\n- - - x\n  - b\n  - c\n"),
            ("a:\n-\n- b\n", add("a", 1, value=1), "a:\n-\n- 1\n- b\n"),
            ("- a", add("-", value="b"), "- a\n- b"),
        ],
    )  # fmt: skip
    def test_an_item(self, before: str, operation: Operation, after: str) -> None:
        assert edited(before, operation) == after

    @pytest.mark.parametrize(
        ("before", "operation", "after"),
        [
            ("a: {b: c}\n", add("a", "d", value={"e": ["f:g", "x"]}), 'a: {b: c, d: {e: ["f:g", x]}}\n'),
            ("a: [b, c]\n", add("a", 0, value="no"), 'a: ["no", b, c]\n'),
            ("a: [b, c, ]\n", add("a", 1, value=1), "a: [b, 1, c, ]\n"),
            ("a: [b, ]\n", add("a", "-", value={}), "a: [b, {}, ]\n"),
            ('a: {"b": "c"}\n', add("a", "d", value="e"), 'a: {"b": "c", "d": "e"}\n'),
            ("a: {\n  b: c, # one\n  d: e # two\n}\n", add("a", "f", value=1),
             "a: {\n  b: c, # one\n  d: e, # two\n  f: 1\n}\n"),
            ("a: [\n  b, # one\n]\n", add("a", "-", value=1), "a: [\n  b, # one\n  1,\n]\n"),
            ("a: [\n  b,\n  c ]\n", add("a", "-", value=1), "a: [\n  b,\n  c,\n  1 ]\n"),
            ("a: [\n  b\n]\n", add("a", 0, value=1), "a: [\n  1,\n  b\n]\n"),
            ("{a: 1}", add("b", value=[]), "{a: 1, b: []}"),
            ("a: [{}]\n", add("a", 0, "b", value={"c": 1}), "a: [{b: {c: 1}}]\n"),
        ],
    )  # fmt: skip
    def test_in_brackets(self, before: str, operation: Operation, after: str) -> None:
        assert edited(before, operation) == after

    @pytest.mark.parametrize("empty", ["", " ~", " null", " {}", " &x", " !!null null", " { }"])
    @pytest.mark.parametrize("comment", ["", " # c"])
    def test_a_mapping_where_there_was_none(self, empty: str, comment: str) -> None:
        before = f"a:\n  b:{empty}{comment}\n  # about d\n  d: 1\n"
        assert edited(before, replace("a", "b", value={"c": [1]})) == (
            f"a:\n  b:{comment}\n    c:\n    - 1\n  # about d\n  d: 1\n"
        )

    @pytest.mark.parametrize("empty", ["-", "- ~", "- {}"])
    def test_a_mapping_behind_a_dash(self, empty: str) -> None:
        assert edited(f"{empty}\n- x\n", replace(0, value={"a": 1, "b": 2})) == "- a: 1\n  b: 2\n- x\n"

    def test_operations_follow_each_other(self) -> None:
        after = edited(
            "a:\n- b: 1\nc: 1\n",
            add("x", value={}),
            add("x", "w", value=[]),
            add("x", "w", "-", value=1),
            add("z", value=2),
            add("a", 0, value="first"),
            add("a", 1, "d", value=3),
            replace("a", 1, "d", value=4),
            add("e", value=5),
            remove("e"),
        )
        assert after == "a:\n- first\n- b: 1\n  d: 4\nc: 1\nx:\n  w:\n  - 1\nz: 2\n"


class TestReplacing:
    @pytest.mark.parametrize(
        ("before", "value", "after"),
        [
            ("b # c\n", "d", "d # c\n"), ("'b' # c\n", "it's", "'it''s' # c\n"),
            ('"b"\n', 'say "x"', '"say \\"x\\""\n'),
            ("b\n    d # c\n", 1, "1 # c\n"), ("'b\n\n    d' # c\n", True, "true # c\n"),
            ("'b'\n", "x\ny", '"x\\ny"\n'),
            ("|\n    b\n\n# c\n", "x", "x\n\n# c\n"), (">-\n    b\n    d\n", {"x": 1}, "\n    x: 1\n"),
            ("|+\n    b\n\n", 1, "1\n"), ("b # c\n", {"x": {}}, "# c\n    x: {}\n"), ("[b] # c\n", "x", "x # c\n"),
            ("[b, d]\n", ["b"], "[b]\n"), ("{b: 1, c: 2}\n", {"b": 1, "c": 3}, "{b: 1, c: 3}\n"),
            ("!!str 1\n", "2", '"2"\n'), ("&x 1\n", 2, "2\n"), ("{b: 1}\n", ["y"], '["y"]\n'),
            ("[b]\n", {"c": 1}, "{c: 1}\n"),
        ],
    )  # fmt: skip
    def test_what_stands_beside_its_key(self, before: str, value: Any, after: str) -> None:
        assert edited(f"k:\n  a: {before}z: 1\n", replace("k", "a", value=value)) == (
            f"k:\n  a: {after}z: 1\n".replace("a: \n", "a:\n")
        )

    @pytest.mark.parametrize(
        ("before", "value", "after"),
        [
            ("a:\n  b: 1 # x\nz: 1\n", 5, "a: 5 # x\nz: 1\n"),
            ("a: # k\n  # above\n  b: 1\nz: 1\n", "x", "a: x # k\n  # above\nz: 1\n"),
            ("a: # k\n  - b # x\n", {"c": 1}, "a: # k\n  c: 1 # x\n"),
            ("a:\n- b\n- c # x\nz: 1\n", {"b": 1}, "a:\n  b: 1 # x\nz: 1\n"),
            ("a:\n- b # 1\n- c # 2\n- d # 3\n", ["b", "x", "d"], "a:\n- b # 1\n- x # 2\n- d # 3\n"),
            ("a:\n- b # 1\n- c # 2\n- d # 3\n", ["b", "d"], "a:\n- b # 1\n- d # 3\n"),
            ("a:\n- b # 1\n- d # 3\n", ["b", "c", "d"], "a:\n- b # 1\n- c\n- d # 3\n"),
            (
                "a:\n  b: 1 # 1\n  # two\n  c: 2\n",
                {"c": 3, "d": 4, "b": 1},
                "a:\n  b: 1 # 1\n  # two\n  c: 3\n  d: 4\n",
            ),
            ("a:\n  b: 1\n", {"c": 1}, "a:\n  c: 1\n"),
            ("a:\n  b: 1\n  # c\n  c: 2\n  d: 3 # d\n", {"b": 1, "c": 2}, "a:\n  b: 1\n  # c\n  c: 2\n"),
        ],
    )
    def test_what_stands_below_its_key(self, before: str, value: Any, after: str) -> None:
        assert edited(before, replace("a", value=value)) == after

    def test_behind_dashes_and_question_marks(self) -> None:
        assert edited("- a: 1 # x\n- b\n", replace(0, value="c"), replace(1, value=[1, 2])) == "- c # x\n- - 1\n  - 2\n"
        assert edited("-\n  a: 1\n", replace(0, value={"b": 1, "c": 2})) == "-\n  b: 1\n  c: 2\n"
        assert edited("? a\n: b\n", replace("a", value={"c": 1})) == "? a\n:\n  c: 1\n"

    def test_in_brackets(self) -> None:
        assert edited("a: {b: , c: 'd'}\n", replace("a", "b", value="1"), replace("a", "c", value="e,f")) == (
            "a: {b: \"1\" , c: 'e,f'}\n"
        )

    def test_what_is_the_same_stays_as_it_is_written(self) -> None:
        assert (
            splices(document("a: 0x10\nb: {c: yes}\n"), [replace("a", value=16), replace("b", value={"c": True})]) == []
        )
        assert edited("a: 1\n", replace("a", value=True)) == "a: true\n"


class TestRemoving:
    @pytest.mark.parametrize(
        ("before", "path", "after"),
        [
            ("a: 1 # a\nb: 2 # b\nc: 3\n", ("b",), "a: 1 # a\nc: 3\n"),
            ("a: 1 # a\nb: 2", ("a",), "b: 2"),
            ("a: 1\nb:\n  c: 2 # c\n  # deep\n# d\nd: 1", ("b",), "a: 1\n# d\nd: 1"),
            ("a: 1\nb: 2", ("b",), "a: 1"),
            ("a: 1\nb: |\n  x\n\n  y\n\n", ("b",), "a: 1\n\n"),
            ("a:\n  b: 1\n  # note\nc: 1\n", ("a", "b"), "a: {}\n  # note\nc: 1\n"),
            ("a: # k\n- b # x\nc: 1\n", ("a", 0), "a: [] # k\nc: 1\n"),
            ("- a: 1 # x\n  b: 2\n", (0, "a"), "- b: 2\n"),
            ("- a: 1 # x\n  # about b\n  b: 2\n", (0, "a"), "-\n  # about b\n  b: 2\n"),
            ("- a: 1 # x\n- b\n", (0, "a"), "- {}\n- b\n"),
            ("- - a\n  - b\n", (0, 0), "- - b\n"),
            ("a:\n# one\n- b\n# two\n- c\n", ("a", 0), "a:\n# one\n# two\n- c\n"),
            ("a: {b: 1, c: 2}\n", ("a", "b"), "a: {c: 2}\n"),
            ("a: {b: 1, c: 2} # x\n", ("a", "c"), "a: {b: 1} # x\n"),
            ("a: {b: 1}\n", ("a", "b"), "a: {}\n"),
            ("a: [b, [c], d, ]\n", ("a", 1), "a: [b, d, ]\n"),
            ("a: [\n  b,\n  c\n]\n", ("a", 1), "a: [\n  b\n]\n"),
            ("a: [[b], {c: 1}]\n", ("a", 1, "c"), "a: [[b], {}]\n"),
            ("? a\n: b\n? c\n: d\n", ("a",), "? c\n: d\n"),
            ("? a\n? c\n", ("c",), "? a\n"),
        ],
    )
    def test_one(self, before: str, path: tuple[str | int, ...], after: str) -> None:
        assert edited(before, remove(*path)) == after

    def test_all_and_others_come(self) -> None:
        text = "a:\n  # one\n  add:\n  - X # why\n  # two\n  b: 1 # b\n# c\nc: 1\n"
        operations = [remove("a", "add"), add("a", "drop", value=["ALL"]), remove("a", "b"), add("a", "d", value=1)]
        assert edited(text, *operations) == "a:\n  # one\n  # two\n  drop:\n  - ALL\n  d: 1\n# c\nc: 1\n"

    def test_several(self) -> None:
        assert edited("a: [1, 2, 3, 4]\n", remove("a", 0), remove("a", 0), remove("a", 1)) == "a: [3]\n"
        assert edited("- a: 1\n  b: 2\n  c: 3\n", remove(0, "a"), remove(0, "b")) == "- c: 3\n"
        assert edited("a:\n- 1\n- 2\n", remove("a", 0), add("a", 0, value=3)) == "a:\n- 3\n- 2\n"
        assert edited("a:\n- 1\n- 2\n", remove("a", 1), add("a", 1, value=3)) == "a:\n- 1\n- 3\n"
        assert edited("a:\n- 1\n", remove("a", 0), add("a", 0, value=3)) == "a:\n- 3\n"
        assert edited("a:\n- - 1 # x\n- 2\n", remove("a", 0, 0), add("a", 0, 0, value=3)) == "a:\n- - 3 # x\n- 2\n"
        assert edited("a: [\n  1,\n  2\n]\n", remove("a", 1), add("a", 1, value=3)) == "a: [\n  1,\n  3\n]\n"


class TestSharing:
    ANCHORED = "a: &x\n  b: 1\nc: *x\nd:\n  <<: *x\n  e: 1\nf:\n- *x\n"

    @pytest.mark.parametrize(
        ("operation", "old", "new"),
        [
            (add("d", "f", value=2), "  e: 1\n", "  e: 1\n  f: 2\n"),
            (add("d", "b", value=2), "  e: 1\n", "  e: 1\n  b: 2\n"),
            (replace("d", "e", value=2), "  e: 1\n", "  e: 2\n"),
            (add("g", value=2), "- *x\n", "- *x\ng: 2\n"),
            (add("f", "-", value=2), "- *x\n", "- *x\n- 2\n"),
            (replace("c", value=2), "c: *x\n", "c: 2\n"),
            (remove("c"), "c: *x\n", ""),
            (remove("f", 0), "f:\n- *x\n", "f: []\n"),
        ],
    )
    def test_beside_an_alias(self, operation: Operation, old: str, new: str) -> None:
        assert edited(self.ANCHORED, operation) == self.ANCHORED.replace(old, new)

    @pytest.mark.parametrize("path", [("a", "b"), ("c", "b"), ("f", 0, "b")])
    def test_through_an_alias(self, path: tuple[str | int, ...]) -> None:
        expected = "an alias brings the same text to several places: a change would be made in all of them"
        assert refusal(self.ANCHORED, replace(*path, value=2)) == expected
        assert refusal(self.ANCHORED, remove(*path)) == expected
        assert refusal(self.ANCHORED, add(*path[:-1], "n", value=2)) == expected

    @pytest.mark.parametrize("operation", [remove("a"), replace("a", value=1), replace("a", value={"b": 2})])
    def test_what_aliases_refer_to(self, operation: Operation) -> None:
        assert refusal(self.ANCHORED, operation) == USED

    def test_a_list_or_mapping_that_holds_an_anchor(self) -> None:
        assert refusal("a:\n- &x 1\n- *x\n", replace("a", value=[2, 1])) == USED
        assert refusal("a:\n- 0\n- &x 1\n- *x\n", replace("a", value=[0])) == USED
        assert refusal("a:\n  b: &x 1\n  c: *x\n", replace("a", value={"c": 1})) == USED

    def test_through_a_merge(self) -> None:
        expected = "b comes from a merge (<<): what is changed there may be used elsewhere, too"
        assert refusal(self.ANCHORED, remove("d", "b")) == expected
        text = "a: &x {b: {c: 1}}\nd: {<<: *x}\n"
        assert refusal(text, replace("d", "b", "c", value=2)) == expected

    def test_a_key_that_is_an_alias(self) -> None:
        text = "a: &x b\n*x : 1\nc: 2\n"
        assert edited(text, remove("c")) == "a: &x b\n*x : 1\n"
        assert refusal(text, replace("b", value=2)) == "the edited text would not mean what it should"

    def test_an_anchor_that_nobody_uses(self) -> None:
        assert edited("a: &x\n  b: 1\n", replace("a", "b", value=2)) == "a: &x\n  b: 2\n"


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "operation", "problem"),
        [
            ("a: 1\n", remove("b"), "/b leads nowhere"),
            ("a: 1\n", replace(value={}), "the whole document cannot be replaced"),
            ("a: 1\n", remove("a"), "nothing of the document would be left"),
            ("{}", add("a", value=1), "the document itself is empty, or is used by an alias"),
            ("a: [b: 1]\n", add("a", 0, "c", value=1), "a single pair in a list has no braces of its own"),
            ("a: {b}\n", replace("a", "b", value=1), "a key without a colon cannot be given a value"),
            ("? a\n? b\n", replace("a", value=1), "a key without a colon cannot be given a value"),
            ("a:\n  - b\n  # c\n  - d\n", replace("a", value=1), INSIDE),
            ("a: | # c\n  b\n", replace("a", value=1), INSIDE),
            ("a: [ # c\n]\n", add("a", "-", value=1), INSIDE),
            ("? a # c\n: {? b # d\n : 1}\n", replace("a", value=1), INSIDE),
            ("a: [b, # c\n  d]\n", remove("a", 0), BESIDE),
            ("a: &x !t\n  b: 1\n", remove("a", "b"), "the edited text would not mean what it should"),
            ("\ufeff\ufeffb: 1\n", add("c", value=1), "a byte order mark stands inside of the file"),
            ("a: |\n  b", add("c", value=1), "the edited text would not mean what it should"),
        ],
    )  # fmt: skip
    def test_with_words(self, text: str, operation: Operation, problem: str) -> None:
        assert refusal(text, operation) == problem

    def test_a_key_that_looks_like_a_comment_is_none(self) -> None:
        assert edited("a:\n  '#b': {'c #': 1}\n", replace("a", value=1)) == "a: 1\n"


class TestJson:
    PRETTY = '{\n  "a": {"b": [1, 2]},\n  "c": [\n    {\n      "d": "#"\n    }\n  ],\n  "e": {}\n}\n'

    @pytest.mark.parametrize(
        ("operation", "old", "new"),
        [
            (add("f", value={"g": [1]}), '"e": {}', '"e": {},\n  "f": {\n    "g": [\n      1\n    ]\n  }'),
            (add("e", "f", value={"g": "é"}), "{}", '{\n    "f": {\n      "g": "é"\n    }\n  }'),
            (add("a", "x", value={"g": None}), "[1, 2]", '[1, 2], "x": {"g": null}'),
            (add("a", "b", 0, value="x"), "[1", '["x", 1'),
            (add("c", 0, "x", value=False), '"d": "#"', '"d": "#",\n      "x": false'),
            (add("c", 0, value="x"), "    {\n", '    "x",\n    {\n'),
            (remove("a"), '  "a": {"b": [1, 2]},\n', ""),
            (remove("e"), ',\n  "e": {}', ""),
            (remove("a", "b", 1), "1, 2", "1"),
            (remove("c", 0), '[\n    {\n      "d": "#"\n    }\n  ]', "[]"),
            (replace("c", 0, "d", value="\x7f\u2028"), '"#"', '"\\u007f\\u2028"'),
            (replace("c", value=1), '[\n    {\n      "d": "#"\n    }\n  ]', "1"),
        ],
    )
    def test_indented(self, operation: Operation, old: str, new: str) -> None:
        assert edited(self.PRETTY, operation) == self.PRETTY.replace(old, new, 1)

    def test_tabs(self) -> None:
        assert edited('{\n\t"a": 1\n}', add("b", value={"c": 1})) == '{\n\t"a": 1,\n\t"b": {\n\t\t"c": 1\n\t}\n}'

    def test_lines_without_indentation(self) -> None:
        assert edited('{\n"a": 1\n}', add("b", value={"c": 1})) == '{\n"a": 1,\n"b": {\n  "c": 1\n}\n}'

    def test_compact(self) -> None:
        text = '{"a":{"b":[1,2]},"c":[]}'
        after = edited(text, add("d", value={"e": [1, {"f": 2}]}), add("a", "b", 0, value=0), add("c", "-", value={}))
        assert after == '{"a":{"b":[0,1,2]},"c":[{}],"d":{"e":[1,{"f":2}]}}'

    def test_lines(self) -> None:
        text = '{"a": 1}\n{"a": 1}{"a": 1}\n{bad\n'
        assert edited(text, add("b", value=2), number=2) == '{"a": 1}\n{"a": 1, "b": 2}{"a": 1}\n{bad\n'

    def test_what_only_json_allows(self) -> None:
        text = '{"a"\n:\n"\\ud83d\\ude00", "%s": [ ]}' % ("k" * 2000)
        assert edited(text, replace("k" * 2000, value=[1])) == text.replace("[ ]", "[1]")


class TestFiles:
    def test_only_one_document_changes(self) -> None:
        text = "%YAML 1.1\n---\na: 1\n...\n# x\n--- # y\nb:\n  c: 1 # z\n---\nd: [\n---\nb: 2\n"
        assert edited(text, add("b", "e", value=1), number=2) == text.replace("# z\n", "# z\n  e: 1\n")
        assert edited(text, add("e", value=1), number=1) == text.replace("a: 1\n", "a: 1\ne: 1\n")
        assert edited(text, replace("b", value=3), number=4) == text.replace("b: 2", "b: 3")

    @pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_line_breaks_and_encodings_stay(self, newline: str, encoding: str) -> None:
        before, after = "é: 1 # ü\nb: 2\n\n", "é: 1 # ü\nb:\n  c: 3\n\n"
        found = document(before.replace("\n", newline).encode(encoding))
        result = rewrite(found.text, splices(found, [replace("b", value={"c": 3})]))
        assert result == after.replace("\n", newline).encode(encoding)

    def test_mixed_line_breaks_stay(self) -> None:
        found = document(b"a: 1\r\nb: 2\nc: 3\r\n\r\n# x\n")
        operations = [replace("a", value=[1]), remove("c"), add("d", value=4)]
        assert rewrite(found.text, splices(found, operations)) == b"a:\r\n- 1\r\nb: 2\r\nd: 4\r\n\r\n# x\n"

    def test_bytes_of_other_documents_stay(self) -> None:
        found = document(b"a: 1\n---\nb: \xff\n")
        assert rewrite(found.text, splices(found, [add("c", value=1)])) == b"a: 1\nc: 1\n---\nb: \xff\n"

    def test_offsets_count_characters_of_the_whole_file(self) -> None:
        assert splices(document("é: 1\n---\nb: 2\n", 2), [replace("b", value=3)]) == [Splice(12, 13, "3")]


def test_splices_that_touch_are_one_and_overlaps_are_refused() -> None:
    assert tidy([Splice(2, 3, "b"), Splice(0, 1, "x"), Splice(3, 3, "c"), Splice(2, 2, "a")]) == [
        Splice(0, 1, "x"),
        Splice(2, 3, "abc"),
    ]
    with pytest.raises(EditError, match=r"^what is to be changed stands too close together in the text$"):
        tidy([Splice(0, 2, ""), Splice(1, 3, "")])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a", "a"), ("a b", "a b"), ("/x-y.z", "/x-y.z"), ("nginx:1.2", "nginx:1.2"), ("a#b", "a#b"), ("-x", "-x"),
        ("http://x/?a=b&c", "http://x/?a=b&c"), ("1.2.3", "1.2.3"), ("a,b[0]{c}", "a,b[0]{c}"), ("é😀", "é😀"),
        ("100m", "100m"), ("None", "None"), ("a'b\"c", "a'b\"c"), ("it's", "it's"),
        *((text, f'"{text}"') for text in (
            "", " ", " a", "a ", "yes", "No", "on", "OFF", "y", "n", "true", "null", "~", "Null", "1", "1.0", "0755",
            "0x1f", "0o17", "1e3", ".5", "-1", "+1", "1_000", ".inf", ".NaN", "2024-01-01", "2024-01-01T00:00:00Z",
            "12:30:45", "=", "<<", "---", "...", "- a", "-", "? a", ": a", ":", "a: b", "a:", "a #b", "#a", "&a", "*a",
            "!a", "|", ">", "%a", "@a", "`a", "[a]", "{a}", ", a", "'a'", "\u00a0")),
        ('"a"', '"\\"a\\""'), ("a\nb", '"a\\nb"'), ("a\tb", '"a\\tb"'), ("\x85\u2028", '"\\u0085\\u2028"'),
        (None, "null"), (True, "true"), (0, "0"), (1.5, "1.5"), (1e300, "1e+300"), ({}, "{}"), ([], "[]"),
    ],
)  # fmt: skip
def test_quotes_only_where_they_are_needed(value: Any, written: str) -> None:
    assert edited("a: 1\n", add("b", value=value)) == f"a: 1\nb: {written}\n"
    if isinstance(value, str):
        assert edited("z: 1\n", add(value, value=1)) == f"z: 1\n{written}: 1\n"
