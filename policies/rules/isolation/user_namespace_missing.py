from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="No user namespace",
    severity=Severity.INFO,
    references=("KEP-127", "MITRE ATT&CK T1611", "CVE-2024-21626"),
    remediation="Set hostUsers to false where the nodes support it (Kubernetes 1.33 and newer).",
)
def user_namespace_missing(pod: Pod) -> Iterator[Violation]:
    """In a user namespace of its own a pod's root is nobody on the node: an attacker who gets out of the container has
    no rights there, and capabilities count inside only. Without it root in the container is root on the node.

    Legitimate with hostNetwork, hostPID or hostIPC, which exclude it, and with volumes whose file systems cannot map
    users. Not asked of Windows pods, which do not know the field (KEP-2802).
    """
    if not pod.user_namespace and not pod.windows:
        yield Violation(pod.at("hostUsers"), "is true" if pod.spec.host_users else "is not false")
