from collections.abc import Iterator

from policies.capability import only
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_WINDOWS_EXCUSED = Version(1, 25)


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    for container in pod.concerned(path):
        yield only(container, lambda name: name == "NET_BIND_SERVICE")


@rule(
    title="Capability other than NET_BIND_SERVICE",
    severity=Severity.MEDIUM,
    level=Level.RESTRICTED,
    since=Version(1, 22),
    replaces=("capabilities-added",),
    references=("PSS restricted: Capabilities", "CIS 5.2.9", "CIS 5.2.10", "NSA/CISA: Pod security"),
    remediation="Remove every capability but NET_BIND_SERVICE from securityContext.capabilities.add.",
    fix=_fix,
)
def capabilities_added_strict(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """Even the capabilities that containers have by default help an attacker who got in: to change the owner of files,
    to make device nodes, to become another user. NET_BIND_SERVICE is let be, since it only opens ports below 1024.

    Legitimate for programs that start as root and step down themselves (CHOWN, SETUID, SETGID); most can be started as
    an ordinary user instead. From v1.25 on it is not asked of Windows pods, which have no capabilities (KEP-2802).
    """
    if pod.windows and standard.version >= _WINDOWS_EXCUSED:
        return
    for container in pod.containers:
        for index, name in enumerate(container.added_capabilities):
            if name != "NET_BIND_SERVICE":
                path = container.at("securityContext", "capabilities", "add", index)
                yield Violation(path, f"adds {shown(name)} ({container})")
