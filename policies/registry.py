"""All rules, found by walking policies.rules: a rule is registered by being there."""

import importlib
import pkgutil
import re
from functools import cache
from types import MappingProxyType, ModuleType

import policies.rules
from policies.rule import Rule

_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class DeclarationError(Exception):
    """A rule module declares something that cannot be. It is a mistake in the source, found when the rules load."""


@cache
def load() -> tuple[Rule, ...]:
    """Every rule, sorted by id. Raises DeclarationError."""
    rules = sorted(map(_declared, _modules()), key=lambda found: found.id)
    _refuse_ambiguous_names(rules)
    return tuple(rules)


@cache
def by_name() -> MappingProxyType[str, Rule]:
    """Every rule under its id and its former ids."""
    return MappingProxyType({name: found for found in load() for name in (found.id, *found.aliases)})


def _modules() -> list[ModuleType]:
    packages = policies.rules.__path__
    return [
        importlib.import_module(module.name)
        for module in pkgutil.walk_packages(packages, "policies.rules.")
        if not module.ispkg
    ]


def _declared(module: ModuleType) -> Rule:
    found = [value for value in vars(module).values() if isinstance(value, Rule)]
    stem = module.__name__.rpartition(".")[2]
    if len(found) != 1:
        raise DeclarationError(f"{module.__name__} declares {len(found)} rules; it must declare one, named {stem}")
    _refuse_incomplete(found[0], stem)
    return found[0]


def _refuse_incomplete(found: Rule, stem: str) -> None:
    complaint = None
    if found.id != stem.replace("_", "-") or not _ID.fullmatch(found.id):
        complaint = f"its function must be named {stem}, as its module"
    elif not found.description:
        complaint = "its function needs a docstring: what an attacker gains, and when the setting is legitimate"
    elif not found.remediation.endswith("."):
        complaint = "its remediation must be a sentence that ends with a full stop"
    elif found.title.endswith("."):
        complaint = "its title must be a phrase without a full stop"
    if complaint:
        raise DeclarationError(f"rule {found.id}: {complaint}")


def _refuse_ambiguous_names(rules: list[Rule]) -> None:
    owners: dict[str, str] = {}
    for found in rules:
        for name in (found.id, *found.aliases):
            if name in owners:
                raise DeclarationError(f"rules {owners[name]} and {found.id} both answer to the name {name}")
            owners[name] = found.id
    for found in rules:
        for named in (*found.replaces, *found.refines):
            if named not in owners:
                raise DeclarationError(f"rule {found.id} replaces {named}, which does not exist")
