from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=True)


@rule(
    title="Writable root file system",
    severity=Severity.LOW,
    references=("NSA/CISA: Pod security", "CIS 5.7.3", "MITRE ATT&CK T1105"),
    remediation="Set securityContext.readOnlyRootFilesystem to true, and mount an emptyDir where the program writes.",
    fix=_fix,
)
def read_only_rootfs_missing(pod: Pod) -> Iterator[Violation]:
    """In a container that can write to its own files an attacker puts tools there and changes the program that runs.
    With a read-only root file system little is left to write to, and what is written there is seen.

    Legitimate for programs that write all over their image; most need /tmp and a cache, and an emptyDir is enough. Not
    asked of Windows pods, which do not know the field (KEP-2802).
    """
    if pod.windows:
        return
    for container in pod.containers:
        if container.security.read_only_root_filesystem is not True:
            path = container.at("securityContext", "readOnlyRootFilesystem")
            yield Violation(path, f"is not true ({container})")
