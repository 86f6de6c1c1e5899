from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_USER_NAMESPACE_EXCUSED = Version(1, 35)


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    whole = path == pod.at("securityContext", "runAsNonRoot")
    for container in pod.concerned(path):
        # Where user 0 is asked for, the kubelet would refuse to start it: nobody knows which user it should be.
        if container.run_as_user == 0 and not (whole and container.security.run_as_non_root is not None):
            return
    yield Put(path, value=True)


@rule(
    title="Root not ruled out",
    severity=Severity.MEDIUM,
    level=Level.RESTRICTED,
    references=("PSS restricted: Running as Non-root", "CIS 5.2.7", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set runAsNonRoot to true in the pod's securityContext, and nowhere to false.",
    fix=_fix,
)
def run_as_non_root_missing(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """Without runAsNonRoot: true the image alone decides who the process is, and most images choose root. Root in a
    container is root to the kernel: a flaw in the runtime or a careless mount then gives away the node.

    Legitimate for images that cannot start as another user; in a user namespace of their own (hostUsers: false) they
    do little harm, and from v1.35 on it is not asked of such pods (KEP-127). A false for the whole pod counts even
    where every container says true.
    """
    if pod.user_namespace and standard.version >= _USER_NAMESPACE_EXCUSED:
        return
    for_all = pod.security.run_as_non_root
    if for_all is False:
        yield Violation(pod.at("securityContext", "runAsNonRoot"), "is false")
    for container in pod.containers:
        own = container.security.run_as_non_root
        # A container that says nothing does as the pod says, and where the pod says false it is named above.
        if own is False:
            yield Violation(container.at("securityContext", "runAsNonRoot"), f"is false ({container})")
        elif own is None and for_all is None:
            yield Violation(container.at("securityContext", "runAsNonRoot"), f"is not set to true ({container})")
