"""The examples of the rules, as their YAML files give them, and objects made of them."""

from pathlib import Path
from typing import Any, Literal, Self

import yaml
from msgspec import Struct, convert

import policies.rules
from policies import registry, resource
from policies.engine import Engine, Finding
from policies.identity import Requester
from policies.path import render
from policies.pod import Pod
from policies.rule import Rule
from policies.standard import Level, Standard, Version

Json = dict[str, Any]
ROOT = Path(policies.rules.__path__[0])


class Good(Struct, frozen=True, forbid_unknown_fields=True):
    """Something that the rule has nothing to say about.

    `pod` is a fragment of a pod's spec, laid over the smallest valid one; `object` is a whole object, for what is no
    pod or where it matters what the pod stands in. `options` are the rule's; `requester` is who asks; `before` is what
    an update replaces.
    """

    name: str
    pod: Json | None = None
    object: Json | None = None
    labels: dict[str, str | None] = {}
    annotations: dict[str, str | None] = {}
    version: str = "latest"
    level: Literal["baseline", "restricted"] | None = None
    options: Json = {}
    requester: Requester | None = None
    before: Json | None = None

    def __post_init__(self) -> None:
        if (self.pod is None) == (self.object is None):
            raise ValueError(f"{self.name}: write pod or object")

    def standard(self, rule: Rule) -> Standard:
        level = Level[self.level.upper()] if self.level else rule.level or Level.BASELINE
        return Standard(level, Version.parse(self.version))

    def engine(self, rule: Rule) -> Engine:
        """What runs this rule alone, as the example wants it."""
        options = {rule.id: convert(self.options, rule.options)} if rule.options is not None else {}
        return Engine([rule], self.standard(rule), options)

    def template(self) -> Json:
        """metadata and spec of the pod."""
        meta: Json = {"name": "app", "annotations": dict(self.annotations)}
        if self.labels:
            meta["labels"] = dict(self.labels)
        containers = [{"name": "app", "image": "registry.example.com/app:1.0"}]
        return {"metadata": meta, "spec": {"containers": containers, **(self.pod or {})}}


class Bad(Good, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Something that the rule objects to, exactly at these paths, in this order.

    `fixed`: what the fix makes of the pod's whole spec, or of the object, where that is worth showing. `anywhere`:
    it is as bad in a container of another kind, and in a pod of any workload.
    """

    at: list[str]
    fixed: Json | None = None
    anywhere: bool = True


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


def bad_pods(rule: Rule) -> list[Bad]:
    """Bad examples that are no more than a pod, wherever it stands."""
    cases = Examples.of(rule).bad if rule.subject is Pod else []
    return [case for case in cases if case.pod is not None and case.anywhere]


def name(value: Any) -> str | None:
    """How pytest names a rule or a case."""
    if isinstance(value, Rule):
        return value.id
    return value.name if isinstance(value, Good) else None


def obj(case: Good) -> Json:
    """The object of an example."""
    return case.object if case.object is not None else {"apiVersion": "v1", "kind": "Pod", **case.template()}


def findings(rule: Rule, case: Good, obj: Json) -> tuple[Finding, ...]:
    """What the rule finds in an object, as the case wants it judged."""
    found = resource.read(obj, requester=case.requester, before=case.before)
    return case.engine(rule).evaluate(found).findings


def paths(rule: Rule, case: Good, obj: Json) -> list[str]:
    """Where the rule objects to an object."""
    return [render(found.path) for found in findings(rule, case, obj)]
