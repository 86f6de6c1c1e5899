"""How a word is put together, at its edges; test_shell tells it of whole scripts."""

import pytest

from policies import shell
from policies.shell_word import MAX_DEPTH, OUTPUT, Word, unescape


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        (r"\x41\x7", "A\x07"),
        (r"\x411", "A1"),
        (r"\xg", "xg"),
        (r"\101\60", "A0"),
        (r"\1011", "A1"),
        (r"\501", "A"),
        (r"\u41\u00e9", "A\xe9"),
        (r"\u00411", "A1"),
        (r"\n\t\r\a\b\e\E\f\v", "\n\t\r\a\b\x1b\x1b\f\v"),
        (r"\\\'\q", "\\'q"),
        ("\\\n", "\n"),
        ("end\\", "end\\"),
    ],
)
def test_escapes(text: str, expected: str) -> None:
    assert unescape(text) == expected


VARIABLES = {"A": "1", "TWO": "a  b", "EDGES": " a b ", "BLANK": " ", "EMPTY": ""}


def words(text: str) -> list[str]:
    *_, last = shell.parse(text, VARIABLES)
    return [word.text for word in last[0].words]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # braces
        ("{a,b}", ["a", "b"]),
        ("{a,}", ["a", ""]),
        ("{,}", ["", ""]),
        ("{a}", ["{a}"]),
        ("x{a,b}", ["x{a,b}"]),
        ("{a,b}x", ["{a,b}x"]),
        ("{a,'b'}", ["{a,b}"]),
        # quotes
        ("x'a b", ["xa b"]),
        ("'a''b'", ["ab"]),
        ('x""', ["x"]),
        ('"a\\\nb"', ["ab"]),
        ('"a\\qb"', ["a\\qb"]),
        ('"a\\', ["a"]),
        ("a\\", ["a"]),
        ("\\a\\ b", ["a b"]),
        # $'..'
        ("$'a\\'b'c", ["a'bc"]),
        ("$'a\\\\'b", ["a\\b"]),
        ("$''x", ["x"]),
        ("\"$'a'\"", ["$'a'"]),
        ('"$"', ["$"]),
        ('$"a b"', ["a b"]),
        ("$ a", ["$", "a"]),
        ("a$", ["a$"]),
        # variables
        ("x$TWO-y", ["xa", "b-y"]),
        ("x${EDGES}y", ["x", "a", "b", "y"]),
        ("x$BLANK", ["x"]),
        ("a $EMPTY b", ["a", "", "b"]),
        ('a "$EMPTY"', ["a", ""]),
        ("${A}${A}", ["11"]),
        ("${A", ["${A"]),
        ("${1}", ["${1}"]),
        ("x${@}${*}y", ["xy"]),
        ("${#}", ["${#}"]),
        ("${NONE:-a b}", ["a b"]),
        ("${NONE:=a}${NONE-b}${NONE=c}", ["abc"]),
        ("${NONE:+a}", ["${NONE:+a}"]),
        ("${A:+a}", ["1"]),
        ("${A#a}", ["${A#a}"]),
        ("${A/a}", ["${A/a}"]),
        ("$NONE", ["$NONE"]),
        ("a${IFS}b", ["a", "b"]),
        ('a"$IFS"b', ["a$IFSb"]),
        ("$1$@$*$A", ["$11"]),
        # arithmetic and inner commands
        ("x$((1 + 2))y", ["x0y"]),
        ("x$((1", ["x01"]),
        ("x$(a)y", [f"x{OUTPUT}y"]),
        ("x`a`y", [f"x{OUTPUT}y"]),
        ("x`a", [f"x{OUTPUT}"]),
        ("``x", [f"{OUTPUT}x"]),
        ("`a\\`b`c", [f"{OUTPUT}c"]),
        ("e <(a)", ["e", OUTPUT]),
        ("e >(a)", ["e", OUTPUT]),
        ('"<(a)"', ["<(a)"]),
        ("e x>(a)", ["e", "x", OUTPUT]),
    ],
)
def test_a_word_is(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_a_reference_s_name_has_a_hundred_characters() -> None:
    assert words(f"${'a' * 101}")[0] == f"${'a' * 101}"
    parsed = shell.parse(f"${'a' * 101}", {"a" * 100: "x"})
    assert parsed[0][0].words[0].text == "xa"


def test_a_brace_is_looked_for_within_five_hundred_characters() -> None:
    assert words("${A:" + "x" * 497 + "}") == ["1"]
    assert words("${A:" + "x" * 498 + "}")[0].startswith("${A:x")


def test_arithmetic_ends_within_two_hundred_characters() -> None:
    assert words(f"$(({'1' * 196}))") == ["0"]
    assert words(f"$(({'1' * 197}))") == ["0" + "1" * 197]


def test_what_is_quoted_is_not_plain() -> None:
    script = shell.parse("a 'a' \"a\" \\a $'a' `a` $A \"\"", {"A": "a"})
    assert [word.plain for word in script[0][0].words] == [True, False, False, False, False, True, True, False]


def test_inner_scripts_belong_to_their_word() -> None:
    (word, other) = shell.parse("a$(b)`c` d", {})[0][0].words
    assert [script[0][0].words[0].text for script in word.inner] == ["b", "c"]
    assert other == Word("d")


def depth_of(text: str) -> int:
    found, script = 0, shell.parse(text, {})
    while script and script[0][0].words and script[0][0].words[0].inner:
        found, script = found + 1, script[0][0].words[0].inner[0]
    return found


def test_inner_commands_are_read_to_a_depth() -> None:
    assert depth_of("$(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == MAX_DEPTH == 20
    assert depth_of("$(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1)) == MAX_DEPTH
    assert depth_of("$(" * (MAX_DEPTH - 1) + "`a`") == MAX_DEPTH
    assert depth_of("$(" * MAX_DEPTH + "`a`") == MAX_DEPTH


def test_a_variable_brings_no_more_inner_scripts_than_its_word_may_hold() -> None:
    many = "$(b)" * 30
    script = shell.parse(f"X={many}; a$X$X", {})
    assert len(script[-1][0].words[0].inner) == MAX_DEPTH
