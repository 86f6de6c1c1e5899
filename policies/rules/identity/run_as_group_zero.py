from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Root's group",
    severity=Severity.LOW,
    references=("NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set runAsGroup and fsGroup to a number above 0, and remove 0 from supplementalGroups.",
)
def run_as_group_zero(pod: Pod) -> Iterator[Violation]:
    """Group 0 is root's, to the container and to the kernel. An attacker who is another user, but in this group, still
    reads and writes whatever is left open to root's group, in the image and in mounted folders of the node.

    Legitimate for images that are made for a user of any number, as OpenShift asks: their files belong to group 0.
    """
    security = pod.security
    if security.run_as_group == 0:
        yield Violation(pod.at("securityContext", "runAsGroup"), "is 0")
    if security.supplemental_groups:
        for index, group in enumerate(security.supplemental_groups):
            if group == 0:
                yield Violation(pod.at("securityContext", "supplementalGroups", index), "is 0")
    if security.fs_group == 0:
        yield Violation(pod.at("securityContext", "fsGroup"), "is 0")
    for container in pod.containers:
        if container.security.run_as_group == 0:
            yield Violation(container.at("securityContext", "runAsGroup"), f"is 0 ({container})")
