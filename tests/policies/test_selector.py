"""Selectors select what the API server would select."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.selector import matches, unmet, unmet_labels

LABELS: dict[str, str | None] = {"app": "web", "tier": None}


def expression(operator: str, key: Any = "app", values: Any = None) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": None, "matchExpressions": None},
        {"matchLabels": {"app": "web"}},
        {"matchLabels": {"tier": ""}},
        {"matchLabels": {"tier": None}},
        expression("In", values=["api", "web"]),
        expression("In", "tier", [""]),
        expression("NotIn", values=["api"]),
        expression("NotIn", "zone", ["a"]),
        expression("Exists"),
        expression("DoesNotExist", "zone"),
        {"matchExpressions": [None]},
    ],
    ids=str,
)
def test_selects(selector: dict[str, Any]) -> None:
    assert matches(selector, LABELS)


@pytest.mark.parametrize(
    ("selector", "path", "key"),
    [
        ({"matchLabels": {"app": "api"}}, ("matchLabels", "app"), "app"),
        ({"matchLabels": {"zone": ""}}, ("matchLabels", "zone"), "zone"),
        (expression("In", values=["api"]), ("matchExpressions", 0), "app"),
        (expression("In"), ("matchExpressions", 0), "app"),
        (expression("In", "zone", ["a"]), ("matchExpressions", 0), "zone"),
        (expression("NotIn", values=["web"]), ("matchExpressions", 0), "app"),
        (expression("Exists", "zone"), ("matchExpressions", 0), "zone"),
        (expression("DoesNotExist"), ("matchExpressions", 0), "app"),
        (expression("in", values=["web"]), ("matchExpressions", 0), "app"),
        (expression("Exists", ["app"]), ("matchExpressions", 0), ""),
        ("app=web", (), ""),
    ],
    ids=str,
)
def test_does_not_select_and_says_why(selector: Any, path: tuple[str | int, ...], key: str) -> None:
    assert list(unmet(selector, LABELS)) == [(path, key)]
    assert not matches(selector, LABELS)


def test_every_requirement_that_is_not_met_is_told() -> None:
    selector = {"matchLabels": {"app": "api", "zone": "a"}, **expression("Exists", "node")}
    assert [key for _, key in unmet(selector, LABELS)] == ["app", "zone", "node"]


def test_no_selector_selects_nothing() -> None:
    assert not matches(None, LABELS)


def test_plain_labels_must_all_be_there() -> None:
    assert list(unmet_labels({"app": "web", "zone": "a"}, LABELS)) == [(("zone",), "zone")]
    assert list(unmet_labels(None, LABELS)) == []


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(st.sampled_from(["matchLabels", "matchExpressions", "key", "operator", "values", "a"]), below)
    ),
)


@given(json)
def test_whatever_a_selector_is_it_selects_or_not(selector: Any) -> None:
    assert matches(selector, LABELS) in (True, False)


@given(st.dictionaries(st.text(max_size=3), st.text(max_size=3)))
def test_labels_select_themselves(labels: dict[str, str | None]) -> None:
    assert matches({"matchLabels": labels}, labels)
