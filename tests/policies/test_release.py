"""Tags are compared by the numbers that they begin with."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import release
from policies.release import Release


@pytest.mark.parametrize(
    ("tag", "numbers"),
    [
        ("1.21.6-alpine3.15", (1, 21, 6)),
        ("v1.9.4", (1, 9, 4)),
        ("8.0", (8, 0)),
        ("3.9-slim-buster", (3, 9)),
        ("16", (16,)),
        ("9.0.0.M1", (9, 0, 0)),
        ("16.5.1-ce.0", (16, 5, 1)),
        ("release-1.20", (1, 20)),
        ("stream8", (8,)),
        ("RELEASE.2023-03-20T20-16-18Z", (2023, 3, 20)),
        ("2023.3.20-debian-11-r0", (2023, 3, 20)),
        ("7.4_2", (7, 4)),
        ("1.2.3.4.5.6.7", (1, 2, 3, 4, 5, 6)),
        ("", ()),
        ("latest", ()),
        ("alpine-3.15", ()),
        ("9f3c2e1", ()),
        ("12abc", ()),
        ("RELEASE.2023", ()),
        ("1234567890", ()),
    ],
)
def test_numbers_of_a_tag(tag: str, numbers: Release) -> None:
    assert release.parse(tag) == numbers


@pytest.mark.parametrize(
    ("before", "after"),
    [("1.20", "1.21.6"), ("1.21.5", "1.21.6"), ("1", "2.0"), ("0.46.6", "0.46.6.1"), ("1.9.9", "1.10")],
)
def test_before(before: str, after: str) -> None:
    assert release.is_before(release.parse(before), release.parse(after))
    assert not release.is_before(release.parse(after), release.parse(before))


@pytest.mark.parametrize(
    ("moving", "other"), [("1.21", "1.21.6"), ("1", "1.21.6"), ("1.21.6", "1.21.6"), ("1.21.6", "1.21"), ("", "1")]
)
def test_what_may_be_the_other_or_newer_is_not_before_it(moving: str, other: str) -> None:
    assert not release.is_before(release.parse(moving), release.parse(other))


@given(st.lists(st.integers(0, 99), min_size=3, max_size=3), st.lists(st.integers(0, 99), min_size=3, max_size=3))
def test_whole_releases_are_ordered_as_their_numbers_are(one: list[int], other: list[int]) -> None:
    assert release.is_before(tuple(one), tuple(other)) == (one < other)


@given(st.text(max_size=128))
def test_any_text_is_read(tag: str) -> None:
    assert all(number >= 0 for number in release.parse(tag))
