"""The examples of the rules, as their YAML files give them, and objects made of them."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from msgspec import Struct, convert

import policies.rules
from policies import registry, resource
from policies.engine import Engine, Finding
from policies.path import render
from policies.rule import Rule
from policies.standard import Level, Standard, Version

Json = dict[str, Any]
ROOT = Path(policies.rules.__path__[0])


class Good(Struct, frozen=True, forbid_unknown_fields=True):
    """A pod that the rule has nothing to say about.

    `pod` is a fragment of a pod's spec, laid over the smallest valid one.
    """

    name: str
    pod: Json
    annotations: dict[str, str | None] = {}
    version: str = "latest"
    level: Literal["baseline", "restricted"] | None = None

    def standard(self, rule: Rule) -> Standard:
        level = Level[self.level.upper()] if self.level else rule.level or Level.BASELINE
        return Standard(level, Version.parse(self.version))

    def template(self) -> Json:
        """metadata and spec of the pod."""
        meta: Json = {"name": "app", "annotations": dict(self.annotations)}
        containers = [{"name": "app", "image": "registry.example.com/app:1.0"}]
        return {"metadata": meta, "spec": {"containers": containers, **self.pod}}


class Bad(Good, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A pod that the rule objects to, exactly at these paths, in this order."""

    at: list[str]


class Examples(Struct, frozen=True, forbid_unknown_fields=True):
    """One YAML file."""

    good: list[Good]
    bad: list[Bad]

    @classmethod
    def of(cls, rule: Rule) -> Self:
        file = ROOT / rule.category / f"{rule.id.replace('-', '_')}.yaml"
        return convert(yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader), cls)


def good() -> list[tuple[Rule, Good]]:
    """Every good example, with its rule."""
    return [(rule, case) for rule in registry.load() for case in Examples.of(rule).good]


def bad() -> list[tuple[Rule, Bad]]:
    """Every bad example, with its rule."""
    return [(rule, case) for rule in registry.load() for case in Examples.of(rule).bad]


def name(value: object) -> str | None:
    """How pytest names a rule or a case."""
    if isinstance(value, Rule):
        return value.id
    return value.name if isinstance(value, Good) else None


def pod(case: Good) -> Json:
    """The pod of an example."""
    return {"apiVersion": "v1", "kind": "Pod", **case.template()}


def findings(rule: Rule, case: Good, obj: Json) -> tuple[Finding, ...]:
    """What the rule finds in an object, against the standard of the case."""
    return Engine([rule], case.standard(rule)).evaluate(resource.read(obj)).findings


def paths(rule: Rule, case: Good, obj: Json) -> list[str]:
    """Where the rule objects to an object."""
    return [render(found.path) for found in findings(rule, case, obj)]
