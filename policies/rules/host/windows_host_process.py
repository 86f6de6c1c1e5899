from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Windows host process",
    severity=Severity.CRITICAL,
    level=Level.BASELINE,
    references=("PSS baseline: HostProcess", "CIS 5.2.11", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set securityContext.windowsOptions.hostProcess to false.",
    fix=_fix,
)
def windows_host_process(pod: Pod) -> Iterator[Violation]:
    """A HostProcess container is no container: it runs directly on the Windows node, sees its disks and its network,
    and may run as SYSTEM. Whoever controls it has the node.

    Legitimate for agents that set up a Windows node: network plugins, storage drivers, log collectors (KEP-1981).
    """
    if (options := pod.security.windows_options) is not None and options.host_process:
        yield Violation(pod.at("securityContext", "windowsOptions", "hostProcess"), "is true")
    for container in pod.containers:
        if (options := container.security.windows_options) is not None and options.host_process:
            path = container.at("securityContext", "windowsOptions", "hostProcess")
            yield Violation(path, f"is true ({container})")
