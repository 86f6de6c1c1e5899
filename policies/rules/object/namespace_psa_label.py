from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from policies.identity import SYSTEM_NAMESPACES
from policies.path import Path
from policies.pod import shown
from policies.resource import Resource
from policies.rule import Edit, Options, Put, Severity, Violation, rule

_LABEL = "pod-security.kubernetes.io/enforce"
_LEVELS = ("privileged", "baseline", "restricted")


class AtLeast(Options, frozen=True):
    """What a namespace must enforce."""

    level: Annotated[
        Literal["baseline", "restricted"],
        Meta(description="The lowest pod security level that a namespace may enforce."),
    ] = "baseline"


def _fix(_resource: Resource, path: Path, options: AtLeast) -> Iterator[Edit]:
    yield Put((*path[:2], _LABEL), options.level)


@rule(
    title="Namespace that enforces no pod security level",
    severity=Severity.LOW,
    references=("CIS 5.2.1", "NSA/CISA: Pod security", "PSS: Pod Security Admission labels"),
    remediation="Label the namespace pod-security.kubernetes.io/enforce: baseline, or restricted.",
    fix=_fix,
)
def namespace_psa_label(resource: Resource, options: AtLeast) -> Iterator[Violation]:
    """The API server holds pods to a level only in namespaces that ask for one. Without the label, or with
    `privileged`, who may create a pod there may take the node. Who lowers the label of a namespace is about to do
    something that it forbade.

    Legitimate for namespaces of node agents and storage drivers, and where the API server's own default is not
    privileged; the namespaces of the cluster itself (kube-system) are no finding.
    """
    identity = resource.identity
    if identity.kind != ("", "Namespace") or identity.name in SYSTEM_NAMESPACES:
        return
    now = identity.labels.get(_LABEL)
    before = resource.before.identity.labels.get(_LABEL) if resource.before is not None else None
    weaker = f", which is weaker than {before}" if before in _LEVELS and _rank(now) < _rank(before) else ""
    if now is None:
        yield Violation(("metadata", "labels", _LABEL), f"is not set{weaker}")
    elif weaker or _rank(now) < _rank(options.level):
        yield Violation(("metadata", "labels", _LABEL), f"is {shown(now)}{weaker}")


def _rank(level: str | None) -> int:
    return _LEVELS.index(level) if level in _LEVELS else -1
