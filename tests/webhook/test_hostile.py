"""Malformed input never crashes and never passes silently: properties over mutated real reviews."""

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from policies import config
from tests.reviews import RECORDED, body, recorded, review
from webhook.admission import admit
from webhook.review import BadReviewError

POLICY = config.of_profile("pss-baseline")
PRIVILEGED = {"name": "bad", "image": "registry.example.com/bad:1", "securityContext": {"privileged": True}}
NAMES = sorted(file.stem for file in RECORDED.glob("*.json"))

odd_values: st.SearchStrategy[Any] = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        2**63,
        1.5,
        "",
        "x",
        "\x00",
        "true",
        "0",
        [],
        {},
        [None],
        [[]],
        [{}],
        {"": None},
        {"a": {}},
    ]
)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda children: st.lists(children, max_size=4) | st.dictionaries(st.text(max_size=20), children, max_size=4),
    max_leaves=20,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every place in a document, from the root down."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def at_path(content: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        content = content[step]
    return content


def with_value(content: Any, path: tuple[str | int, ...], value: Any) -> Any:
    changed = deepcopy(content)
    at_path(changed, path[:-1])[path[-1]] = value
    return changed


def answered(content: bytes) -> dict[str, Any] | None:
    """The response, or None for a call that is refused as bad. Anything else that is raised fails the test."""
    try:
        answer = admit(content, POLICY).body
    except BadReviewError:
        return None
    response: dict[str, Any] = json.loads(answer)["response"]
    return response


def workload(name: str) -> dict[str, Any]:
    """A recorded creation with a privileged container added to its pod."""
    content = recorded(name)
    obj = content["request"]["object"]
    for holder in ("jobTemplate", "template"):
        inner = obj.get("spec", {})
        obj = inner.get(holder, obj)
    obj = obj.get("template", obj)
    obj["spec"]["containers"].append(deepcopy(PRIVILEGED))
    return content


WORKLOADS = [
    name for name in NAMES if name.startswith("create-") and b'"containers"' in (RECORDED / f"{name}.json").read_bytes()
]


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_privileged_container_is_denied_before_anything_is_mutated(name: str) -> None:
    response = answered(body(workload(name)))

    assert response is not None
    assert response["allowed"] is False


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_a_mutation_beside_the_offence_never_hides_it(data: st.DataObject) -> None:
    content = workload(data.draw(st.sampled_from(WORKLOADS)))
    [offence] = [
        path for path in places(content) if path[-1] == "privileged" and at_path(content, path[:-2]) == PRIVILEGED
    ]
    others = [
        path for path in places(content["request"]["object"], ("request", "object")) if path != offence[: len(path)]
    ]
    path = data.draw(st.sampled_from([path for path in others if path[-1] not in ("kind", "apiVersion")]))
    response = answered(body(with_value(content, path, data.draw(odd_values | json_values))))

    assert response is None or response["allowed"] is False


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_any_mutation_of_a_real_review_is_answered_or_refused(data: st.DataObject) -> None:
    content = recorded(data.draw(st.sampled_from(NAMES)))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(list(places(content))))
        content = with_value(content, path, data.draw(odd_values | json_values))
    response = answered(body(content))

    assert response is None or isinstance(response["allowed"], bool)


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_any_json_is_answered_or_refused(content: Any) -> None:
    response = answered(body(content))

    assert response is None


@given(json_values)
@settings(max_examples=200, deadline=None)
def test_any_pod_spec_is_judged_or_refused(spec: Any) -> None:
    response = answered(body(review({"apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": spec})))

    assert response is not None
    assert response["allowed"] is True or response["status"]["code"] in (403, 422)


@given(st.binary(max_size=200), st.integers(0, 3_000), st.sampled_from(NAMES))
@example(b"\xff", 10, NAMES[0])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_in_the_middle_of_a_review_are_answered_or_refused(noise: bytes, at: int, name: str) -> None:
    content = body(recorded(name))
    response = answered(content[:at] + noise + content[at + len(noise) :])

    assert response is None or isinstance(response["allowed"], bool)
