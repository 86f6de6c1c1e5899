"""Names that look like a well-known one are found; honest names are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.lookalike import Lookalikes, distance, is_slip, skeleton

NAMES = Lookalikes(
    ["nginx", "redis", "mysql", "postgres", "bitnami", "elasticsearch", "node"], ["storm"], ["postgrest", "mssql"]
)
NAME = st.text(alphabet="abcdeimnlr01-_.", max_size=12)


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("ngnix", "nginx"),
        ("nginxx", "nginx"),
        ("nginz", "nginx"),
        ("ngin", "nginx"),
        ("mysq1", "mysql"),
        ("my-sql", "mysql"),
        ("bitnarni", "bitnami"),
        ("bitnam1", "bitnami"),
        ("elasticsaerhc", "elasticsearch"),
        ("elasticsear", "elasticsearch"),
        ("elasticsearchxx", "elasticsearch"),
        ("n0de", "node"),
        ("ndoe", "node"),
        ("noode", "node"),
        ("sotrm", "storm"),
    ],
)
def test_lookalikes_are_found(name: str, known: str) -> None:
    assert NAMES.find(name) == known


@pytest.mark.parametrize(
    "name",
    [
        "", "nginx", "postgrest", "mssql", "postgres15", "redis7", "nodes", "mode", "store", "storms", "ngnxi-proxy",
        "elastic", "elasticsrach-exporter", "nginx-with-everything", "x" * 255,
    ],
)  # fmt: skip
def test_honest_names_are_not(name: str) -> None:
    assert NAMES.find(name) is None


def test_names_are_known() -> None:
    assert NAMES.knows("nginx")
    assert NAMES.knows("storm")
    assert NAMES.knows("mssql")
    assert not NAMES.knows("ngnix")


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("0135i8", "oleslb"),
        ("a-b_c.d", "abcd"),
        ("bitnarni", "bltnaml"),
        ("vvord", "word"),
        ("clocker", "docker"),
        ("plain", "plaln"),
        ("", ""),
    ],
)
def test_characters_that_look_alike_are_one(name: str, left: str) -> None:
    assert skeleton(name) == left


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [("", "", 0), ("", "abc", 3), ("abc", "acb", 1), ("abc", "abcd", 1), ("abc", "xbc", 1), ("ca", "abc", 3)],
)
def test_distance(one: str, other: str, far: int) -> None:
    assert distance(one, other) == far


@given(NAME, NAME)
def test_distance_is_the_same_both_ways(one: str, other: str) -> None:
    assert distance(one, other) == distance(other, one)
    assert (distance(one, other) == 0) == (one == other)


@pytest.mark.parametrize(
    ("one", "other", "slip"),
    [("abc", "acb", True), ("abc", "abbc", True), ("abbc", "abc", True), ("abc", "abd", False), ("abc", "cab", False),
     ("abc", "abcd", False), ("abc", "abc", False), ("abc", "abbbc", False)],
)  # fmt: skip
def test_slips(one: str, other: str, slip: bool) -> None:
    assert is_slip(one, other) is slip


def test_skeletons() -> None:
    assert skeleton("bitnarni") == skeleton("bitnami")
    assert skeleton("rocket.chat") == skeleton("rocketchat")


@given(NAME)
def test_whatever_is_found_is_near(name: str) -> None:
    known = NAMES.find(name)
    assert known is None or distance(name, known) <= 2 or skeleton(name) == skeleton(known)


@given(st.text(max_size=300))
def test_any_text_is_compared(name: str) -> None:
    assert NAMES.find(name) in {
        None,
        "nginx",
        "redis",
        "mysql",
        "postgres",
        "bitnami",
        "elasticsearch",
        "node",
        "storm",
    }


def test_the_longest_name_is_compared_and_nothing_longer() -> None:
    names = Lookalikes([("nginx-" * 7)[:39], ("redis-" * 7)[:40]])
    assert names.find(("nginx-" * 7)[:39] + "x") == ("nginx-" * 7)[:39]
    assert names.find(("redis-" * 7)[:40] + "x") is None
