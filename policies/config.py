"""GatePolicy: the versioned file that says what is enforced, and what it means once it is compiled.

The file is the same on disk, in a ConfigMap and for `podgate check --policy`. Unknown keys are refused.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Literal

import msgspec
import yaml
from msgspec import UNSET, Struct, UnsetType
from yaml.constructor import ConstructorError
from yaml.events import CollectionEndEvent, CollectionStartEvent

from policies import profile as profiles
from policies import registry
from policies.engine import Engine
from policies.overrides import Limits
from policies.profile import Action, Profile
from policies.risk.assess import Assessor
from policies.risk.classifier import Classifier, shipped
from policies.risk.observe import Observer
from policies.rule import Options, Rule
from policies.standard import Version

MAX_BYTES = 1 << 20


class PolicyError(Exception):
    """A policy that cannot be used: what is wrong, where, and what to write instead."""


class Mode(StrEnum):
    """What becomes of a denial: enforce lets it stand, warn makes it a warning, audit only records it."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"


class RuleSetting(Struct, frozen=True, forbid_unknown_fields=True):
    """What a policy says of a rule; what it leaves out stays as the profile has it."""

    action: Literal["deny", "warn", "audit", "off"] | None = None
    options: dict[str, Any] = {}


class Metadata(Struct, frozen=True):
    name: str = "default"


class ClassifierSetting(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Probabilities at and over which a pod is warned of and denied; null: never. What is left out is the profile's."""

    warn_at: float | UnsetType | None = UNSET
    deny_at: float | UnsetType | None = UNSET


class Spec(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    mode: Mode = Mode.ENFORCE
    profile: str = profiles.DEFAULT
    pss_version: str = "latest"
    rules: dict[str, RuleSetting] = {}
    classifier: ClassifierSetting = ClassifierSetting()
    overrides: Limits = Limits()
    updates: Literal["worse", "all"] = "worse"


class GatePolicy(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """The file, as it is written."""

    api_version: Literal["podgate.dev/v1alpha1"]
    kind: Literal["GatePolicy"]
    metadata: Metadata = Metadata()
    spec: Spec = Spec()


class Thresholds(Struct, frozen=True):
    """Probabilities at and over which a pod is warned of, and denied; 2 is never reached."""

    warn_at: float
    deny_at: float


_NEVER = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """A policy in force: compiled, immutable, and named by its content.

    `actions` holds what each rule's findings lead to, by rule id, before the mode softens it.
    """

    name: str
    hash: str
    mode: Mode
    profile: str
    judge_whole_updates: bool
    overrides: Limits
    thresholds: Thresholds
    model: str
    engine: Engine
    actions: Mapping[str, Action]


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
    try:
        version = Version.parse(spec.pss_version)
        profile = profiles.load(spec.profile)
    except ValueError as error:
        raise PolicyError(str(error)) from error
    actions = profile.actions(registry.load(), version)
    settings = {_rule(name): setting for name, setting in spec.rules.items()}
    actions.update(
        (rule.id, Action.parse(found.action)) for rule, found in settings.items() if found.action is not None
    )
    options = {rule.id: _options(rule, found.options) for rule, found in settings.items() if found.options}
    classifier = shipped()
    in_force = [found for found in registry.load() if actions.get(found.id, Action.OFF) is not Action.OFF]
    return Policy(
        name=document.metadata.name,
        hash=_hash(msgspec.to_builtins(document)),
        mode=spec.mode,
        profile=spec.profile,
        judge_whole_updates=spec.updates == "all",
        overrides=_limits(spec.overrides),
        thresholds=_thresholds(spec.classifier, profile, classifier),
        model=classifier.name,
        engine=Engine(in_force, profile.yardstick(version), options, Assessor(classifier, Observer.shipped())),
        actions=actions,
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
