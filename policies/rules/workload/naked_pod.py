from collections.abc import Iterator

from policies.identity import Kind
from policies.pod import Pod
from policies.rule import Severity, Violation, rule

_POD = Kind("", "Pod")
#: What the kubelet writes on its image of a static pod.
_MIRROR = "kubernetes.io/config.mirror"


@rule(
    title="Pod without a controller",
    severity=Severity.INFO,
    references=(
        "NSA/CISA: Audit logging and threat detection",
        "MITRE ATT&CK T1610",
        "kubernetes.io/docs/concepts/configuration/overview",
    ),
    remediation="Let a Deployment, a StatefulSet, a DaemonSet or a Job make the pod.",
)
def naked_pod(pod: Pod) -> Iterator[Violation]:
    """Nothing makes it again when its node fails or is drained, and no rollout ever renews its image. Where workloads
    are made by controllers, a pod that somebody made by hand is also how most attacks on clusters begin.

    Legitimate for a look around and for tests, and for operators that look after their pods themselves.
    """
    identity = pod.object
    if identity.kind == _POD and not any(identity.owners) and _MIRROR not in pod.annotations:
        yield Violation(("metadata", "ownerReferences"), "name nobody who looks after this pod")
