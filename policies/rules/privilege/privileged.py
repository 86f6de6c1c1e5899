from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Privileged container",
    severity=Severity.CRITICAL,
    level=Level.BASELINE,
    references=("PSS baseline: Privileged Containers", "CIS 5.2.2", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set securityContext.privileged to false, and add only the capabilities that the program needs.",
    fix=_fix,
)
def privileged(pod: Pod) -> Iterator[Violation]:
    """A privileged container holds every capability, sees every device of the node, and runs without seccomp, AppArmor
    or SELinux confinement: whoever controls it can mount the node's disk and is root on the node.

    Legitimate for a few node agents that set up the host itself (network plugins, storage drivers, kernel debugging);
    most of them work with one or two capabilities and a read-only hostPath instead.
    """
    for container in pod.containers:
        if container.security.privileged:
            yield Violation(container.at("securityContext", "privileged"), f"is true ({container})")
