"""Quantities are read as Kubernetes reads them."""

from __future__ import annotations

import itertools
import math
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import quantity

# What ParseQuantity of k8s.io/apimachinery v0.37.2 makes of it.
VALUES = """
0                      0
00                     0
-0                     0
007                    7
1                      1
+1                     1
-1                     -1
0.5                    0.5
.5                     0.5
1.                     1
1.G                    1e9
100m                   0.1
1500m                  1.5
250u                   0.00025
1n                     1e-9
2k                     2000
1M                     1e6
1G                     1e9
1T                     1e12
1P                     1e15
1E                     1e18
1Ki                    1024
128Mi                  134217728
1Gi                    1073741824
1.5Gi                  1610612736
-1Gi                   -1073741824
1.Gi                   1073741824
.5Gi                   536870912
0.1Ki                  102.4
1Ti                    1099511627776
1Pi                    1125899906842624
7Ei                    8070450532247928832
8Ei                    9223372036854775807
-9Ei                   -9223372036854775807
9223372036854775807Ki  9223372036854775807
12345678901234567890.5Ki  9223372036854775807
1e3                    1000
1E3                    1000
1e+03                  1000
1e-03                  0.001
1E0                    1
1e19                   1e19
100000000000000000000  1e20
0.5n                   1e-9
-0.5n                  -1e-9
1e-10                  1e-9
1e-30                  1e-9
1.0000000001           1.000000001
0e-30                  0
.0e-10                 0
12345678901234567890.  12345678901234567890
1e4294967296           1
1e9223372036854775807  0.1
.                      0
+                      0
-.                     0
m                      0
E                      0
Ki                     0
-Ti                    0
e3                     0
"""

NONE = [
    "", " ", "..5", "1i", "1ki", "1K", "1mi", "1Mm", "1MM", "1Ki3", "1Ke3", "1m3", "1e", "e", "-e", "e+", "1e+", "1e3i",
    "1.1.M", "1+1.0M", "-3.01e-", "--1", "+-1", "1-", "1 000", "1_000", "1,5", "0x10", "aoeu", "1 Gi", "1\n", "\t1",
    "\u0661", "1GiB", "1GB", "Pi", "Ei", ".Ei", "+.Pi", "e-10", "-e-10", ".e-10", "1e9223372036854775808",
    "1e-9223372036854775809", "None", "true", "nan", "inf", "-Infinity", "1\x00",
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), [line.split() for line in VALUES.strip().splitlines()])
def test_what_kubernetes_reads(text: str, number: str) -> None:
    assert quantity.parse(text) == Decimal(number)


@pytest.mark.parametrize("text", NONE)
def test_what_kubernetes_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="write "):
        quantity.parse(text)


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(ValueError, match=r"^is not a quantity: write a number with a suffix, as in 500m or 1Gi$"):
        quantity.parse("lots")
    with pytest.raises(ValueError, match=r"^has the unknown suffix K: write one as in 500m, 1Gi or 1G$"):
        quantity.parse("1K")
    with pytest.raises(ValueError, match=r"^has no digits: "):
        quantity.parse("Ei")
    with pytest.raises(ValueError, match=r"^has an exponent that is too large: "):
        quantity.parse("1e99999999999999999999")


@pytest.mark.parametrize(
    ("value", "number"), [(0, "0"), (2, "2"), (-1, "-1"), (0.5, "0.5"), (1e22, "1e22"), (1e-7, "1e-7"), (2.0, "2")]
)
def test_numbers_are_quantities(value: float, number: str) -> None:
    assert quantity.parse(value) == Decimal(number)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_numbers_that_no_quantity_is(value: float) -> None:
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity.parse(value)


@pytest.mark.parametrize("text", [" 1Gi", "1Gi ", "\u00a01Gi\u2003"])
def test_spaces_around_it_do_not_count(text: str) -> None:
    assert quantity.parse(text) == 2**30


