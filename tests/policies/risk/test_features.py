"""Every feature: declared once, in the words of the rules, and shown by a small pod."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct, convert

from policies import registry
from policies.risk import features
from policies.risk.features import BY_NAME, FEATURES, NAMESPACES, PATHS, PRIVILEGES, REMEDIES, Feature
from tests.policies.risk import pods
from tests.policies.risk.pods import Json, workload


class Example(Struct, forbid_unknown_fields=True):
    """A line of features.yaml."""

    pod: Json
    shows: dict[str, int]
    alone: bool = False
    writes: str = ""
    reads: str = ""

    @property
    def object(self) -> Json:
        kind = ("v1", "Pod") if self.alone else ("apps/v1", "Deployment")
        return workload(self._with_mount(), kind=kind)

    def _with_mount(self) -> Json:
        path = self.writes or self.reads
        if not path:
            return self.pod
        first, *others = self.pod["containers"]
        mount = {"name": "host", "mountPath": "/host", "readOnly": bool(self.reads)}
        volumes = [{"name": "host", "hostPath": {"path": path}}]
        return {**self.pod, "volumes": volumes, "containers": [{**first, "volumeMounts": [mount]}, *others]}


def _examples() -> dict[str, Example]:
    text = Path(__file__).with_name("features.yaml").read_text("utf-8")
    return convert(yaml.load(text, Loader=yaml.CSafeLoader), dict[str, Example])


EXAMPLES = _examples()
every_feature = pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)


def test_no_two_features_have_one_name_or_one_meaning() -> None:
    assert [name for name, count in Counter(feature.name for feature in FEATURES).items() if count > 1] == []
    assert [text for text, count in Counter(feature.meaning for feature in FEATURES).items() if count > 1] == []
    assert list(BY_NAME) == [feature.name for feature in FEATURES]


@every_feature
def test_it_is_declared_in_full(feature: Feature) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", feature.name)
    assert feature.meaning == feature.meaning.strip()
    assert not feature.meaning.endswith(".")
    assert 1 <= feature.most <= 7
    assert feature.remedy in REMEDIES


@every_feature
def test_its_rules_exist(feature: Feature) -> None:
    ids = [rule.id for rule in registry.load()]
    assert feature.rules
    assert [rule for rule in feature.rules if rule not in ids] == []
    assert len(set(feature.rules)) == len(feature.rules)


def test_the_rules_of_the_standard_have_features() -> None:
    related = {rule for feature in FEATURES for rule in feature.rules}
    missing = {rule.id for rule in registry.load() if rule.level is not None} - related

    # What only hardens is no feature: to have it costs an attacker nothing, and hardly anybody has it.
    hardening = {"capabilities-drop-all-missing", "privilege-escalation", "seccomp-unset"}
    # On real workloads these tell nothing about an attack.
    telling_nothing = {"host-port", "host-probe", "selinux"}
    assert missing == hardening | telling_nothing


@every_feature
def test_a_small_pod_has_it(feature: Feature) -> None:
    assert EXAMPLES[feature.name].shows.get(feature.name, 0) > 0


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES)
def test_all_that_is_seen_of_a_small_pod(example: Example) -> None:
    assert pods.features(example.object) == example.shows


@every_feature
def test_it_goes_with_its_remedy(feature: Feature) -> None:
    example = EXAMPLES[feature.name]
    # Power over the host is given in three ways: all of them have to go.
    ways = frozenset({PRIVILEGES, NAMESPACES, PATHS}) if feature.name.startswith("power") else frozenset()
    left = pods.features(example.object, without=ways | {feature.remedy})

    assert left.get(feature.name, 0) < example.shows[feature.name]


def test_remedies_are_told_in_these_words() -> None:
    told = ["privileges", "host namespaces", "host paths", "commands", "images", "scheduling"]
    assert [*features.REMEDIES] == told


def test_the_schema_changes_with_names_ranges_and_order_and_with_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, *others = FEATURES

    def schema(*changed: Any) -> str:
        monkeypatch.setattr(features, "FEATURES", changed)
        return features.schema()

    found = schema(first, second, *others)
    assert re.fullmatch("sha256:[0-9a-f]{64}", found)
    assert schema(first._replace(name="other"), second, *others) != found
    assert schema(first._replace(most=5), second, *others) != found
    assert schema(second, first, *others) != found
    assert schema(second, *others) != found
    assert schema(first._replace(meaning="other", rules=("other",)), second, *others) == found
