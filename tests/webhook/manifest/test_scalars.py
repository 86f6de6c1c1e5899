"""Scalars mean what sigs.k8s.io/yaml v1.6.0 makes of them: it printed what is expected here."""

from typing import Any

import pytest

from webhook.manifest import Document, Flaw, read


def value(text: str) -> Any:
    [found] = read(f"a: {text}\n".encode())
    assert isinstance(found, Document), found
    return found.value["a"]


def key(text: str) -> str:
    [found] = read(f"{text}: a\n".encode())
    assert isinstance(found, Document), found
    return str(next(iter(found.value)))


def problem(text: str) -> str:
    [found] = read(text.encode())
    assert isinstance(found, Flaw), found
    return found.problem


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON"])
def test_words_that_are_true(text: str) -> None:
    assert value(text) is True


@pytest.mark.parametrize("text", ["false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF"])
def test_words_that_are_false(text: str) -> None:
    assert value(text) is False


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL", "!!null ''"])
def test_words_that_are_null(text: str) -> None:
    assert value(text) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0), ("-0", 0), ("+1", 1), ("-17", -17), ("1_000", 1000), ("123_", 123), ("+_5", 5),
        ("0755", 493), ("0o755", 493), ("0O7", 7), ("-0755", -493), ("08", 8), ("0x1F", 31), ("0X1f", 31), ("-0x1", -1),
        ("0b11", 3), ("-0B11", -3), ("1e3", 1000), ("1.0", 1), ("1.", 1), ("-0.0", 0), ("1e20", 10**20),
        ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)), ("!!int '7'", 7), ("!!float 3", 3),
    ],
)  # fmt: skip
def test_whole_numbers(text: str, expected: int) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, int if abs(expected) < 2**63 or expected < 0 else float)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.1", 0.1), (".5", 0.5), ("+.5", 0.5), ("-.5e-3", -0.0005), ("09.5", 9.5), ("1e-7", 1e-7), ("1e21", 1e21),
        (".5_0", 0.5), ("9223372036854775808", 2.0**63), ("0xFFFFFFFFFFFFFFFF", 2.0**64), ("!!float 1.5", 1.5),
        ("123456789012345678901", 123456789012345678901.0),
    ],
)  # fmt: skip
def test_numbers_with_a_fraction_or_beyond_64_bits(text: str, expected: float) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, float)


@pytest.mark.parametrize(
    "text",
    [
        "12:30:45", "1:30", "2001-01-01", "2001-12-14t21:59:43.10-05:00", "1e400", ".8e702", "0x1FFFFFFFFFFFFFFFF",
        "09a", "NaN", "Infinity", "=", "..", ".", "+", "_5", "._5", "1__e", "tRUE", "nULL", "truely", "x: y"[:1],
        "\N{ARABIC-INDIC DIGIT FIVE}", "1 2", "4" * 5000 + "x",
    ],
)  # fmt: skip
def test_what_stays_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize("text", ["'yes'", '"0755"', "!!str yes", "!custom 5", "|\n  yes", "!!timestamp 2001-01-01"])
def test_quotes_and_tags_make_text(text: str) -> None:
    assert isinstance(value(text), str)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".inf", "-.INF", "+.Inf"])
def test_numbers_that_json_has_not_are_refused(text: str) -> None:
    assert problem(f"a: {text}\n") == f"is {text}, which JSON cannot hold: put it in quotes if it is text"


@pytest.mark.parametrize(
    ("text", "name"), [("!!int 3.5", "int"), ("!!bool 1", "bool"), ("!!null x", "null"), ("!!float x", "float")]
)
def test_a_tag_that_is_not_true_is_refused(text: str, name: str) -> None:
    assert problem(f"a: {text}\n") == f"is tagged !!{name}, but is not one"


def test_binary_is_refused() -> None:
    assert problem("a: !!binary aGk=\n").startswith("is tagged !!binary, which Kubernetes does not read")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", "5"), ("0x10", "16"), ("yes", "true"), ("n", "false"), ("'yes'", "yes"), ("2001-01-01", "2001-01-01"),
        ("!!int 5", "5"), ("!other a", "a"), ("=", "="),
        # A float that is a key is shortened to 32 bits.
        ("1.10", "1.1"), ("1.0", "1"), ("1e6", "1e+06"), ("123456789.5", "1.2345679e+08"), ("0.00001", "1e-05"),
        ("-2.50", "-2.5"), ("1e39", ".inf"), ("-1e39", "-.inf"), ("1e-50", "0"), ("999999.5", "999999.5"),
    ],
)  # fmt: skip
def test_keys_become_text(text: str, expected: str) -> None:
    assert key(text) == expected


@pytest.mark.parametrize("text", ["null", "~", "!!null x", ".nan"])
def test_keys_that_no_text_stands_for_are_refused(text: str) -> None:
    assert problem(f"{text}: a\n")


@pytest.mark.parametrize("text", ["[1]: a", "? [1]\n: a", "? {a: b}\n: c", "x: &x {a: 1}\n? *x\n: y"])
def test_keys_with_something_inside_are_refused(text: str) -> None:
    assert problem(text) == "has a list or a mapping as a key: a key must be text"


def test_a_number_of_absurd_length_takes_no_time() -> None:
    assert value("9" * 1_000_000) == "9" * 1_000_000
