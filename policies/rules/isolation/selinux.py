from collections.abc import Iterator

from policies.api import SELinuxOptions
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Drop, Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_TYPES = frozenset({"container_t", "container_init_t", "container_kvm_t"})
_TYPES_1_31 = _TYPES | {"container_engine_t"}
_1_31 = Version(1, 31)


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, "container_t") if path[-1] == "type" else Drop(path)


@rule(
    title="SELinux label of one's choice",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: SELinux", "CIS 5.7.3", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Remove user and role from seLinuxOptions, and set its type to container_t or remove it too.",
    fix=_fix,
)
def selinux(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """SELinux keeps containers off the node's files and off each other by their labels. With a type such as spc_t, or
    a user or role of its choice, a container leaves that confinement: root in it then reads and writes what root on
    the node does.

    Legitimate for agents that work on files of the node with labels of their own. The types container_t,
    container_init_t and container_kvm_t are let pass, from v1.31 on container_engine_t too; level is free.
    """
    types = _TYPES_1_31 if standard.version >= _1_31 else _TYPES
    if (options := pod.security.se_linux_options) is not None:
        for field, problem in _problems(options, types):
            yield Violation(pod.at("securityContext", "seLinuxOptions", field), problem)
    for container in pod.containers:
        if (options := container.security.se_linux_options) is not None:
            for field, problem in _problems(options, types):
                yield Violation(container.at("securityContext", "seLinuxOptions", field), f"{problem} ({container})")


def _problems(options: SELinuxOptions, types: frozenset[str]) -> Iterator[tuple[str, str]]:
    if options.type and options.type not in types:
        yield "type", f"is {shown(options.type)}"
    if options.user:
        yield "user", f"is set to {shown(options.user)}"
    if options.role:
        yield "role", f"is set to {shown(options.role)}"
