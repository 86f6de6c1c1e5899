from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_TYPES = frozenset({"RuntimeDefault", "Localhost"})
_WINDOWS_EXCUSED = Version(1, 25)


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    if pod.windows:  # The API refuses the field there.
        return
    # Once for the pod, which is for all of its containers that say nothing.
    own = any(container.security.seccomp_profile for container in pod.concerned(path))
    yield Put(path[:-1] if own else pod.at("securityContext", "seccompProfile"), {"type": "RuntimeDefault"})


@rule(
    title="No seccomp profile",
    severity=Severity.MEDIUM,
    level=Level.RESTRICTED,
    since=Version(1, 19),
    replaces=("seccomp-unconfined",),
    references=("PSS restricted: Seccomp", "CIS 5.7.2", "CIS 5.7.3", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set seccompProfile.type to RuntimeDefault in the pod's securityContext.",
    fix=_fix,
)
def seccomp_unset(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """Where no profile is set, most nodes let a container use every system call, also the rare ones in which most
    flaws of the kernel are found. An attacker who got in tries exactly those to reach the node.

    Legitimate where the kubelet itself sets a default profile (seccompDefault), which cannot be seen from the pod.
    From v1.25 on it is not asked of Windows pods, which do not know the field (KEP-2802).
    """
    if pod.windows and standard.version >= _WINDOWS_EXCUSED:
        return
    for_all = pod.security.seccomp_profile
    if for_all is not None and for_all.type not in _TYPES:
        yield Violation(pod.at("securityContext", "seccompProfile", "type"), f"is {shown(for_all.type)}")
    for container in pod.containers:
        own = container.security.seccomp_profile
        # A container that says nothing has the pod's profile, and where that is a bad one it is named above.
        if own is None and for_all is None:
            problem = "is not set to RuntimeDefault or Localhost"
        elif own is not None and own.type not in _TYPES:
            problem = f"is {shown(own.type)}"
        else:
            continue
        yield Violation(container.at("securityContext", "seccompProfile", "type"), f"{problem} ({container})")
