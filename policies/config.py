"""GatePolicy: the versioned file that says what is enforced, and what it means once it is compiled.

The file is the same on disk, in a ConfigMap and for `podgate check --policy`. Unknown keys are refused.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from policies import policy_file, registry
from policies import profile as profiles
from policies.complaint import near
from policies.gatepolicy import (
    ClassifierSection,
    ClassifierSetting,
    GatePolicy,
    Metadata,
    Mode,
    NamespaceSetting,
    RuleSetting,
    Spec,
)
from policies.keys import PublicKey
from policies.overrides import RISK, Limits
from policies.path import Path, render
from policies.policy_file import MAX_BYTES, PolicyError
from policies.profile import Action, Profile
from policies.risk.assess import Assessor
from policies.risk.classifier import Classifier, ModelError, shipped
from policies.risk.observe import Observer
from policies.rule import Options, Rule
from policies.scope import Base, Entry, Policy, Scopes, Shared, Thresholds
from policies.standard import Version

if TYPE_CHECKING:
    from policies.signature import Keys

__all__ = ["MAX_BYTES", "GatePolicy", "Mode", "Policy", "PolicyError", "compile_policy", "of_profile", "parse"]

_NEVER = 2.0
_T = TypeVar("_T")


def parse(text: str, model: Classifier | None = None) -> Policy:
    """Compile the text of a GatePolicy file. Raises PolicyError, which knows the line, and ModelError.

    `model` is another classifier than the one that comes with Podgate; the policy may ask for a signature of it.
    """
    document = policy_file.read(text)
    try:
        return compile_policy(policy_file.convert(document.value, GatePolicy), model)
    except PolicyError as error:
        error.line = document.line_of(error.path)
        raise


def of_profile(name: str = profiles.DEFAULT, pss_version: str = "latest", model: Classifier | None = None) -> Policy:
    """The policy that enforces a shipped profile and says nothing else. Raises PolicyError."""
    _known(profiles.load, name, ())  # whoever asks here wrote no file: no path is told
    _known(Version.parse, pss_version, ())
    spec = Spec(profile=name, pss_version=pss_version)
    return compile_policy(GatePolicy("podgate.dev/v1alpha1", "GatePolicy", Metadata(name), spec), model)


def compile_policy(document: GatePolicy, model: Classifier | None = None) -> Policy:
    """Put a policy into force. Raises PolicyError when it names a rule, a profile or a version that is none.

    Raises ModelError when the policy does not take this model.
    """
    spec = document.spec
    shared = Shared(
        name=document.metadata.name,
        hash=_hash(msgspec.to_builtins(document)),
        judge_whole_updates=spec.updates == "all",
        overrides=_limits(spec.overrides),
        keys=_keys(spec.overrides.keys, spec.overrides.revoked, ("spec", "overrides", "keys")),
        model_keys=_model_keys(spec.classifier),
        assessor=Assessor(model or shipped(), Observer.shipped()),
    )
    _refuse_unsigned(shared.assessor.classifier, shared.model_keys)
    base = _base(spec, ("spec",), shared)
    _refuse_twice(spec.rules, ("spec", "rules"))
    entries = []
    for index, each in enumerate(spec.namespaces):
        place: Path = ("spec", "namespaces", index)
        if bool(each.names) == (each.selector is not None):
            raise PolicyError(f"{render(place)} needs either names or a selector", place)
        entries.append(Entry(each, _base(_merged(spec, each), place, shared)))
        _refuse_twice(each.rules, (*place, "rules"))
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
    classifier = msgspec.structs.replace(spec.classifier, warn_at=warn, deny_at=deny)
    return msgspec.structs.replace(spec, rules=rules, classifier=classifier, **changes)


def _over(below: RuleSetting | None, setting: RuleSetting) -> RuleSetting:
    if below is None:
        return setting
    return RuleSetting(setting.action or below.action, setting.options or below.options)


def _base(spec: Spec, place: Path, shared: Shared) -> Base:
    version = _known(Version.parse, spec.pss_version, (*place, "pssVersion"))
    profile = _known(profiles.load, spec.profile, (*place, "profile"))
    actions = profile.actions(registry.load(), version)
    settings = {_rule(name, (*place, "rules", name)): setting for name, setting in spec.rules.items()}
    said = {rule.id: Action.parse(found.action) for rule, found in settings.items() if found.action is not None}
    actions.update(said)
    return Base(
        shared,
        mode=spec.mode,
        profile=spec.profile,
        standard=profile.yardstick(version),
        actions=actions,
        said=frozenset(said),
        options={rule.id: _options(rule, found.options, place) for rule, found in settings.items() if found.options},
        thresholds=_thresholds(spec.classifier, profile, shared.assessor.classifier, (*place, "classifier")),
    )


def _known(find: Callable[[str], _T], name: str, path: Path) -> _T:
    """What a word of the policy names. Raises PolicyError when it names nothing."""
    try:
        return find(name)
    except ValueError as error:
        raise PolicyError(f"{render(path)}: {error}" if path else str(error), path) from error


def _thresholds(given: ClassifierSetting, profile: Profile, classifier: Classifier, place: Path) -> Thresholds:
    model = classifier.model.thresholds
    warn = model.warn_at if profile.classifier != "report" else _NEVER
    deny = model.deny_at if profile.classifier == "enforce" else _NEVER
    path = (*place, "warnAt")
    found = Thresholds(_probability(given.warn_at, path, warn), _probability(given.deny_at, (*place, "denyAt"), deny))
    if isinstance(given.warn_at, float) and found.warn_at > found.deny_at:
        text = f"{render(path)} is above denyAt ({found.deny_at}): what is denied is not warned of; write less, or null"
        raise PolicyError(text, path)
    return found


def _probability(given: float | UnsetType | None, path: Path, default: float) -> float:
    if given is UNSET:
        return default
    if given is None:
        return _NEVER
    if not 0 <= given <= 1:
        text = f"{render(path)} is {given}: write a probability between 0 and 1, or null for never"
        raise PolicyError(text, path)
    return given


def _model_keys(given: ClassifierSection) -> "Keys | None":
    path = ("spec", "classifier", "keys")
    if given.revoked and not given.keys:
        raise PolicyError(f"{render(path)} is empty, so that every model is taken, whatever is revoked", path)
    return _keys(given.keys, given.revoked, path)


def _refuse_unsigned(model: Classifier, keys: "Keys | None") -> None:
    """Raises ModelError. The model that comes with Podgate is part of the program, and needs nobody to vouch for it."""
    if keys is None or model is shipped():
        return
    from policies.signature import verify_model  # noqa: PLC0415 - as below

    if problem := verify_model(keys, model.model):
        names = ", ".join(sorted(keys.known))
        raise ModelError(
            f"the model {model.name} {problem}; the policy takes models that are signed with {names}: let whoever "
            "vouches for it sign it (`podgate model sign`)"
        )


def _keys(keys: Sequence[PublicKey], revoked: Iterable[str], path: Path) -> "Keys | None":
    if not keys:
        return None
    from policies.signature import compile_keys  # noqa: PLC0415 - cryptography is loaded only where keys are

    try:
        return compile_keys(keys, revoked)
    except ValueError as error:
        raise PolicyError(f"{render(path)}: {error}", path) from error


def _limits(given: Limits) -> Limits:
    place = ("spec", "overrides", "neverFor")
    names = enumerate(given.never_for)
    never = tuple(RISK if name == RISK else _rule(name, (*place, index), name).id for index, name in names)
    return msgspec.structs.replace(given, never_for=never)


def _rule(name: str, path: Path, said: str = "") -> Rule:
    """The rule of this name, which stands at the end of the path; `said` where it is the value there."""
    if (found := registry.by_name().get(name)) is not None:
        return found
    hint = near(name, registry.by_name(), "; `podgate rules` lists them")
    value = f': "{said}"' if said else ""
    raise PolicyError(f"{render(path)}{value} is not a rule{hint}", path)


def _refuse_twice(rules: Iterable[str], place: Path) -> None:
    """A rule under its present and under a former name: nobody knows which is meant."""
    seen: dict[str, str] = {}
    for name in rules:
        rule = registry.by_name()[name].id
        if rule in seen:
            path = (*place, name)
            raise PolicyError(f"{render(path)} is the same rule as {seen[rule]}: write {rule}, once", path)
        seen[rule] = name


def _options(rule: Rule, given: Mapping[str, Any], place: Path) -> Options:
    path = (*place, "rules", rule.id, "options")
    if rule.options is None:
        raise PolicyError(f"{render(path)} cannot be: this rule takes no options; leave them out", path)
    return policy_file.convert(given, rule.options, path)


def _hash(content: Any) -> str:
    """Twelve hexadecimal digits that change when what the policy says changes."""
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:12]
