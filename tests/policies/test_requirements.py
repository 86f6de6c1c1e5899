"""What is in effect of requests and limits."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import requirements
from policies.identity import Kind
from policies.pod import Container
from policies.requirements import Default
from policies.resource import read
from policies.rule import Put
from policies.rules.resource.resource_range import resource_range


def container(resources: Any = None, for_pod: Any = None) -> Container:
    """The only container of a pod, with these resources."""
    spec = {"resources": for_pod, "containers": [{"name": "web", "resources": resources}]}
    return read({"spec": spec}, Kind("", "Pod")).pods[0].pod.containers[0]


UNSET = "is not set"
ZERO = "is 0, which stands for none"
NO_AMOUNT = "is no amount that Kubernetes takes"


@pytest.mark.parametrize(
    ("resources", "for_pod", "limit", "request_"),
    [
        (None, None, UNSET, UNSET),
        ({}, {}, UNSET, UNSET),
        ({"limits": None, "requests": {"memory": None}}, None, UNSET, UNSET),
        ({"limits": {"Memory": "1Gi"}}, None, UNSET, UNSET),
        ({"limits": {"memory": "1Gi"}}, None, "", ""),
        ({"requests": {"memory": "1Gi"}}, None, UNSET, ""),
        ({"limits": {"memory": 0}}, None, ZERO, UNSET),
        ({"limits": {"memory": "1Gi"}, "requests": {"memory": "0Mi"}}, None, "", ZERO),
        ({"limits": {"memory": "much"}, "requests": {"memory": -1}}, None, NO_AMOUNT, NO_AMOUNT),
        (None, {"limits": {"memory": "1Gi"}}, "", ""),
        (None, {"requests": {"memory": "1Gi"}}, UNSET, ""),
        (None, {"limits": {"memory": 0}, "requests": {"memory": "0"}}, UNSET, UNSET),
        (None, {"limits": {"cpu": 1}}, UNSET, UNSET),
    ],
)
def test_what_is_missing(resources: Any, for_pod: Any, limit: str, request_: str) -> None:
    found = container(resources, for_pod)
    assert requirements.limit_flaw(found, "memory") == limit
    assert requirements.request_flaw(found, "memory") == request_


def test_only_cpu_and_memory_are_set_for_a_whole_pod() -> None:
    found = container(None, {"limits": {"ephemeral-storage": "1Gi"}, "requests": {"ephemeral-storage": "1Gi"}})
    assert requirements.limit_flaw(found, "ephemeral-storage") == UNSET
    assert requirements.request_flaw(found, "ephemeral-storage") == UNSET


@pytest.mark.parametrize(
    ("which", "resources", "for_pod", "written"),
    [
        ("limits", None, None, True),
        ("limits", {"requests": {"memory": "1Gi"}}, None, True),
        ("limits", {"requests": {"memory": "1025Mi"}}, None, False),
        ("limits", {"requests": {"memory": "much"}}, None, False),
        ("limits", None, {"requests": {"memory": "4Gi"}}, False),
        ("limits", None, {"requests": {"cpu": 1}}, True),
        ("requests", {"limits": {"memory": "1Gi"}, "requests": {"memory": 0}}, None, True),
        ("requests", {"limits": {"memory": "1023Mi"}, "requests": {"memory": 0}}, None, False),
        ("requests", {"limits": {"memory": 0}}, None, False),
        ("requests", None, {"limits": {"memory": 0}}, False),
    ],
)
def test_a_default_is_written_where_it_goes_with_the_rest(
    which: str, resources: Any, for_pod: Any, written: bool
) -> None:
    found = container(resources, for_pod)
    path = found.at("resources", which, "memory")
    assert list(requirements.edits(found.pod, path, "1Gi")) == ([Put(path, "1Gi")] if written else [])
    assert list(requirements.edits(found.pod, path, None)) == []


@given(st.integers(1, 1000), st.integers(1, 1000))
def test_a_written_limit_is_never_below_the_request(request_: int, default: int) -> None:
    found = container({"requests": {"memory": f"{request_}Mi"}})
    edits = list(requirements.edits(found.pod, found.at("resources", "limits", "memory"), f"{default}Mi"))
    assert bool(edits) == (request_ <= default)


@pytest.mark.parametrize("value", [None, "500m", 1, 0.5, "1Gi"])
def test_a_default_is_a_quantity_above_zero(value: str | float | None) -> None:
    assert Default(value).default == value


@pytest.mark.parametrize("value", [0, "0m", -1, "much", ""])
def test_no_other_default_is_taken(value: str | float) -> None:
    with pytest.raises(ValueError, match=rf"^default is {value}: write a quantity above 0, as in 500m or 1Gi$"):
        Default(value)


@pytest.mark.parametrize("value", [0, "0", "-1", "0m", "", "much"])
@pytest.mark.parametrize("name", ["maxCpuRequest", "maxCpuLimit", "maxMemoryRequest", "maxMemoryLimit"])
def test_a_bound_is_a_quantity_above_0(name: str, value: str | int) -> None:
    assert resource_range.options is not None
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert({name: value}, resource_range.options)
    assert str(caught.value) == f"{name} is {value}: write a quantity above 0, as in 500m or 1Gi"
