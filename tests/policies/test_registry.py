"""Mistakes in the source of a rule are found when the rules load."""

from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from policies import registry
from policies.pod import Pod
from policies.registry import DeclarationError
from policies.rule import Rule, Severity, Violation, rule


def module(*rules: Rule, name: str = "open_door") -> ModuleType:
    """A module that holds these rules, as if it were a file below policies/rules."""
    made = ModuleType(f"policies.rules.house.{name}")
    for number, each in enumerate(rules):
        setattr(made, f"rule_{number}", each)
    return made


def declared(name: str = "open_door", docstring: str = "What is wrong with it.", **given: Any) -> Rule:
    """A rule as a module would declare it."""

    def function(pod: Pod) -> Iterator[Violation]:
        yield Violation(pod.at("door"), "is open")

    function.__name__, function.__doc__, function.__module__ = name, docstring, f"policies.rules.house.{name}"
    fields: dict[str, Any] = {"title": "Open door", "severity": Severity.LOW, "remediation": "Close it."}
    return rule(**{**fields, **given})(function)


class TestLoad:
    def test_every_rule_is_found_sorted_by_id(self) -> None:
        ids = [found.id for found in registry.load()]
        assert ids == sorted(ids)
        assert "privileged" in ids

    def test_rules_are_loaded_once(self) -> None:
        assert registry.load() is registry.load()

    def test_by_name(self) -> None:
        assert registry.by_name()["privileged"].category == "privilege"
        assert set(registry.by_name()) >= {found.id for found in registry.load()}


class TestDeclarations:
    def test_a_complete_one(self) -> None:
        found = registry._declared(module(declared()))
        assert (found.id, found.category, found.subject) == ("open-door", "house", Pod)

    @pytest.mark.parametrize(
        ("broken", "complaint"),
        [
            (declared(name="Open_Door"), "its function must be named Open_Door, as its module"),
            (declared(name="open_"), "its function must be named open_, as its module"),
            (
                declared(docstring=""),
                "its function needs a docstring: what an attacker gains, and when the setting is legitimate",
            ),
            (declared(remediation="Close it"), "its remediation must be a sentence that ends with a full stop"),
            (declared(title="Open door."), "its title must be a phrase without a full stop"),
        ],
        ids=["capitals", "trailing underscore", "no docstring", "no full stop", "a full stop"],
    )
    def test_an_incomplete_one(self, broken: Rule, complaint: str) -> None:
        with pytest.raises(DeclarationError) as caught:
            registry._declared(module(broken, name=broken.function.__name__))
        assert str(caught.value) == f"rule {broken.id}: {complaint}"

    def test_a_function_that_is_not_named_as_its_module(self) -> None:
        with pytest.raises(DeclarationError) as caught:
            registry._declared(module(declared(), name="shut_door"))
        assert str(caught.value) == "rule open-door: its function must be named shut_door, as its module"

    @pytest.mark.parametrize("rules", [[], [declared(), declared("other_door")]], ids=["none", "two"])
    def test_a_module_declares_one_rule(self, rules: list[Rule]) -> None:
        with pytest.raises(DeclarationError) as caught:
            registry._declared(module(*rules))
        message = f"policies.rules.house.open_door declares {len(rules)} rules; it must declare one, named open_door"
        assert str(caught.value) == message

    @pytest.mark.parametrize(
        ("second", "complaint"),
        [
            (declared(), "rules open-door and open-door both answer to the name open-door"),
            (declared("gate", aliases=("open-door",)), "rules open-door and gate both answer to the name open-door"),
            (declared("gate", replaces=("shut-door",)), "rule gate replaces shut-door, which does not exist"),
        ],
        ids=["two of one id", "an alias that is taken", "replaces nothing"],
    )
    def test_names_are_not_ambiguous(self, second: Rule, complaint: str) -> None:
        with pytest.raises(DeclarationError) as caught:
            registry._refuse_ambiguous_names([declared(), second])
        assert str(caught.value) == complaint

    def test_a_rule_may_have_former_names_and_replace_another(self) -> None:
        registry._refuse_ambiguous_names([declared(), declared("gate", aliases=("wicket",), replaces=("open-door",))])
