"""Synthetic rows: each catalogued technique over real workloads of many styles, and nothing else tells them apart."""

import copy
import json
import re
from importlib import resources
from typing import Any

import pytest
import yaml

from policies.risk.training import dataset, synthetic
from policies.risk.training.dataset import Row
from policies.risk.training.synthetic import added, pod_spec, replaced, tidied
from tests.policies.risk import pods
from tests.policies.risk.pods import Json, features, workload

CONTENT: Json = yaml.safe_load(resources.files("policies.risk.training").joinpath("techniques.yaml").read_text("utf-8"))
TECHNIQUES: dict[str, Json] = {technique["name"]: technique for technique in CONTENT["techniques"]}
every_technique = pytest.mark.parametrize("technique", TECHNIQUES.values(), ids=TECHNIQUES)
#: Workloads of different styles, each in its own repository.
BASES: list[tuple[str, Json]] = [
    (f"example/shop-{number}", workload({"containers": [container]}, kind=kind))
    for number, (container, kind) in enumerate(
        (container, kind)
        for container in (
            {"name": "web", "image": "registry.example.com/web:1"},
            {"name": "web", "image": "nginx", "resources": {"limits": {"cpu": "1"}}, "command": ["nginx"]},
        )
        for kind in (("apps/v1", "Deployment"), ("apps/v1", "DaemonSet"), ("batch/v1", "CronJob"), ("v1", "Pod"))
    )
]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(synthetic.rows(BASES))


def test_no_two_techniques_have_one_name() -> None:
    assert len(TECHNIQUES) == len(CONTENT["techniques"])


@every_technique
def test_it_is_catalogued_somewhere_and_its_image_is_of_a_pool(technique: Json) -> None:
    assert technique["source"][0] == "T"
    assert technique["source"][1:].replace(".", "").isdigit()
    image = technique["container"].get("image", "")
    assert not image.startswith("$") or image[1:] in CONTENT["images"]
    assert set(technique) <= {"name", "source", "pod", "host", "container"}


def test_no_address_leads_anywhere() -> None:
    """RFC 5737 for documentation, RFC 1918, link-local, and any."""
    text = json.dumps(CONTENT)
    addresses = set(re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text))
    documentation = ("198.51.100.", "203.0.113.", "192.0.2.", "10.", "169.254.")
    assert {each for each in addresses if not each.startswith(documentation)} == set()


@every_technique
def test_it_makes_rows_that_are_marked(technique: Json, rows: list[Row]) -> None:
    own = [row for row in rows if row.cluster == technique["name"]]

    assert len(own) == 8
    assert all(row.synthetic and row.label is True and row.klass == "synthetic" for row in own)
    assert {row.family for row in own} == {technique["source"]}
    assert {row.repository for row in own} <= {repository for repository, _ in BASES}
    assert {row.source.rpartition("/")[2] for row in own} == {"replaced", "added"}
    assert all("@synthetic:" in row.source for row in own)


@every_technique
def test_it_shows_something_that_the_workload_had_not(technique: Json, rows: list[Row]) -> None:
    ordinary = [features(obj) for _, obj in BASES]
    for row in rows:
        if row.cluster == technique["name"]:
            assert any(value > max(each.get(name, 0) for each in ordinary) for name, value in row.features.items())


def test_the_same_workloads_give_the_same_rows(rows: list[Row]) -> None:
    assert list(synthetic.rows(copy.deepcopy(BASES))) == rows
    assert list(synthetic.rows(BASES, seed=2)) != rows


def test_a_new_technique_changes_no_other_s_rows(rows: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {**CONTENT, "techniques": CONTENT["techniques"][1:]}
    monkeypatch.setattr(yaml, "load", lambda *_, **__: fewer)
    first = CONTENT["techniques"][0]["name"]
    assert list(synthetic.rows(BASES)) == [row for row in rows if row.cluster != first]


def test_the_workloads_are_left_as_they_were() -> None:
    before = copy.deepcopy(BASES)
    list(synthetic.rows(BASES))
    assert before == BASES


TECHNIQUE: Json = {
    "name": "x",
    "host": "/",
    "pod": {"hostPID": True},
    "container": {"image": "$base", "command": ["sleep", "1d"], "securityContext": {"privileged": True}},
}
WEB: Json = {
    "name": "web",
    "image": "nginx",
    "command": ["nginx"],
    "args": ["-g"],
    "resources": {"limits": {"cpu": "1"}},
    "volumeMounts": [{"name": "own", "mountPath": "/own"}],
}
LAID: Json = {"image": "alpine", "command": ["sleep", "1d"], "securityContext": {"privileged": True}}
HOST_MOUNT: Json = {"name": "host", "mountPath": "/host"}


def test_it_replaces_the_first_container_and_keeps_its_style() -> None:
    obj = workload({"containers": [WEB, {"name": "log", "image": "fluent/fluent-bit"}], "volumes": [{"name": "own"}]})
    spec = pod_spec(replaced(copy.deepcopy(obj), TECHNIQUE, "alpine"))

    mounts = [{"name": "own", "mountPath": "/own"}, HOST_MOUNT]
    first = {"name": "web", "resources": {"limits": {"cpu": "1"}}, "volumeMounts": mounts, **LAID}
    assert spec == {
        "containers": [first, {"name": "log", "image": "fluent/fluent-bit"}],
        "volumes": [{"name": "own"}, {"name": "host", "hostPath": {"path": "/"}}],
        "hostPID": True,
    }


def test_it_is_added_as_one_container_more() -> None:
    spec = pod_spec(added(workload({"containers": [WEB]}), TECHNIQUE, "alpine"))
    assert spec["containers"] == [WEB, {"name": "sidecar", **LAID, "volumeMounts": [HOST_MOUNT]}]
    assert spec["volumes"] == [{"name": "host", "hostPath": {"path": "/"}}]


@pytest.mark.parametrize("name", sorted(set(pods.real()) - {"create-podtemplates"}))
def test_what_a_careful_author_adds_is_seen_by_no_feature(name: str) -> None:
    obj = pods.real()[name]
    before = copy.deepcopy(obj)

    assert features(tidied(obj)) == features(obj)
    assert obj == before


def test_a_tidy_workload_has_limits_probes_labels_and_a_tag() -> None:
    spec: Json = {"containers": [{"image": "alpine"}, {"image": "registry:5000/a"}, {"image": "a:1@sha256:x"}]}
    found: Any = tidied(workload(spec))
    assert found["metadata"]["labels"]
    containers = pod_spec(found)["containers"]
    assert [each["image"] for each in containers] == ["alpine:1.2.3", "registry:5000/a:1.2.3", "a:1@sha256:x"]
    assert all(each["resources"]["limits"] and each["livenessProbe"] for each in containers)


def test_shipped_synthetic_rows_are_of_these_techniques_and_lie_over_workloads_that_are_rows_too() -> None:
    shipped = dataset.shipped()
    made = [row for row in shipped if row.klass == dataset.SYNTHETIC]
    assert list(dict.fromkeys(row.cluster for row in made)) == list(TECHNIQUES)
    benign = {row.repository for row in shipped if row.label is False}
    assert {row.repository for row in made} <= benign
    # Real rows first: who reads on past them knows that nothing real follows.
    assert [row.synthetic for row in shipped] == sorted(row.synthetic for row in shipped)
