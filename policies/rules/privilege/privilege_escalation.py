from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_WINDOWS_EXCUSED = Version(1, 25)


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    for container in pod.concerned(path):
        # The API refuses it beside these, CAP_SYS_ADMIN in this spelling, and in a pod of Windows.
        privileged = container.security.privileged or "CAP_SYS_ADMIN" in container.added_capabilities
        if not privileged and not pod.windows:
            yield Put(path, value=False)


@rule(
    title="Privilege escalation",
    severity=Severity.MEDIUM,
    level=Level.RESTRICTED,
    since=Version(1, 8),
    references=("PSS restricted: Privilege Escalation", "CIS 5.2.6", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set securityContext.allowPrivilegeEscalation to false for every container, also for init containers.",
    fix=_fix,
)
def privilege_escalation(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """Unless it is forbidden, a process may gain more rights than its parent: an attacker who got in as an ordinary
    user becomes root through any set-user-ID program of the image, such as sudo, su or mount.

    Legitimate for images that rely on sudo or a similar program, as some build environments do. From v1.25 on it is
    not asked of Windows pods, which do not know the field (KEP-2802).
    """
    if pod.windows and standard.version >= _WINDOWS_EXCUSED:
        return
    for container in pod.containers:
        allowed = container.security.allow_privilege_escalation
        if allowed is not False:
            problem = "is true" if allowed else "is not set to false"
            yield Violation(container.at("securityContext", "allowPrivilegeEscalation"), f"{problem} ({container})")
