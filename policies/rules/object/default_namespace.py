from collections.abc import Iterator

from policies.identity import Identity
from policies.resource import Resource
from policies.rule import Severity, Violation, rule

# Kinds that live in a namespace, so that without one they land in that of the client, which is `default` at first.
_NAMESPACED = frozenset(
    {
        "ConfigMap", "CronJob", "DaemonSet", "Deployment", "HorizontalPodAutoscaler", "Ingress", "Job", "LimitRange",
        "NetworkPolicy", "PersistentVolumeClaim", "Pod", "PodDisruptionBudget", "PodTemplate", "ReplicaSet",
        "ReplicationController", "ResourceQuota", "Role", "RoleBinding", "Secret", "Service", "ServiceAccount",
        "StatefulSet",
    }
)  # fmt: skip
_GROUPS = frozenset(
    {"", "apps", "autoscaling", "batch", "extensions", "networking.k8s.io", "policy", "rbac.authorization.k8s.io"}
)
# What the control plane itself keeps there, and what is written there because something else is.
_ITS_OWN = frozenset({("Service", "kubernetes"), ("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")})
_TRACES = frozenset({"Event", "Endpoints", "EndpointSlice"})


@rule(
    title="Object in the default namespace",
    severity=Severity.INFO,
    references=("CIS 5.7.4", "NSA/CISA: Network separation"),
    remediation="Set metadata.namespace to a namespace of the application's own.",
)
def default_namespace(resource: Resource) -> Iterator[Violation]:
    """Quotas, network policies, roles and pod security levels are set for a namespace. What many share has the weakest
    of everybody's needs, and what lands in `default` by mistake sees, and is seen by, all the rest.

    Legitimate for trying things out. An object of a file that names no namespace counts, because kubectl puts it there
    unless it is told otherwise; in the cluster every such object has one.
    """
    identity = resource.identity
    if identity.namespace == "default":
        if (identity.kind.kind, identity.name) not in _ITS_OWN and identity.kind.kind not in _TRACES:
            yield Violation(("metadata", "namespace"), "is default")
    elif not identity.namespace and _is_namespaced(identity):
        yield Violation(("metadata", "namespace"), "is missing, which stands for default")


def _is_namespaced(identity: Identity) -> bool:
    return identity.kind.kind in _NAMESPACED and identity.kind.group in _GROUPS
