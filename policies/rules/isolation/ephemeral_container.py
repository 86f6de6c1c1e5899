from collections.abc import Iterator

from policies.pod import ContainerKind, Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Ephemeral container",
    severity=Severity.MEDIUM,
    references=("KEP-277", "NSA/CISA: Pod security", "MITRE ATT&CK T1609", "MITRE ATT&CK T1610"),
    remediation="Delete the pod so that it starts afresh, and debug a copy of it (kubectl debug --copy-to).",
)
def ephemeral_container(pod: Pod) -> Iterator[Violation]:
    """An ephemeral container is put into a pod that already runs, with an image of one's choice. Whoever may do that
    has the pod's network, its service account and, with a target container, its processes: an attacker in a place that
    passed every check before. It cannot be removed again.

    Legitimate while somebody debugs; a pod that still has one when nobody does is no longer what was deployed.
    """
    for container in pod.containers:
        if container.kind is ContainerKind.EPHEMERAL:
            yield Violation(container.at(), f"was put into the pod after it was made ({container})")
