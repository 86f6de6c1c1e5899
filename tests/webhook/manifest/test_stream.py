"""Files to documents: separators, encodings, JSON, merges, limits; and where each thing is written."""

from typing import Any

import pytest

from policies.path import Path
from webhook.manifest import Document, Flaw, Place, json_text, nodes, read
from webhook.manifest import text as text_module


def outcome(content: str | bytes) -> list[Any]:
    """Values of the documents, and (line, problem) of those that are broken."""
    found = list(read(content.encode() if isinstance(content, str) else content))
    assert [item.number for item in found] == list(range(1, len(found) + 1))
    return [item.value if isinstance(item, Document) else (item.place.line, item.problem) for item in found]


def flaw(content: str | bytes) -> tuple[Place, str]:
    [found] = read(content.encode() if isinstance(content, str) else content)
    assert isinstance(found, Flaw), found
    return found.place, found.problem


def place(content: str, *path: str | int) -> Place:
    [found] = read(content.encode())
    assert isinstance(found, Document), found
    return found.place(path)


class TestDocuments:
    @pytest.mark.parametrize(
        "text", ["", "\n", "# only a comment\n", "---\n---\n", "---\n# x\n...\n", "null\n", "~", "---"]
    )
    def test_empty_ones_are_passed_over(self, text: str) -> None:
        assert outcome(text) == []

    @pytest.mark.parametrize(
        "text",
        [
            "a: 1\n---\nb: 2\n", "---\na: 1\n--- # comment\nb: 2", "--- {a: 1}\n---\n---\n--- {b: 2}\n",
            "a: 1\n...\nb: 2\n",
            "a: 1\n...\n---\nb: 2\n...\n", "a: 1\r\n---\r\nb: 2\r\n", "a: 1\r---\rb: 2\r", "\ufeffa: 1\n---\t\nb: 2\n",
            "%YAML 1.1\n---\na: 1\n...\n%TAG ! !x\n# comment\n---\nb: 2\n", "# first\n\n---\na: 1\n\n--- \n\n\nb: 2",
            '{"a": 1}\n---\n{"b": 2}\n', '{"a": 1}{"b": 2}', '{"a": 1}\n{"b": 2}\n', '--- {"a": 1}\n---\n{b: 2} # x',
            '{"a": 1} # x\n---\n{"b": 2}',
        ],
    )  # fmt: skip
    def test_separators(self, text: str) -> None:
        assert outcome(text) == [{"a": 1}, {"b": 2}]

    def test_what_looks_like_a_separator_is_none(self) -> None:
        assert outcome("a: |\n  ---\n  ...\nb: ---x\n") == [{"a": "---\n...\n", "b": "---x"}]
        assert outcome("----: 1\n") == [{"----": 1}]

    def test_a_broken_one_takes_no_other_with_it(self) -> None:
        text = "a: 1\n---\nb: [\n---\nc:\n- d\nf\n--- # fine\ne: 5\n"
        assert outcome(text) == [
            {"a": 1},
            (4, "is not YAML: did not find expected node content while parsing a flow node"),
            (8, "is not YAML: could not find expected ':' while scanning a simple key"),
            {"e": 5},
        ]

    def test_an_unfinished_quote_ends_with_its_document(self) -> None:
        [first, second] = outcome("a: 'x\n---\nb: 2\n")
        assert first == (2, "is not YAML: found unexpected end of stream while scanning a quoted scalar")
        assert second == {"b": 2}

    def test_a_broken_line_of_json_lines(self) -> None:
        assert outcome('{"a": 1}\n{"b": 2}\n{bad\n{"c": 3}\n') == [{"a": 1}, {"b": 2}, (3, "is not JSON"), {"c": 3}]

    def test_many_broken_lines_of_json_lines(self) -> None:
        *_, last = outcome('{"a": 1}\n' + "{bad\n" * 100 + '{"c": 3}\n')
        assert last == (21, "is not JSON, and neither was much before it: what follows is not read")

    def test_a_helm_template_is_told_what_it_is(self) -> None:
        _, problem = flaw("{{- if .Values.on }}\nkind: Pod\n{{- end }}\n")
        assert problem.endswith(
            "(this looks like a Helm template: render it, and pipe `helm template` into `podgate check -`)"
        )


