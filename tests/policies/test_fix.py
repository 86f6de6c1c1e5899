"""Fixes are judged together as far as they hold together, and a fix that does not hold is not shown."""

from collections.abc import Iterator
from typing import Any

import pytest

from policies import fix, patch, resource
from policies.engine import Engine, Evaluation
from policies.path import Path
from policies.resource import Resource
from policies.rule import Drop, Edit, Put, Rule, Severity, Violation, rule
from policies.standard import LATEST, Level, Standard


def _better(_resource: Resource, path: Path) -> Iterator[Edit]:
    if path[-1] != "unfixable":
        yield Put(path, "good")


@rule(title="Bad", severity=Severity.LOW, remediation="Be good.", fix=_better)
def bad_label(resource: Resource) -> Iterator[Violation]:
    """Somebody is bad."""
    for name, value in resource.identity.labels.items():
        if value == "bad":
            yield Violation(("metadata", "labels", name), f"is bad ({name})")


def _back(_resource: Resource, path: Path) -> Iterator[Edit]:
    yield Put(path, "bad")


@rule(title="Lonely", severity=Severity.LOW, remediation="Be bad.", fix=_back)
def worse_label(resource: Resource) -> Iterator[Violation]:
    """To be bad is better than this, but then it is bad."""
    for name, value in resource.identity.labels.items():
        if value == "worse":
            yield Violation(("metadata", "labels", name), "is worse")


@rule(title="Rivals", severity=Severity.LOW, remediation="Be alone.")
def rival_labels(resource: Resource) -> Iterator[Violation]:
    """Two are good that cannot be at once, or one is that must not."""
    labels = resource.identity.labels
    if labels.get("x") == labels.get("y") == "good" or labels.get("never") == "good":
        yield Violation(("metadata", "labels"), "are too good")


RULES: list[Rule] = [bad_label, rival_labels, worse_label]


class Counting(Engine):
    """Counts how often it is asked."""

    __slots__ = ("asked",)

    def evaluate(self, *given: Any, **more: Any) -> Evaluation:
        self.asked = getattr(self, "asked", 0) + 1
        return super().evaluate(*given, **more)


def scene(*labels: str) -> tuple[dict[str, Any], Resource, Counting]:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"labels": dict.fromkeys(labels, "bad")}}
    return obj, resource.read(obj), Counting(RULES, Standard(Level.RESTRICTED, LATEST))


def proposed(*labels: str) -> list[str]:
    """The labels for which a fix is offered."""
    obj, read, engine = scene(*labels)
    findings = engine.evaluate(read).findings
    fixes = fix.propose(obj, read, findings, engine)
    return [str(found.path[-1]) for found, made in zip(findings, fixes, strict=True) if made]


def kept(*labels: str) -> list[str]:
    """The labels that are good when all that holds together is made."""
    obj, read, engine = scene(*labels)
    findings = engine.evaluate(read).findings
    edits = fix.compatible(obj, read, findings, findings, engine)
    fixed = patch.apply(obj, fix.operations(obj, [each for group in edits for each in group]))
    return [name for name, value in fixed["metadata"]["labels"].items() if value == "good"]


@pytest.mark.parametrize(
    ("labels", "offered", "made"),
    [
        ("", "", ""),
        ("unfixable", "", ""),
        ("a b c", "a b c", "a b c"),
        ("a unfixable b", "a b", "a b"),
        ("never", "", ""),
        ("a never b", "a b", "a b"),
        ("a x b y c", "a x b y c", "a x b c"),
        ("y never x a unfixable", "y x a", "y a"),
    ],
)
def test_what_holds_is_offered_and_what_holds_together_is_made(labels: str, offered: str, made: str) -> None:
    assert proposed(*labels.split()) == offered.split()
    assert kept(*labels.split()) == made.split()


def test_rules_do_not_help_each_other_out() -> None:
    obj, _, engine = scene("a", "b", "never")
    obj["metadata"]["labels"]["c"] = "worse"
    read = resource.read(obj)
    findings = engine.evaluate(read).findings
    fixes = fix.propose(obj, read, findings, engine)
    offered = {str(found.path[-1]): bool(made) for found, made in zip(findings, fixes, strict=True)}
    assert offered == {"a": True, "b": True, "never": False, "c": False}


def test_one_fix_that_does_not_hold_costs_few_judgements() -> None:
    names = [f"l{number}" for number in range(200)]
    obj, read, engine = scene(*names[:130], "never", *names[130:])
    findings = engine.evaluate(read).findings
    engine.asked = 0
    fixes = fix.propose(obj, read, findings, engine)
    assert fixes.count(None) == 1
    assert engine.asked < 20
    engine.asked = 0
    assert len(fix.compatible(obj, read, findings, findings, engine)) == 200
    assert engine.asked < 20


def test_operations_follow_each_other_and_leave_the_object_alone() -> None:
    obj = {"a": {"b": 1}}
    edits: list[Edit] = [Put(("c", "d"), 1), Put(("c", "e"), 2), Drop(("a", "b")), Drop(("a", "b")), Put(("a", "b"), 3)]
    made = fix.operations(obj, edits)
    assert [(each.op, each.path, each.value) for each in made] == [
        ("add", ("c",), {"d": 1}), ("add", ("c", "e"), 2), ("remove", ("a", "b"), None), ("add", ("a", "b"), 3),
    ]  # fmt: skip
    assert obj == {"a": {"b": 1}}
    assert patch.apply(obj, made) == {"a": {"b": 3}, "c": {"d": 1, "e": 2}}
