"""What a policy is in a namespace: its own entry there, what the namespace's labels declare, and what is not known.

A compiled policy is the same thing everywhere; `within` finds the one of a namespace. What was made is kept, because
there are few different ones: one for each entry and each set of declared levels.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from policies import registry, selector
from policies.engine import Engine
from policies.gatepolicy import Exclusions, Mode, NamespaceSetting
from policies.identity import Requester
from policies.namespace import Declared, Labels, declared
from policies.overrides import Limits
from policies.profile import Action, as_upstream
from policies.risk.assess import Assessor
from policies.rule import Options
from policies.standard import Level, Standard

if TYPE_CHECKING:
    from policies.signature import Keys

_KEPT = 512
_STRICTNESS = (Mode.AUDIT, Mode.WARN, Mode.ENFORCE)


class Thresholds(Struct, frozen=True):
    """Probabilities at and over which a pod is warned of, and denied; 2 is never reached."""

    warn_at: float
    deny_at: float


class Shared(Struct, frozen=True):
    """What is the same in every namespace."""

    name: str
    hash: str
    judge_whole_updates: bool
    overrides: Limits
    keys: "Keys | None"
    model_keys: "Keys | None"
    assessor: Assessor


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy in force: compiled, immutable, and named by its content.

    `actions` holds what each rule's findings lead to, by rule id, before the mode softens it. `problems` are sentences
    about the namespace that its users should read.
    """

    name: str
    hash: str
    mode: Mode
    profile: str
    judge_whole_updates: bool
    overrides: Limits
    keys: "Keys | None"
    model_keys: "Keys | None"
    thresholds: Thresholds
    model: str
    engine: Engine
    actions: Mapping[str, Action]
    scopes: "Scopes"
    off: bool = False
    problems: tuple[str, ...] = ()

    @property
    def denies_by_risk(self) -> bool:
        """Whether a pod may be denied for what the classifier says."""
        return self.mode is Mode.ENFORCE and self.thresholds.deny_at <= 1

    def within(self, namespace: str, labels: Labels | None) -> "Policy":
        """What it is in a namespace. `labels` is None where they should be known, and are not: then it is strict."""
        return self.scopes.within(namespace, labels)

    def excludes(self, namespace: str, requester: Requester | None) -> str:
        """Why a request is not judged at all; empty when it is."""
        return self.scopes.excludes(namespace, requester)


@dataclass(frozen=True, slots=True, eq=False)
class Base:
    """The parts of a policy before a namespace has its say. `said`: rules whose action the file itself names."""

    shared: Shared
    mode: Mode
    profile: str
    standard: Standard
    actions: Mapping[str, Action]
    said: frozenset[str]
    options: Mapping[str, Options]
    thresholds: Thresholds
    standards: Mapping[str, Standard] = field(default_factory=dict)

    def policy(self, scopes: "Scopes", *, off: bool = False, problems: tuple[str, ...] = ()) -> Policy:
        """The policy that these parts make."""
        rules = [found for found in registry.load() if self.actions.get(found.id, Action.OFF) is not Action.OFF]
        shared = self.shared
        return Policy(
            name=shared.name,
            hash=shared.hash,
            mode=self.mode,
            profile=self.profile,
            judge_whole_updates=shared.judge_whole_updates,
            overrides=shared.overrides,
            keys=shared.keys,
            model_keys=shared.model_keys,
            thresholds=self.thresholds,
            model=shared.assessor.classifier.name,
            engine=Engine(rules, self.standard, self.options, shared.assessor, self.standards),
            actions=MappingProxyType(dict(self.actions)),
            scopes=scopes,
            off=off,
            problems=problems,
        )


class Entry(Struct, frozen=True):
    """What the policy is in some namespaces."""

    setting: NamespaceSetting
    base: Base

    def fits(self, namespace: str, labels: Labels) -> bool:
        if self.setting.selector is None:
            return namespace in self.setting.names
        return selector.matches(msgspec.to_builtins(self.setting.selector), labels)


