from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule
from policies.standard import Level, Standard, Version

_USER_NAMESPACE_EXCUSED = Version(1, 35)


@rule(
    title="Runs as root",
    severity=Severity.HIGH,
    level=Level.RESTRICTED,
    since=Version(1, 23),
    references=(
        "PSS restricted: Running as Non-root user",
        "CIS 5.2.7",
        "NSA/CISA: Pod security",
        "MITRE ATT&CK T1611",
    ),
    remediation="Set runAsUser to a number above 0, or remove it where the image names an ordinary user.",
)
def run_as_user_zero(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """User 0 is root, to the container and to the kernel: an attacker owns every file of the image, and a flaw in the
    runtime or a careless mount gives away the node.

    Legitimate for programs that must set up what only root may, such as some init containers; in a user namespace of
    their own (hostUsers: false) it is harmless, and from v1.35 on it is not asked of such pods (KEP-127).
    """
    if pod.user_namespace and standard.version >= _USER_NAMESPACE_EXCUSED:
        return
    if pod.security.run_as_user == 0:
        yield Violation(pod.at("securityContext", "runAsUser"), "is 0")
    for container in pod.containers:
        if container.security.run_as_user == 0:
            yield Violation(container.at("securityContext", "runAsUser"), f"is 0 ({container})")
