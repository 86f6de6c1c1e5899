"""How a script is taken apart."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import shell
from policies.shell import Command, Script

X = "\ufffc"


def plain(script: Script) -> list[Any]:
    """A script as lists: pipelines of commands; a group is a dictionary."""
    return [[_command(command) for command in pipeline] for pipeline in script]


def _command(command: Command) -> Any:
    words = [word.text for word in command.words]
    redirects = [f"{redirect.operator} {redirect.target.text}" for redirect in command.redirects]
    inner = [plain(script) for word in command.words for script in word.inner]
    extra: dict[str, Any] = {"to": redirects, "here": command.here, "inner": inner}
    if command.body is not None:
        extra["body"] = plain(command.body)
    extra = {key: value for key, value in extra.items() if value}
    return {"words": words, **extra} if extra else words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("ls -l /a", [[["ls", "-l", "/a"]]]),
        ("a; b & c && d || e\nf", [[["a"]], [["b"]], [["c"]], [["d"]], [["e"]], [["f"]]]),
        ("a | b |& c", [[["a"], ["b"], ["c"]]]),
        ("# all\na # rest\n#", [[["a"]]]),
        ("a b#c", [[["a", "b#c"]]]),
        ("a \\\n  b", [[["a", "b"]]]),
        ("a\\\nb", [[["ab"]]]),
        ("'a b'\"c d\"e\\ f", [[["a bc de f"]]]),
        ('"a\\"b\\\\c\\$d\\`e\\nf\\\ng"', [[['a"b\\c$d`e\\nfg']]]),
        ("'open", [[["open"]]]),
        ('"open', [[["open"]]]),
        ("''", [[[""]]]),
        ("$'\\x63\\165\\u0072l\\n\\'\\q'", [[["curl\n'q"]]]),
        ("$'open", [[["open"]]]),
        ("{a,-b,c} {d} {e", [[["a", "-b", "c", "{d}", "{e"]]]),
        ("( a; b ) | c", [[{"words": [], "body": [[["a"]], [["b"]]]}, ["c"]]]),
        ("{ a; } > f", [[{"words": [], "to": ["> f"], "body": [[["a"]]]}]]),
        (
            "if a; then b; elif c; then d; else e; fi",
            [[{"words": [], "body": [[["a"]], [["b"]], [["c"]], [["d"]], [["e"]]]}]],
        ),
        ("while ! a; do b; done; c", [[{"words": [], "body": [[["a"]], [["b"]]]}], [["c"]]]),
        ("for i in 1 2; do a; done", [[{"words": ["for", "i", "in", "1", "2"], "body": [[["a"]]]}]]),
        ("case $x in a) b;; esac", [[{"words": ["case", "$x"], "body": [[["a"]], [["b"]]]}]]),
        ("f() { a; }; f", [[{"words": [], "body": [[["a"]]]}], [["f"]]]),
        ("(( i < 3 )); a", [[["a"]]]),
        ("((", []),
        (")a ; }", [[["a"]]]),
        ("fi; done", []),
        ("a done }", [[["a", "done", "}"]]]),
        ("a > f 2>&1 < g >> h &> i >| j", [[{"words": ["a"], "to": ["> f", "2>& 1", "< g", ">> h", "&> i", ">| j"]}]]),
        ("2> f a 3", [[{"words": ["a", "3"], "to": ["2> f"]}]]),
        ("a >", [[["a"]]]),
        ("a > $NONE", [[{"words": ["a"], "to": ["> $NONE"]}]]),
        ("a > $EMPTY", [[["a"]]]),
        ("a <HOST> <PORT>", [[["a", "<HOST>", "<PORT>"]]]),
        (
            "a <<END | b\none\n two\nEND\nc",
            [[{"words": ["a"], "to": ["<< END"], "here": "one\n two\n"}, ["b"]], [["c"]]],
        ),
        ("a <<END\nopen", [[{"words": ["a"], "to": ["<< END"], "here": "open\n"}]]),
        ("a <<< 'b c'", [[{"words": ["a"], "to": ["<<< b c"], "here": "b c\n"}]]),
        ("a $(b | c) `d`", [[{"words": ["a", X, X], "inner": [[[["b"], ["c"]]], [[["d"]]]]}]]),
        ('a "x$(b "c d")y"', [[{"words": ["a", f"x{X}y"], "inner": [[[["b", "c d"]]]]}]]),
        ('a "`b`" $((1 + 2)) "$((', [[{"words": ["a", X, "0", "0"], "inner": [[[["b"]]]]}]]),
        ("a `b \\`c\\``", [[{"words": ["a", X], "inner": [[[{"words": ["b", X], "inner": [[[["c"]]]]}]]]}]]),
        ("a `open", [[{"words": ["a", X], "inner": [[[["open"]]]]}]]),
        ("a <(b) >(c)", [[{"words": ["a", X, X], "inner": [[[["b"]]], [[["c"]]]]}]]),
        ("a < <(b)", [[{"words": ["a", X], "inner": [[[["b"]]]]}]]),
    ],
)
def test_a_script_is_taken_apart(text: str, expected: list[Any]) -> None:
    assert plain(shell.parse(text, {"EMPTY": " "})) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$A ${A}b \"$A\" '$A'", ["1", "1b", "1", "$A"]),
        ('$TWO "$TWO" x${TWO}y', ["a", "b", "a b", "xa", "by"]),
        ("$SPACED", ["a", "b"]),
        ("a${IFS}b$IFS", ["a", "b"]),
        (
            "$NONE ${NONE} ${NONE:-x} ${NONE-y} ${NONE:=z} ${NONE=w} ${A:-x}",
            ["$NONE", "${NONE}", "x", "y", "z", "w", "1"],
        ),
        ("${A:0:1} ${#A} ${A%%x} ${open", ["1", "${#A}", "${A%%x}", "${open"]),
        ("c$@u$*r${@}l$ $1", ["curl$", "$1"]),
        ("B=2; $B$A", ["21"]),
        ("B=cu; B+=rl; C+=x; $B $C", ["curl", "x"]),
        ("export B=2 C; echo $B", ["echo", "2"]),
        ('$"a"', ["a"]),
    ],
)
def test_variables_are_written_out(text: str, expected: list[str]) -> None:
    *_, last = shell.parse(text, {"A": "1", "TWO": "a b", "SPACED": " a b "})
    assert [word.text for word in last[0].words] == expected


def test_what_a_variable_holds_is_known_where_it_is_used() -> None:
    *_, last = shell.parse('X=$(curl a); X+=b; eval "$X"', {})
    assert plain(next(iter(last[0].words[1].inner))) == [[["curl", "a"]]]


def test_values_are_written_out_within_bounds() -> None:
    script = shell.parse("A=$B$B; A=$A$A; echo $A", {"B": "x" * 40_000})
    assert sum(len(word.text) for word in script[-1][0].words) < 2 * shell.MAX_EXPANSION


def test_as_much_as_is_written_out_is_whole_and_one_character_more_is_not() -> None:
    def written(length: int) -> int:
        return len(shell.parse("echo $A", {"A": "x" * length})[0][0].words[-1].text)

    assert written(shell.MAX_EXPANSION) == shell.MAX_EXPANSION
    assert written(shell.MAX_EXPANSION + 1) == shell.MAX_EXPANSION


@pytest.mark.parametrize(
    "text", ["(" * 100, "$(" * 100, "{ " * 100, "`" * 99 + "a", "\\`" * 300, "a <<b\n" * 50, "$(" * 30 + "`a`"]
)
def test_depth_is_bounded(text: str) -> None:
    shell.parse(text, {})


PIECES = st.sampled_from([*"ab \n'\"\\$`|&;<>(){}#!=01", "$(", "<<", "if ", "fi", "case ", "${", "$'", "IFS", ">&"])


@given(st.lists(PIECES, max_size=60).map("".join))
def test_nothing_makes_it_fail(text: str) -> None:
    shell.parse(text, {"a": "b c", "b": ""})