class Scopes:
    """The policies of all namespaces."""

    def __init__(self, base: Base, entries: tuple[Entry, ...], exclusions: Exclusions) -> None:
        self._base = base
        self._entries = entries
        self._namespaces = frozenset(exclusions.namespaces)
        self._users = frozenset(exclusions.users)
        self._groups = frozenset(exclusions.groups)
        self.runtime_classes = frozenset(exclusions.runtime_classes)
        self._made = lru_cache(_KEPT)(self._make)

    def within(self, namespace: str, labels: Labels | None) -> Policy:
        """The policy of a namespace."""
        if labels is None:
            return self._made(_UNKNOWN, _STRICT)
        chosen = next((index for index, entry in enumerate(self._entries) if entry.fits(namespace, labels)), -1)
        return self._made(chosen, declared(labels))

    def excludes(self, namespace: str, requester: Requester | None) -> str:
        """Why a request is not judged; empty when it is."""
        if namespace in self._namespaces:
            return "namespace"
        if requester is None:
            return ""
        if requester.username in self._users:
            return "user"
        return "group" if self._groups and not self._groups.isdisjoint(requester.groups) else ""

    def _make(self, chosen: int, said: Declared) -> Policy:
        if chosen == _UNKNOWN:
            base = _strictest([self._base, *(entry.base for entry in self._entries)])
            return _strictest([_as_declared(base, said), base]).policy(self)
        base = self._entries[chosen].base if chosen >= 0 else self._base
        named = chosen >= 0 and self._entries[chosen].setting.mode is not None
        if said.mode is not None and said.mode != "off" and not named:
            base = replace(base, mode=Mode(said.mode))
        return _as_declared(base, said).policy(self, off=said.mode == "off" and not named, problems=said.problems)


_UNKNOWN = -2
_STRICT = Declared(enforce=Standard(Level.RESTRICTED, declared({}).warn.version))


def _as_declared(base: Base, said: Declared) -> Base:
    """The levels that a namespace declares decide about the rules of the Pod Security Standards, as upstream.

    What the policy's file says of a rule by name stays. Rules that only tell one of them more exactly go with it.
    """
    if said.enforce is None:
        return base
    actions, standards = dict(base.actions), dict(base.standards)
    asked = [
        (action, standard, as_upstream(registry.load(), standard))
        for action, standard in ((Action.DENY, said.enforce), (Action.WARN, said.warn), (Action.AUDIT, said.audit))
    ]
    for rule in registry.load():
        if rule.level is None or rule.id in base.said:
            continue
        actions[rule.id] = Action.OFF
        for action, standard, rules in asked:
            if rule.id in rules:
                actions[rule.id], standards[rule.id] = action, standard
                break
    for rule in registry.load():
        if rule.refines and rule.id not in base.said:
            most = max(actions.get(name, Action.OFF) for name in rule.refines)
            actions[rule.id] = min(actions.get(rule.id, Action.OFF), max(most, Action.AUDIT))
    return replace(base, actions=actions, standards=standards)


def _strictest(bases: Iterable[Base]) -> Base:
    """For a namespace of which nothing is known: whatever it may be, it is not judged more mildly."""
    found = list(bases)
    names = {name for base in found for name in base.actions}
    actions = {name: max(base.actions.get(name, Action.OFF) for base in found) for name in names}
    # Two sets of options cannot be put together: those count that stand where the rule is applied most strictly.
    options = {
        name: base.options[name]
        for base in reversed(found)
        for name in base.options
        if base.actions.get(name, Action.OFF) is actions.get(name, Action.OFF)
    }
    return replace(
        found[0],
        mode=max((base.mode for base in found), key=_STRICTNESS.index),
        actions=actions,
        options={**found[0].options, **options},
        thresholds=Thresholds(
            min(base.thresholds.warn_at for base in found), min(base.thresholds.deny_at for base in found)
        ),
    )