class TestEncodings:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_unicode(self, encoding: str) -> None:
        assert outcome("a: é😀\n".encode(encoding)) == [{"a": "é😀"}]

    def test_bytes_that_are_not_utf_8_spoil_one_document(self) -> None:
        content = b"a: 1\n---\nb: 2\nc: \xff\n---\nd: 4\n"
        assert outcome(content) == [{"a": 1}, (4, "holds the byte 0xff, which is not UTF-8"), {"d": 4}]

    def test_half_a_utf_16_file(self) -> None:
        assert flaw(b"\xff\xfea") == (Place(1, 1), "is not UTF-16, though its byte order mark says so")

    @pytest.mark.parametrize(("char", "name"), [("\x07", "U+0007"), ("\x00", "U+0000"), ("\x7f", "U+007F")])
    def test_control_characters(self, char: str, name: str) -> None:
        assert flaw(f"a: é\nb: {char}\n") == (Place(2, 4), f"holds the control character {name}")

    def test_a_program(self) -> None:
        assert flaw(b"\x7fELF\x02\x01\x01\x00\x00\xff")[1] == "holds the byte 0xff, which is not UTF-8"

    def test_a_file_that_is_too_large(self) -> None:
        assert flaw(b"#" * ((64 << 20) + 1)) == (Place(1, 1), "is larger than 64 MiB")


class TestJson:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ('{"a\\/b":\t"\\ud83d\\ude00",\n\t"c" :1.0}', {"a/b": "😀", "c": 1}),
            ('{"a"\n:\n1e2}', {"a": 100}),
            ('{"%s": 1}' % ("k" * 2000), {"k" * 2000: 1}),
            ('{"a": "\x7f\u2028", "b": 123456789012345678901}', {"a": "\x7f\u2028", "b": 1.2345678901234568e20}),
            ('{"a": NaN, "b": 1e999}', {"a": "NaN", "b": "1e999"}),
            ("{a: b, # yes\n c: [1, 2,]}", {"a": "b", "c": [1, 2]}),
        ],
    )
    def test_values(self, text: str, expected: Any) -> None:
        assert outcome(text) == [expected]

    def test_a_key_that_is_set_twice(self) -> None:
        assert flaw('{"a": 1,\n "a": 2}') == (Place(2, 2), 'sets the key "a" for the second time in one mapping')

    def test_half_a_surrogate_pair(self) -> None:
        assert flaw('{"a":\n "\\ud83d"}')[0].line == 2

    def test_places(self) -> None:
        text = '{"kind": "Pod",\n "spec": {"a": [],\n  "b": [1, {"c\\n": {}},\n {"c": true}]}}'
        assert place(text) == Place(1, 1)
        assert place(text, "spec", "b") == Place(3, 3)
        assert place(text, "spec", "b", 1, "c\n") == Place(3, 13)
        assert place(text, "spec", "b", 2, "c") == Place(4, 3)
        assert place(text, "spec", "b", 2, "d", "e") == Place(4, 2)
        assert place(text, "spec", "a", 0) == Place(2, 11)
        assert place(text, "kind", "x", 5) == Place(1, 2)


class TestMerges:
    def test_written_keys_win(self) -> None:
        text = "x: &x {a: 1, b: 2}\nz:\n  <<: *x\n  a: 3\n"
        assert outcome(text) == [{"x": {"a": 1, "b": 2}, "z": {"a": 3, "b": 2}}]

    def test_of_several_the_first_wins(self) -> None:
        assert outcome("<<: [{a: 1}, {a: 2, b: 3}]\n") == [{"a": 1, "b": 3}]

    def test_quoted_it_is_an_ordinary_key(self) -> None:
        assert outcome('"<<": {a: 1}\n') == [{"<<": {"a": 1}}]

    def test_after_a_key_that_it_sets_too_nobody_knows_what_is_meant(self) -> None:
        expected = 'merges (<<) the key "a" after it was set: move << to the top of the mapping'
        assert flaw("a: 1\nb: 2\n<<: {a: 2}\n") == (Place(3, 1), expected)

    @pytest.mark.parametrize("text", ["<<: 1\n", "<<: null\n", "<<: [{a: 1}, 2]\n", "<<: [[{a: 1}]]\n"])
    def test_of_something_else(self, text: str) -> None:
        assert flaw(text)[1] == "merges (<<) something that is neither a mapping nor a list of mappings"

    def test_twice(self) -> None:
        assert flaw("<<: {a: 1}\n<<: {b: 1}\n")[0] == Place(2, 1)

    def test_places(self) -> None:
        text = "x: &x\n  a: 1\n  b: 2\nz:\n  <<: [*x, {c: 5}]\n  a: 3\n"
        assert place(text, "z", "b") == Place(3, 3)
        assert place(text, "z", "a") == Place(6, 3)
        assert place(text, "z", "c") == Place(5, 13)


