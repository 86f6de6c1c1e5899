"""GatePolicy: the versioned file that says what is enforced, and what it means once it is compiled.

The file is the same on disk, in a ConfigMap and for `podgate check --policy`. Unknown keys are refused.
"""

import hashlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

import msgspec
import yaml
from msgspec import UNSET, UnsetType
from yaml.constructor import ConstructorError
from yaml.events import CollectionEndEvent, CollectionStartEvent

from policies import profile as profiles
from policies import registry
from policies.gatepolicy import ClassifierSetting, GatePolicy, Metadata, Mode, NamespaceSetting, RuleSetting, Spec
from policies.overrides import Limits
from policies.profile import Action, Profile
from policies.risk.assess import Assessor
from policies.risk.classifier import Classifier, shipped
from policies.risk.observe import Observer
from policies.rule import Options, Rule
from policies.scope import Base, Entry, Policy, Scopes, Shared, Thresholds
from policies.standard import Version

__all__ = ["MAX_BYTES", "GatePolicy", "Mode", "Policy", "PolicyError", "compile_policy", "of_profile", "parse"]

MAX_BYTES = 1 << 20
_NEVER = 2.0


class PolicyError(Exception):
    """A policy that cannot be used: what is wrong, where, and what to write instead."""


def parse(text: str) -> Policy:
    """Compile the text of a GatePolicy file. Raises PolicyError."""
    if len(text) > MAX_BYTES:
        raise PolicyError(f"the policy is larger than {MAX_BYTES} bytes")
    try:
        document = msgspec.convert(_read(text), GatePolicy)
    except msgspec.ValidationError as error:
        raise PolicyError(f"the policy is not a GatePolicy: {error}") from error
    except (yaml.YAMLError, ValueError) as error:  # PyYAML lets a number or a date that is none through as ValueError
        raise PolicyError(f"the policy is not YAML: {error}") from error
    return compile_policy(document)


class _Loader(yaml.CSafeLoader):
    """YAML in which `off` is a word, as in YAML 1.2, nothing is a date, and no key stands twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise ConstructorError(None, None, f'the key "{key.value}" stands twice', key.start_mark)
            seen.add(str(key.value))
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if not (tag.endswith(":bool") and first in "nNoOyY") and not tag.endswith(":timestamp")
    ]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_MAX_DEPTH = 20


def _read(text: str) -> Any:
    depth = 0
    # Before loading: libyaml builds nested nodes by recursion and overflows the stack.
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise PolicyError(f"the policy is nested deeper than {_MAX_DEPTH} levels")
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader


def of_profile(name: str = profiles.DEFAULT, pss_version: str = "latest") -> Policy:
    """The policy that enforces a shipped profile and says nothing else. Raises PolicyError."""
    spec = Spec(profile=name, pss_version=pss_version)
    return compile_policy(GatePolicy("podgate.dev/v1alpha1", "GatePolicy", Metadata(name), spec))


def compile_policy(document: GatePolicy) -> Policy:
    """Put a policy into force. Raises PolicyError when it names a rule, a profile or a version that is none."""
    spec = document.spec
    shared = Shared(
        name=document.metadata.name,
        hash=_hash(msgspec.to_builtins(document)),
        judge_whole_updates=spec.updates == "all",
        overrides=_limits(spec.overrides),
        assessor=Assessor(shipped(), Observer.shipped()),
    )
    base = _base(spec, "spec", shared)
    entries = []
    for index, each in enumerate(spec.namespaces):
        place = f"spec.namespaces[{index}]"
        if bool(each.names) == (each.selector is not None):
            raise PolicyError(f"{place} needs either names or a selector")
        entries.append(Entry(each, _base(_merged(spec, each), place, shared)))
    return base.policy(Scopes(base, tuple(entries), spec.exclusions))


def _merged(spec: Spec, each: NamespaceSetting) -> Spec:
    """The policy as it is in some namespaces."""
    changes = {
        name: value
        for name, value in (("mode", each.mode), ("profile", each.profile), ("pss_version", each.pss_version))
        if value is not None
    }
    rules = {**spec.rules, **{name: _over(spec.rules.get(name), setting) for name, setting in each.rules.items()}}
    warn = each.classifier.warn_at if each.classifier.warn_at is not UNSET else spec.classifier.warn_at
    deny = each.classifier.deny_at if each.classifier.deny_at is not UNSET else spec.classifier.deny_at
    return msgspec.structs.replace(spec, rules=rules, classifier=ClassifierSetting(warn, deny), **changes)


def _over(below: RuleSetting | None, setting: RuleSetting) -> RuleSetting:
    if below is None:
        return setting
    return RuleSetting(setting.action or below.action, setting.options or below.options)


def _base(spec: Spec, place: str, shared: Shared) -> Base:
    try:
        version = Version.parse(spec.pss_version)
        profile = profiles.load(spec.profile)
    except ValueError as error:
        raise PolicyError(f"{place}: {error}" if place != "spec" else str(error)) from error
    actions = profile.actions(registry.load(), version)
    settings = {_rule(name, f"{place}.rules"): setting for name, setting in spec.rules.items()}
    said = {rule.id: Action.parse(found.action) for rule, found in settings.items() if found.action is not None}
    actions.update(said)
    return Base(
        shared,
        mode=spec.mode,
        profile=spec.profile,
        standard=profile.yardstick(version),
        actions=actions,
        said=frozenset(said),
        options={rule.id: _options(rule, found.options) for rule, found in settings.items() if found.options},
        thresholds=_thresholds(spec.classifier, profile, shared.assessor.classifier),
    )


def _thresholds(given: ClassifierSetting, profile: Profile, classifier: Classifier) -> Thresholds:
    model = classifier.model.thresholds
    warn = model.warn_at if profile.classifier != "report" else _NEVER
    deny = model.deny_at if profile.classifier == "enforce" else _NEVER
    found = Thresholds(_probability(given.warn_at, "warnAt", warn), _probability(given.deny_at, "denyAt", deny))
    if found.warn_at > found.deny_at and given.warn_at is not None:
        raise PolicyError("spec.classifier.warnAt is above denyAt: what is denied is not warned of")
    return found


def _probability(given: float | UnsetType | None, name: str, default: float) -> float:
    if given is UNSET:
        return default
    if given is None:
        return _NEVER
    if not 0 <= given <= 1:
        raise PolicyError(f"spec.classifier.{name} is {given}: write a probability between 0 and 1, or null for never")
    return given


def _limits(given: Limits) -> Limits:
    never = tuple(_rule(name, "spec.overrides.neverFor").id for name in given.never_for)
    return msgspec.structs.replace(given, never_for=never)


def _rule(name: str, place: str = "spec.rules") -> Rule:
    if (found := registry.by_name().get(name)) is not None:
        return found
    near = get_close_matches(name, registry.by_name(), n=1)
    hint = f": did you mean {near[0]}?" if near else "; `podgate rules` lists them"
    raise PolicyError(f'{place} names "{name}", which is not a rule{hint}')


def _options(rule: Rule, given: Mapping[str, Any]) -> Options:
    if rule.options is None:
        raise PolicyError(f"spec.rules.{rule.id} has options, but this rule takes none")
    try:
        return msgspec.convert(given, rule.options)
    except msgspec.ValidationError as error:
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(rule.options))
        raise PolicyError(f"spec.rules.{rule.id}.options: {error}; this rule has the options {known}") from error


def _hash(content: Any) -> str:
    """Twelve hexadecimal digits that change when what the policy says changes."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:12]
