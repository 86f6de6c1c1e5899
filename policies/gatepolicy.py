"""GatePolicy, as it is written: the types of the file, of its sections and their values."""

from enum import StrEnum
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from policies import profile as profiles
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

    action: Literal["deny", "warn", "audit", "off"] | None = None
    options: dict[str, Any] = {}


class ClassifierSetting(_Part, frozen=True):
    """Probabilities at and over which a pod is warned of and denied; null: never. What is left out is the profile's."""

    warn_at: float | UnsetType | None = UNSET
    deny_at: float | UnsetType | None = UNSET


class Requirement(_Part, frozen=True):
    """An item of matchExpressions."""

    key: str
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    values: tuple[str, ...] = ()


class Selector(_Part, frozen=True):
    """A label selector over namespaces, as in Kubernetes."""

    match_labels: dict[str, str] = {}
    match_expressions: tuple[Requirement, ...] = ()


class NamespaceSetting(_Part, frozen=True):
    """What is different in some namespaces: those of these names, or with these labels. The first that fits counts."""

    names: Annotated[tuple[str, ...], Meta(description="Namespaces by name.")] = ()
    selector: Annotated[Selector | None, Meta(description="Namespaces by their labels.")] = None
    mode: Mode | None = None
    profile: str | None = None
    pss_version: str | None = None
    rules: dict[str, RuleSetting] = {}
    classifier: ClassifierSetting = ClassifierSetting()


class Exclusions(_Part, frozen=True):
    """Whose requests are not judged at all. Controllers and people who may impersonate should not be among them."""

    namespaces: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    runtime_classes: tuple[str, ...] = ()


class Metadata(Struct, frozen=True):
    name: str = "default"


class Spec(_Part, frozen=True):
    """What is enforced."""

    mode: Mode = Mode.ENFORCE
    profile: str = profiles.DEFAULT
    pss_version: str = "latest"
    rules: dict[str, RuleSetting] = {}
    classifier: ClassifierSetting = ClassifierSetting()
    namespaces: tuple[NamespaceSetting, ...] = ()
    exclusions: Exclusions = Exclusions()
    overrides: Limits = Limits()
    updates: Literal["worse", "all"] = "worse"


class GatePolicy(_Part, frozen=True):
    """The file."""

    api_version: Literal["podgate.dev/v1alpha1"]
    kind: Literal["GatePolicy"]
    metadata: Metadata = Metadata()
    spec: Spec = Spec()
