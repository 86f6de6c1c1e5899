from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Standard, Version

_USER_NAMESPACE_EXCUSED = Version(1, 35)


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    # Where user 0 is asked for, the kubelet would refuse to start it: nobody knows which user it should be.
    if all(container.run_as_user != 0 for container in pod.concerned(path)):
        yield Put(path, value=True)


@rule(
    title="May run as root",
    severity=Severity.MEDIUM,
    references=("CIS 5.2.7", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set runAsNonRoot to true, or runAsUser to a number above 0.",
    fix=_fix,
)
def run_as_root(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """Unless it is ruled out, the image decides who the process is, and most images choose root. Root in a container
    owns every file of it, installs tools, and is root to the kernel too: a flaw in the runtime or a careless mount then
    gives away the node.

    Legitimate for images that must set up what only root may. Unlike run-as-non-root-missing a runAsUser above 0 is
    enough. From v1.35 on it is not asked of pods in a user namespace of their own (hostUsers: false, KEP-127).
    """
    if pod.user_namespace and standard.version >= _USER_NAMESPACE_EXCUSED:
        return
    for container in pod.containers:
        if container.run_as_non_root is True or container.run_as_user:
            continue
        if container.run_as_user == 0:
            yield Violation(container.at("securityContext", "runAsUser"), f"is 0 in effect ({container})")
        else:
            path = container.at("securityContext", "runAsNonRoot")
            yield Violation(path, f"is not true, and no user is set ({container})")
