"""What runs, judged as if it came anew."""

import types
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from policies import config
from webhook.preflight.census import Census

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BAD = {"containers": [{"name": "a", "image": "b", "securityContext": {"privileged": True}}]}
GOOD = {"containers": [{"name": "a", "image": "b"}]}
NONE: Mapping[str, str] = types.MappingProxyType({})
SPEC = "profile: pss-baseline"


def census(spec: str = SPEC, labels: Mapping[str, str] | None = NONE, asked: bool = True) -> Census:
    policy = config.parse(f"apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {{{spec}}}")
    return Census(policy, lambda _: labels, lambda _: asked, NOW)


def meta(
    name: str = "x", owner: tuple[str, str, str] | None = None, annotations: dict[str, str] | None = None
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "namespace": "shop", "annotations": annotations or {}}
    if owner is not None:
        version, kind, called = owner
        found["ownerReferences"] = [{"apiVersion": version, "kind": kind, "name": called, "controller": True}]
    return found


def deployment(pod: Any = BAD, **fields: Any) -> dict[str, Any]:
    return {"metadata": meta("web"), "spec": {"template": {"spec": pod}}, **fields}


def add(found: Census, *objects: tuple[str, str, dict[str, Any]]) -> Census:
    for version, kind, obj in objects:
        found.add(kind, version, obj)
    return found


def denied(found: Census) -> list[tuple[str, str, int]]:
    return [(each.kind, each.name, each.count) for each in found.denials()]


REPLICAS = ("apps/v1", "ReplicaSet", "web-5d9f8")
DEPLOYMENT = ("apps/v1", "Deployment", "web")


def test_workloads_and_pods_are_counted_apart_and_only_the_denied_are_named() -> None:
    found = add(
        census(),
        ("apps/v1", "Deployment", deployment()),
        ("apps/v1", "Deployment", deployment(GOOD)),
        ("v1", "Pod", {"metadata": meta("solo"), "spec": BAD}),
    )

    (space,) = found.spaces()
    assert (space.namespace, space.mode) == ("shop", "enforce")
    assert (space.workloads, space.workloads_denied, space.pods, space.pods_denied) == (2, 1, 1, 1)
    assert denied(found) == [("Deployment", "web", 1), ("Pod", "solo", 1)]
    assert found.denials()[0].message.startswith("privileged: spec.template.spec.containers[0]")


def test_what_a_controller_made_of_a_template_is_counted_with_it() -> None:
    pods = [("v1", "Pod", {"metadata": meta(f"web-5d9f8-{end}", REPLICAS), "spec": BAD}) for end in ("x2k4p", "b7c9z")]
    replicas = ("apps/v1", "ReplicaSet", {"metadata": meta("web-5d9f8", DEPLOYMENT), **deployment(), "x": 1})
    replicas[2]["metadata"] = meta("web-5d9f8", DEPLOYMENT)
    found = add(census(), ("apps/v1", "Deployment", deployment()), replicas, *pods)

    (space,) = found.spaces()
    assert (space.workloads, space.pods) == (1, 2)
    assert ("Pod", "web-5d9f8-*", 2) in denied(found) or ("Pod", "web-*", 2) in denied(found)


def test_overrides_reach_what_is_made_of_a_workload_and_are_taken_to_be_granted() -> None:
    spec = f"{SPEC}, overrides: {{enabled: true, neverFor: []}}"
    asked = {
        "podgate.dev/override": "privileged",
        "podgate.dev/override-reason": "a driver",
        "podgate.dev/override-expires": "2026-05-20T00:00:00Z",
    }
    found = add(
        census(spec),
        ("apps/v1", "Deployment", {**deployment(), "metadata": meta("web", annotations=asked)}),
        ("apps/v1", "ReplicaSet", {**deployment(), "metadata": meta("web-5d9f8", DEPLOYMENT)}),
        ("v1", "Pod", {"metadata": meta("web-5d9f8-x2k4p", REPLICAS), "spec": BAD}),
        ("v1", "Pod", {"metadata": meta("solo"), "spec": BAD}),
    )

    assert denied(found) == [("Pod", "solo", 1)]


