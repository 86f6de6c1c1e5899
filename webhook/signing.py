"""Overrides in manifests: what is written when one is signed, what that covers, and which of them are good."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from certs.signing import SigningKey
from policies import covered, fix, kinds, overrides, signature
from policies import resource as resources
from policies.config import Policy
from policies.engine import Evaluation
from policies.identity import Kind
from policies.overrides import EXPIRES, REASON, RISK, RULES, SIGNATURE, TICKET, Limits, Override, Refusal
from policies.path import render
from policies.resource import Resource, UnreadableObjectError
from policies.rule import Drop, Edit, Put
from policies.signature import Keys
from webhook import updates
from webhook.manifest import Manifest
from webhook.manifest.edit import EditError, rewrite, splices
from webhook.report import ObjectRef, printable

_ANNOTATIONS = (RULES, REASON, EXPIRES, TICKET, SIGNATURE)


class SigningError(Exception):
    """An override that cannot be signed, or a manifest that cannot be judged for it: why, for a person."""


class Judged(Struct, frozen=True):
    """An object and what was found there, under the policy of its namespace."""

    resource: Resource
    evaluation: Evaluation
    policy: Policy

    @property
    def ref(self) -> ObjectRef:
        """Which object it is; one that the API server names has a star in its name."""
        known, base = self.resource.identity, self.resource.body.meta.generate_name
        return ObjectRef(
            known.api_version, known.kind.kind, known.namespace, known.name or (f"{base}*" if base else "")
        )


@dataclass(frozen=True, slots=True)
class Scene:
    """Where manifests are judged. `namespace` is that of objects that name none; `labels` are the namespace's.

    `limits` are what an override may ask for, where that is not for the policy to say.
    """

    policy: Policy
    now: datetime
    namespace: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    limits: Limits | None = None

    def judge(self, value: Mapping[str, Any]) -> Judged:
        """Raises SigningError."""
        placed = self._placed(value)
        try:
            resource = resources.read(placed)
            policy = self.policy.within(resource.identity.namespace, self.labels)
            encoded = Raw(msgspec.json.encode(placed))
            return Judged(resource, updates.with_values(policy.engine.evaluate(resource), encoded), policy)
        except (UnreadableObjectError, UnicodeError, OverflowError) as error:
            raise SigningError(str(error)) from error

    def _placed(self, value: Mapping[str, Any]) -> Mapping[str, Any]:
        """The object in its namespace, which a signature names."""
        meta = value.get("metadata") or {}
        own = meta.get("namespace") if isinstance(meta, Mapping) else None
        if own and self.namespace is not None and own != self.namespace:
            raise SigningError(f"it stands in the namespace {printable(str(own), 100)}, not in {self.namespace}")
        if not own and self.namespace is None:
            raise SigningError(
                'it names no namespace, and an override counts in one: say -n NAMESPACE, or -n "" for none'
            )
        if own or not self.namespace or not isinstance(meta, Mapping):
            return value
        return {**value, "metadata": {**meta, "namespace": self.namespace}}


def choose(found: Iterable[Manifest], wanted: str | None) -> Manifest:
    """The object that is meant: of this kind and name, or else the only one, or else the only one with pods.

    Raises SigningError.
    """
    known = {name: each for each in found for name in _names(each)}
    if not known:
        raise SigningError("there is no object")
    if wanted is not None and wanted.lower() in known:
        return known[wanted.lower()]
    every = list({id(each): each for each in known.values()}.values())
    fit = every if len(every) == 1 else [each for each in every if kinds.holds_pods(_kind(each))]
    if wanted is None and len(fit) == 1:
        return fit[0]
    names = ", ".join(printable(_names(each)[0], 100) for each in (fit or every)[:10])
    problem = "it is not clear which object is meant" if wanted is None else f"there is no {printable(wanted, 100)}"
    raise SigningError(f"{problem}: write --object with one of {names}")


def _kind(found: Manifest) -> Kind:
    return Kind(found.value["apiVersion"].rpartition("/")[0], found.value["kind"])


def _names(found: Manifest) -> tuple[str, str]:
    """`deployment/web` and `deployment.apps/web`."""
    meta = found.value.get("metadata")
    name = (meta.get("name") or meta.get("generateName")) if isinstance(meta, Mapping) else None
    kind = _kind(found)
    group = f".{kind.group}" if kind.group else ""
    return f"{kind.kind}/{name}".lower(), f"{kind.kind}{group}/{name}".lower()


class Wanted(Struct, frozen=True):
    """What an override is to say."""

    rules: str
    reason: str
    expires: str
    ticket: str = ""

    @property
    def annotations(self) -> dict[str, str]:
        found = {RULES: self.rules, REASON: self.reason, EXPIRES: self.expires, TICKET: self.ticket}
        return {name: text for name, text in found.items() if text}


class Signed(Struct, frozen=True):
    """An override and its signature, as annotations; `doubt` is why the policy that it was made for would refuse it."""

    judged: Judged
    override: Override
    annotations: Mapping[str, str]
    doubt: str | None


def sign(scene: Scene, value: Mapping[str, Any], wanted: Wanted, key: SigningKey, name: str) -> Signed:
    """Sign an override of an object. Raises SigningError."""
    if not all(text.isprintable() for text in wanted.annotations.values()):
        raise SigningError("reason and ticket must be printable, and on one line")
    judged = scene.judge(_annotated(value, wanted.annotations))
    if not judged.ref.name:
        raise SigningError("it has no name: whatever has none could be given this override")
    # That of the object itself comes first, before those of its templates.
    override = overrides.of(judged.resource, judged.policy.overrides, scene.now)[0]
    if isinstance(override, Refusal):
        raise SigningError(str(override))
    _refuse_needless(override, judged)
    findings = judged.evaluation.findings
    try:
        document = signature.statements(override, judged.resource, findings)[0]
    except covered.TooMuchError as error:
        raise SigningError(f"the override {error}: split the object, or mend some of it") from error
    override = replace(override, signature=signature.annotation(name, key.sign(document)))
    keys = judged.policy.keys
    doubt = None if keys is None else signature.verify(keys, override, judged.resource, findings, scene.now)
    return Signed(judged, override, {**wanted.annotations, SIGNATURE: override.signature}, doubt)


def _annotated(value: Mapping[str, Any], annotations: Mapping[str, str]) -> Mapping[str, Any]:
    meta = value.get("metadata") or {}
    if not isinstance(meta, Mapping):
        return value
    own = meta.get("annotations")
    kept = {key: text for key, text in own.items() if key not in _ANNOTATIONS} if isinstance(own, Mapping) else {}
    return {**value, "metadata": {**meta, "annotations": {**kept, **annotations}}}


def _refuse_needless(override: Override, judged: Judged) -> None:
    found = {each.rule.id for each in covered.concerned(override, judged.evaluation.findings)}
    risk, limits = judged.evaluation.risk, judged.policy.thresholds
    if risk is not None and risk.probability >= min(limits.warn_at, limits.deny_at):
        found.add(RISK)
    if needless := sorted(override.rules - found):
        raise SigningError(f"nothing is there to lift of {' and '.join(needless)}")


def written(found: Manifest, annotations: Mapping[str, str]) -> bytes:
    """The file with these annotations in it, and all else as it was. Raises SigningError."""
    own = (found.value.get("metadata") or {}).get("annotations") or {}
    edits: list[Edit] = [Put(("metadata", "annotations", name), text) for name, text in annotations.items()]
    edits += [
        Drop(("metadata", "annotations", name)) for name in _ANNOTATIONS if name in own.keys() - annotations.keys()
    ]
    operations = [each._replace(path=found.path + each.path) for each in fix.operations(found.value, edits)]
    try:
        return rewrite(found.document.text, splices(found.document, operations))
    except EditError as error:
        raise SigningError(
            f"the annotations cannot be put in safely ({error}): leave out --write, and paste them"
        ) from error


class Checked(Struct, frozen=True):
    """An override that was found; `problem` is None when it is good. `override` is None where it cannot be read."""

    judged: Judged
    override: Override | None
    problem: str | None


def check(scene: Scene, found: Manifest, keys: Callable[[str], Keys]) -> Iterator[Checked]:
    """Every override of an object. `keys` finds those that count for an annotation. Raises SigningError."""
    if not _asks(found.value):
        return
    judged = scene.judge(found.value)
    for each in overrides.of(judged.resource, scene.limits or judged.policy.overrides, scene.now):
        if isinstance(each, Refusal):
            yield Checked(judged, None, str(each))
            continue
        known = keys(each.signature)
        problem = signature.verify(known, each, judged.resource, judged.evaluation.findings, scene.now)
        yield Checked(judged, each, None if problem is None else f"the override {problem}")


def _asks(value: Any) -> bool:
    """Whether anything in an object is an annotation of an override: nothing else needs a namespace."""
    try:
        return RULES.encode() in msgspec.json.encode(value)
    except (UnicodeError, OverflowError, RecursionError):
        return True


def covers(judged: Judged, override: Override) -> list[dict[str, str]]:
    """What an override lifts, for people: messages show no secrets, as the fields themselves might."""
    found = covered.concerned(override, judged.evaluation.findings)
    said = [{"rule": each.rule.id, "path": render(each.path), "message": each.message} for each in found]
    risk = judged.evaluation.risk
    if RISK in override.rules and risk is not None:
        said.append({"rule": RISK, "path": render(risk.path), "message": "is as risky as the classifier finds it"})
    return said


def ending(override: Override) -> str:
    """When it ends."""
    return f"{override.expires.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
