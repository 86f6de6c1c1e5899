"""A star stands for any text, and nothing else has a meaning."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import glob


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "anything", True),
        ("web", "web", True),
        ("web", "webs", False),
        ("team-*", "team-", True),
        ("team-*", "team", False),
        ("*-team", "a-team", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("a*b*c", "a1b2c", True),
        ("a*b*c", "acb", False),
        ("a*bc*c", "abc", False),
        ("v1.?", "v1.2", False),
        ("[ab]", "a", False),
    ],
)
def test_matches(pattern: str, text: str, expected: bool) -> None:
    assert glob.matches(pattern, text) is expected


@given(st.text("a*", max_size=8), st.text("a*", max_size=12))
def test_it_is_the_regular_expression_of_the_pattern(pattern: str, text: str) -> None:
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert glob.matches(pattern, text) is expected


def test_a_hostile_pattern_takes_no_time() -> None:
    assert not glob.matches("*a" * 1_000 + "*b", "a" * 100_000)