@pytest.mark.parametrize(
    ("kind", "obj"),
    [
        ("Pod", {"metadata": meta(annotations={"kubernetes.io/config.mirror": "1"}), "spec": BAD}),
        ("Job", {**deployment(), "status": {"conditions": [{"type": "Complete", "status": "True"}]}}),
        ("Job", {**deployment(), "status": {"conditions": [{"type": "Failed", "status": "True"}]}}),
        ("Job", {**deployment(), "metadata": meta("a-1", ("batch/v1", "CronJob", "a"))}),
    ],
    ids=["mirror of a static pod", "ended", "failed", "its owner stands for it"],
)
def test_what_is_not_judged(kind: str, obj: dict[str, Any]) -> None:
    found = add(census(), ("v1" if kind == "Pod" else "batch/v1", kind, obj))

    assert (found.spaces(), found.denials()) == ((), ())


@pytest.mark.parametrize(
    "obj",
    [
        {**deployment(), "status": {"conditions": [{"type": "Complete", "status": "False"}, None]}},
        {**deployment(), "metadata": meta("a-1", ("example.com/v1", "Robot", "a"))},
        {**deployment(), "metadata": {**meta("a"), "ownerReferences": None}},
    ],
    ids=["has not ended", "its owner is not looked at", "null"],
)
def test_what_is_judged_all_the_same(obj: dict[str, Any]) -> None:
    assert len(add(census(), ("batch/v1", "Job", obj)).denials()) == 1


@pytest.mark.parametrize(
    ("spec", "labels", "asked"),
    [
        (SPEC, None, False),
        (f"{SPEC}, exclusions: {{namespaces: [shop]}}", {}, True),
        (SPEC, {"podgate.dev/mode": "off"}, True),
    ],
    ids=["not asked about", "excluded", "off"],
)
def test_namespaces_that_nobody_is_asked_about(spec: str, labels: Mapping[str, str] | None, asked: bool) -> None:
    assert add(census(spec, labels, asked), ("apps/v1", "Deployment", deployment())).spaces() == ()


def test_a_runtime_class_that_is_excluded() -> None:
    spec = f"{SPEC}, exclusions: {{runtimeClasses: [sandbox]}}"
    found = add(census(spec), ("v1", "Pod", {"metadata": meta(), "spec": {**BAD, "runtimeClassName": "sandbox"}}))

    assert found.spaces() == ()


def test_modes_other_than_enforce_say_what_would_be_denied() -> None:
    found = add(census(f"{SPEC}, mode: audit"), ("apps/v1", "Deployment", deployment()))

    assert found.spaces()[0].mode == "audit"
    assert [each.enforced for each in found.denials()] == [False]


@pytest.mark.parametrize(
    "obj",
    [
        {"metadata": meta(), "spec": "x"},
        {"metadata": meta(), "spec": {"containers": 1}},
        {"metadata": {"name": "x", "namespace": "shop", "annotations": None, "labels": None}, "spec": BAD},
    ],
)
def test_what_cannot_be_understood_would_be_denied(obj: dict[str, Any]) -> None:
    assert denied(add(census(), ("v1", "Pod", obj))) == [("Pod", "x", 1)]


def test_objects_without_anything() -> None:
    found = add(census(), ("v1", "Pod", {}), ("v1", "Pod", {"metadata": None, "spec": None}))

    assert denied(found) == [("Pod", "", 2)]
    told = "cannot be understood: spec is missing: without it this Pod cannot be judged"
    assert [each.message for each in found.denials()] == [told]


def test_names_are_bounded_and_numbers_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.preflight.census._MOST_DENIALS", 2)
    found = census()
    for index in range(5):
        found.add("Pod", "v1", {"metadata": meta(f"solo{index}"), "spec": BAD})

    assert (len(found.denials()), found.omitted, found.spaces()[0].pods_denied) == (2, 3, 5)


def test_the_namespace_with_most_to_deny_is_first() -> None:
    found = census()
    for namespace, count in (("a", 1), ("b", 2)):
        for index in range(count):
            obj = deployment()
            obj["metadata"] = {"name": f"d{index}", "namespace": namespace}
            found.add("Deployment", "apps/v1", obj)

    assert [each.namespace for each in found.spaces()] == ["b", "a"]
