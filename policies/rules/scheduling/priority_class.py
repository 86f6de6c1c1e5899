from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from policies.pod import Pod, shown
from policies.rule import Options, Severity, Violation, rule

_RESERVED = "system-"


class Classes(Options, frozen=True):
    """Which priority classes workloads may have."""

    allow: Annotated[
        tuple[str, ...],
        Meta(
            description="Only these priority classes are allowed; without any, all but those that begin with system-."
        ),
    ] = ()


@rule(
    title="Priority class that is not for workloads",
    severity=Severity.MEDIUM,
    references=(
        "NSA/CISA: Resource policies",
        "MITRE ATT&CK T1499",
        "kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption",
    ),
    remediation="Remove priorityClassName, or name a class that the policy allows.",
)
def priority_class(pod: Pod, options: Classes) -> Iterator[Violation]:
    """When nodes are full, pods of a higher priority drive out others. With system-cluster-critical or
    system-node-critical anybody drives out what the cluster itself runs on: DNS, the network, ingress.

    Legitimate for what the cluster needs to work, which belongs into kube-system; system namespaces are not asked.
    """
    name = pod.spec.priority_class_name
    if name and not pod.object.in_system_namespace and not _allowed(name, options.allow):
        yield Violation(pod.at("priorityClassName"), f"is {shown(name)}")


def _allowed(name: str, allow: tuple[str, ...]) -> bool:
    return name in allow if allow else not name.startswith(_RESERVED)
