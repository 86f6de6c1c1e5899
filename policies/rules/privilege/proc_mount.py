from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_USER_NAMESPACE_EXCUSED = Version(1, 35)


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, "Default")


@rule(
    title="Unmasked /proc",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: /proc Mount Type", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Remove securityContext.procMount, or set it to Default.",
    fix=_fix,
)
def proc_mount(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """Runtimes hide the dangerous parts of /proc from containers. Unmasked, they are there to be read and written:
    kernel keys and memory layout, and switches such as /proc/sys/kernel/core_pattern that run a program on the node.

    Legitimate for containers that make containers themselves, in a user namespace of their own (KEP-4265). With
    hostUsers: false the baseline level lets it pass from v1.35 on; the restricted level never does.
    """
    if pod.user_namespace and standard.level < Level.RESTRICTED and standard.version >= _USER_NAMESPACE_EXCUSED:
        return
    for container in pod.containers:
        kind = container.security.proc_mount
        if kind is not None and kind != "Default":
            yield Violation(container.at("securityContext", "procMount"), f"is {shown(kind)} ({container})")
