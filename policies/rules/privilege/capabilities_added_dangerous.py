from collections.abc import Iterator

from policies.capability import bare, only
from policies.lists.dangerous_capabilities import DangerousCapabilities
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Severity, Violation, rule


def _fix(pod: Pod, path: Path, dangerous: DangerousCapabilities) -> Iterator[Edit]:
    for container in pod.concerned(path):
        yield only(container, lambda name: bare(name) not in dangerous.by_name)


@rule(
    title="Dangerous capability",
    refines=("capabilities-added",),
    severity=Severity.CRITICAL,
    references=("CIS 5.2.9", "NSA/CISA: Pod security", "MITRE ATT&CK T1611", "MITRE ATT&CK T1557"),
    remediation="Remove the capability from securityContext.capabilities.add.",
    fix=_fix,
)
def capabilities_added_dangerous(pod: Pod, dangerous: DangerousCapabilities) -> Iterator[Violation]:
    """A few capabilities are as good as the node itself: with SYS_ADMIN an attacker mounts its disk, with SYS_MODULE
    loads code into its kernel, with SYS_PTRACE enters other processes, with DAC_READ_SEARCH reads any file of it. With
    NET_ADMIN and NET_RAW they redirect, read and forge the traffic of its network.

    Legitimate for network plugins, VPN gateways, storage drivers and profilers, each for the one that it needs. Names
    count with CAP_ and in small letters too, as runtimes take them.
    """
    for container in pod.containers:
        for index, name in enumerate(container.added_capabilities):
            if (line := dangerous.by_name.get(bare(name))) is not None:
                path = container.at("securityContext", "capabilities", "add", index)
                yield Violation(path, f"adds {shown(name)}, which lets it {line.lets} ({container})")