class TestDuplicates:
    @pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "1: x\nb: y\n'1': z\n", "true: x\n\nyes: z\n"])
    def test_are_refused_with_their_line(self, text: str) -> None:
        where, problem = flaw(text)
        assert where == Place(3, 1)
        assert problem in [f'sets the key "{key}" for the second time in one mapping' for key in ("a", "1", "true")]


class TestLimits:
    def test_a_bomb(self) -> None:
        lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
        lines += [
            f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ]
        where, problem = flaw("\n".join(lines))
        assert (where.line, problem) == (4, "brings more than 100,000 values into the document by aliases")

    def test_a_bomb_of_merges(self) -> None:
        lines = ["a: &a {x0: {}}"]
        lines += [f"a{n + 1}: &a{n + 1} {{p: *a{n or ''}, q: *a{n or ''}}}" for n in range(40)]
        assert "by aliases" in flaw("\n".join(lines))[1]

    @pytest.mark.parametrize("text", ["a: &a [*a]", "&a {b: {c: *a}}", "&a\nb: 1\n<<: *a\n"])
    def test_a_cycle(self, text: str) -> None:
        assert flaw(text)[1] == "contains itself, by an alias"

    def test_an_alias_of_nothing(self) -> None:
        assert flaw("a: *b\n")[1] == "is not YAML: found undefined alias"

    @pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}"), ("- ", ""), ("? ", "")])
    def test_depth(self, opening: str, closing: str) -> None:
        assert flaw(opening * 100_000 + "1" + closing * 100_000)[1] == "is nested more than 100 levels deep"
        if closing:
            [found] = read((opening * 100 + "1" + closing * 100).encode())
            assert isinstance(found, Document)

    def test_depth_by_aliases(self) -> None:
        text = "a0: &a0 [1]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(150))
        assert flaw(text) == (Place(101, 7), "is nested more than 100 levels deep")

    def test_size(self) -> None:
        assert flaw("[" + "1," * 1_000_001 + "]")[1] == "holds more than 1,000,000 values"

    def test_at_each_limit_a_document_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(nodes, "MAX_NODES", 6)
        monkeypatch.setattr(json_text, "MAX_NODES", 6)
        monkeypatch.setattr(nodes, "MAX_ALIASED", 4)
        monkeypatch.setattr(text_module, "MAX_BYTES", 64)
        for good, over, problem in (
            ("- 1\n" * 5, "- 1\n" * 6, "holds more than 6 values"),
            ("[1,1,1,1,1]", "[1,1,1,1,1,1]", "holds more than 6 values"),
            ("- &a [1]\n- *a\n- *a\n", "- &a [1]\n- *a\n- *a\n- *a\n", "brings more than 4 values"),
            ("#".ljust(60) + "\na: 1"[:4], "#".ljust(65), "is larger than"),
        ):
            assert [type(each) for each in read(good.encode()) if not isinstance(each, Document)] == []
            assert problem in flaw(over)[1]


YAML = """\
# A comment.
apiVersion: v1
kind: Pod
spec:
  containers:
  - name: a
    image: b
  -
    name: c
    securityContext: {privileged: true,
      other: false}
  "quoted key": x
  5: number
"""


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ((), Place(2, 1)),
        (("kind",), Place(3, 1)),
        (("metadata", "labels"), Place(2, 1)),
        (("spec", "containers"), Place(5, 3)),
        (("spec", "containers", 0), Place(6, 5)),
        (("spec", "containers", 0, "image"), Place(7, 5)),
        (("spec", "containers", 0, "securityContext", "privileged"), Place(6, 5)),
        (("spec", "containers", 1, "securityContext", "privileged"), Place(10, 23)),
        (("spec", "containers", 1, "securityContext", "other"), Place(11, 7)),
        (("spec", "containers", 2), Place(5, 3)),
        (("spec", "containers", "a"), Place(5, 3)),
        (("spec", "quoted key"), Place(12, 3)),
        (("spec", "5"), Place(13, 3)),
        (("kind", 0, "x"), Place(3, 1)),
    ],
)
def test_places(path: Path, expected: Place) -> None:
    assert place(YAML, *path) == expected


def test_places_after_other_documents_and_line_breaks_of_windows() -> None:
    text = "# é\r\n---\r\na: 1\r\n---\r\nb:\r\n  c: 2\r\n"
    *_, last = read(text.encode())
    assert isinstance(last, Document)
    assert last.place(("b", "c")) == Place(6, 3)


def test_a_value_behind_an_alias_is_where_it_is_written() -> None:
    assert place("a: &x\n  b: 1\nc: *x\n", "c") == Place(3, 1)
    assert place("a: &x\n  b: 1\nc: *x\n", "c", "b") == Place(2, 3)
