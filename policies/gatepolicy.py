"""GatePolicy, as it is written: the types of the file, of its sections and their values."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from policies import profile as profiles
from policies.keys import PublicKey
from policies.overrides import Limits


class Mode(StrEnum):
    """What becomes of a denial: enforce lets it stand, warn makes it a warning, audit only records it."""

    ENFORCE = "enforce"
    WARN = "warn"
    AUDIT = "audit"


class _Part(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """A section: what is left out has its default, and an unknown key is an error."""


class RuleSetting(_Part, frozen=True):
    """What a policy says of a rule; what it leaves out stays as the profile has it."""

    action: Annotated[
        Literal["deny", "warn", "audit", "off"] | None,
        Meta(description="What its findings lead to: audit only records them, off does not look for them."),
    ] = None
    options: Annotated[dict[str, Any], Meta(description="What the rule lets a policy set; most take nothing.")] = {}


class ClassifierSetting(_Part, frozen=True):
    """Probabilities at and over which a pod is warned of and denied; null: never. What is left out is the profile's."""

    warn_at: Annotated[float | UnsetType | None, Meta(description="Pods of this risk or more are warned of.")] = UNSET
    deny_at: Annotated[float | UnsetType | None, Meta(description="Pods of this risk or more are denied.")] = UNSET


class ClassifierSection(ClassifierSetting, frozen=True, omit_defaults=True):
    """The same, and whose models are taken."""

    keys: Annotated[
        tuple[PublicKey, ...],
        Meta(
            description="Keys one of which must have signed the model of `--model`; without any, every model is taken."
        ),
    ] = ()
    revoked: Annotated[
        tuple[str, ...], Meta(description="Ids of keys, and fingerprints of signatures, that no longer count.")
    ] = ()


class Requirement(_Part, frozen=True):
    """An item of matchExpressions."""

    key: Annotated[str, Meta(description="A label.")]
    operator: Annotated[
        Literal["In", "NotIn", "Exists", "DoesNotExist"], Meta(description="How it compares with the values.")
    ]
    values: Annotated[tuple[str, ...], Meta(description="For In and NotIn.")] = ()


class Selector(_Part, frozen=True):
    """A label selector over namespaces, as in Kubernetes."""

    match_labels: Annotated[dict[str, str], Meta(description="Labels that must be there, with these values.")] = {}
    match_expressions: Annotated[tuple[Requirement, ...], Meta(description="All of these must hold.")] = ()


_Rules = Annotated[
    dict[str, RuleSetting], Meta(description="What is different from the profile, by rule; `podgate rules` lists them.")
]
_CLASSIFIER = Meta(
    description="What a pod's risk leads to: probabilities, or null for never. What is left out is the profile's."
)


class NamespaceSetting(_Part, frozen=True):
    """What is different in some namespaces: those of these names, or with these labels. The first that fits counts."""

    names: Annotated[tuple[str, ...], Meta(description="Namespaces by name.")] = ()
    selector: Annotated[Selector | None, Meta(description="Namespaces by their labels.")] = None
    mode: Annotated[Mode | None, Meta(description="The mode there.")] = None
    profile: Annotated[str | None, Meta(description="The profile there.")] = None
    pss_version: Annotated[str | None, Meta(description="The version of the Pod Security Standards there.")] = None
    rules: _Rules = {}
    classifier: Annotated[ClassifierSetting, _CLASSIFIER] = ClassifierSetting()


class Exclusions(_Part, frozen=True):
    """Whose requests are not judged at all. Controllers and people who may impersonate should not be among them."""

    namespaces: Annotated[tuple[str, ...], Meta(description="Namespaces, by name.")] = ()
    users: Annotated[tuple[str, ...], Meta(description="User names, as the API server authenticates them.")] = ()
    groups: Annotated[tuple[str, ...], Meta(description="Groups, any of which suffices.")] = ()
    runtime_classes: Annotated[
        tuple[str, ...], Meta(description="Runtime classes: objects all of whose pods run in one of them.")
    ] = ()


class Metadata(Struct, frozen=True):
    """What Kubernetes would keep of it; only the name is read."""

    name: Annotated[str, Meta(description="The name that reports and metrics show.")] = "default"


class Spec(_Part, frozen=True):
    """What is enforced."""

    mode: Annotated[
        Mode,
        Meta(description="What becomes of a denial: enforce lets it stand, warn makes it a warning, audit records it."),
    ] = Mode.ENFORCE
    profile: Annotated[str, Meta(description="What every rule does unless said otherwise.")] = profiles.DEFAULT
    pss_version: Annotated[
        str, Meta(description="The version of the Pod Security Standards: v1.0 to the newest, or latest.")
    ] = "latest"
    rules: _Rules = {}
    classifier: Annotated[ClassifierSection, _CLASSIFIER] = ClassifierSection()
    namespaces: Annotated[
        tuple[NamespaceSetting, ...], Meta(description="What is different in some namespaces; the first that fits.")
    ] = ()
    exclusions: Annotated[
        Exclusions,
        Meta(description="What is not judged at all. Keep controllers, and whoever may impersonate, out of it."),
    ] = Exclusions()
    overrides: Annotated[Limits, Meta(description="What the annotations that ask for an exception may do.")] = Limits()
    updates: Annotated[
        Literal["worse", "all"],
        Meta(description="worse: an update is denied only for what it adds or worsens; all: for whatever it has."),
    ] = "worse"


class GatePolicy(_Part, frozen=True):
    """What Podgate enforces: a file, or a ConfigMap with one."""

    api_version: Annotated[Literal["podgate.dev/v1alpha1"], Meta(description="The version of this format.")]
    kind: Annotated[Literal["GatePolicy"], Meta(description="Always GatePolicy.")]
    metadata: Annotated[Metadata, Meta(description="Its name.")] = Metadata()
    spec: Annotated[Spec, Meta(description="What is enforced; without it the recommended profile.")] = Spec()
