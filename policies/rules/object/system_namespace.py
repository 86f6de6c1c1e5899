from collections.abc import Iterator

from policies.identity import SYSTEM_NAMESPACES, Requester
from policies.resource import Resource
from policies.rule import Severity, Violation, rule

# Administrators, and what the control plane is made of.
_PRIVILEGED = frozenset(
    {
        "system:masters",
        "kubeadm:cluster-admins",
        "system:nodes",
        *(f"system:serviceaccounts:{namespace}" for namespace in SYSTEM_NAMESPACES),
    }
)
_ANYBODY = ("system:anonymous", "system:serviceaccount:")
_SYSTEM_ACCOUNTS = tuple(f"system:serviceaccount:{namespace}:" for namespace in SYSTEM_NAMESPACES)


@rule(
    title="Workload in a namespace of the cluster",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Network separation", "MITRE ATT&CK T1036.005", "MITRE ATT&CK T1578"),
    remediation="Deploy to a namespace of the application's own.",
)
def system_namespace(resource: Resource) -> Iterator[Violation]:
    """In kube-system, kube-public and kube-node-lease nobody looks twice at another pod with a plausible name, many
    policies look away, and service accounts and secrets of the control plane are there to be mounted.

    Legitimate for administrators (system:masters), nodes, and controllers that run there; they are no finding. Where
    nobody knows who asks, as for files, nothing is said. Exclude the user of a deployment tool that installs add-ons.
    """
    identity = resource.identity
    requester = identity.requester
    if identity.in_system_namespace and requester is not None and resource.pods and _is_ordinary(requester):
        yield Violation(("metadata", "namespace"), f"is {identity.namespace}, which is the cluster's own")


def _is_ordinary(requester: Requester) -> bool:
    if not _PRIVILEGED.isdisjoint(requester.groups):
        return False
    name = requester.username
    if name.startswith(_ANYBODY):
        return not name.startswith(_SYSTEM_ACCOUNTS)
    return not name.startswith("system:")
