from collections.abc import Iterator

from policies.capability import only
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Severity, Violation, rule
from policies.standard import Level

# What container runtimes give by default, without NET_RAW.
_ALLOWED = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    for container in pod.concerned(path):
        yield only(container, lambda name: name in _ALLOWED)


@rule(
    title="Capability beyond the default set",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: Capabilities", "CIS 5.2.8", "CIS 5.2.9", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Remove the capability from securityContext.capabilities.add.",
    fix=_fix,
)
def capabilities_added(pod: Pod) -> Iterator[Violation]:
    """A capability is a piece of root's power over the kernel. Beyond those that a container has by default, most give
    the node away (SYS_ADMIN, SYS_PTRACE, SYS_MODULE) or the network (NET_ADMIN, NET_RAW).

    Legitimate where a program needs one exactly, as an IPsec gateway needs NET_ADMIN. Names are compared as they are
    written: the kernel's name in capitals, without CAP_.
    """
    for container in pod.containers:
        for index, name in enumerate(container.added_capabilities):
            if name not in _ALLOWED:
                path = container.at("securityContext", "capabilities", "add", index)
                yield Violation(path, f"adds {shown(name)} ({container})")