def test_the_longest_is_read_and_nothing_longer() -> None:
    assert quantity.parse("0" * 99 + "1") == 1
    assert quantity.parse("9" * 100) == 10**100 - 1
    with pytest.raises(ValueError, match="is not a quantity"):
        quantity.parse("0" * 100 + "1")


def test_huge_powers_are_compared_at_once() -> None:
    assert quantity.parse("1e2147483647") > quantity.parse("9" * 90)
    assert quantity.parse("1e-2147483648") == Decimal("1e-9")
    assert quantity.parse("-1e2147483647") < 0
    assert quantity.parse("0e2147483647") == 0


@pytest.mark.parametrize(("value", "number"), [("1Ki", 1024), (0, 0), ("lots", None), (None, None), ("", None)])
def test_where_it_may_be_none_nothing_is_raised(value: str | float | None, number: int | None) -> None:
    assert quantity.number(value) == number


# The whole grammar, with a second opinion: exact fractions.

SIGNS = {"": 1, "+": 1, "-": -1}
NUMBERS = [
    "0", "1", "9", "10", "128", "007", "1000", "1.", "1.5", "0.1", "0.001", "0.000000001", "0.0000000001", ".5", ".05",
    "3.141592653589", "999999999999999999", "9223372036854775807", "9223372036854775808",
    "123456789012345678901234567890.123456789012",
]  # fmt: skip
POWERS = [sign + power for sign in ("", "+", "-") for power in ("0", "1", "3", "12", "30")]
SUFFIXES = {
    **{suffix: Fraction(10) ** (3 * step) for step, suffix in enumerate(["n", "u", "m", "", *"kMGTPE"], -3)},
    **{suffix: Fraction(1024) ** step for step, suffix in enumerate(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"], 1)},
    **{letter + power: Fraction(10) ** int(power) for letter in "eE" for power in POWERS},
}


def _expected(sign: int, number: str, suffix: str) -> Fraction:
    exact = Fraction(Decimal(number)) * SUFFIXES[suffix]
    rounded = Fraction(math.ceil(exact * 10**9), 10**9)
    return sign * (min(rounded, Fraction(2**63 - 1)) if suffix.endswith("i") else rounded)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_number_with_every_sign_and_suffix(suffix: str) -> None:
    for (sign, factor), number in itertools.product(SIGNS.items(), NUMBERS):
        text = sign + number + suffix
        assert Fraction(quantity.parse(text)) == _expected(factor, number, suffix), text


@pytest.mark.parametrize("first", "eEinumkKMGTP")
def test_no_other_suffix_is_known(first: str) -> None:
    letters = ("", *"eEinumkKMGTP")
    for suffix in {first + second + third for second in letters for third in letters} - SUFFIXES.keys():
        with pytest.raises(ValueError, match="write "):
            quantity.parse("1" + suffix)


@given(
    st.sampled_from(sorted(SIGNS)),
    st.from_regex(r"[0-9]{1,30}(\.[0-9]{0,30})?", fullmatch=True),
    st.sampled_from(sorted(SUFFIXES)),
)
def test_any_number(sign: str, number: str, suffix: str) -> None:
    assert Fraction(quantity.parse(sign + number + suffix)) == _expected(SIGNS[sign], number, suffix)


@given(st.one_of(st.text(alphabet="0123456789.+-eEinumkKMGTP aZ"), st.text(), st.integers(), st.floats()))
def test_whatever_it_is_it_is_a_number_or_refused(value: str | float) -> None:
    with suppress(ValueError):
        assert quantity.parse(value).is_finite()


@pytest.mark.parametrize(
    ("value", "usual"),
    [(None, True), ("", True), ("1" * 20, True), ("1" * 21, False), (1, False), (0.5, False)],
)
def test_what_is_usual(value: str | float | None, usual: bool) -> None:
    assert quantity.is_usual(value) is usual
