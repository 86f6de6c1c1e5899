from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_WINDOWS_EXCUSED = Version(1, 25)


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    # The API refuses capabilities in a pod that says that it is one of Windows.
    if not pod.windows:
        yield Put(path, ["ALL"])


@rule(
    title="Capabilities not dropped",
    severity=Severity.MEDIUM,
    level=Level.RESTRICTED,
    since=Version(1, 22),
    references=("PSS restricted: Capabilities", "CIS 5.2.8", "CIS 5.2.10", "NSA/CISA: Pod security"),
    remediation="Set securityContext.capabilities.drop to [ALL] for every container, also for init containers.",
    fix=_fix,
)
def capabilities_drop_all_missing(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """A container that drops nothing keeps the default capabilities, NET_RAW among them. An attacker who becomes root
    in it can forge packets on the pod network, make device nodes, and read every file of the container.

    Legitimate while nobody knows what an old image needs; most need nothing. From v1.25 on it is not asked of Windows
    pods, which have no capabilities (KEP-2802).
    """
    if pod.windows and standard.version >= _WINDOWS_EXCUSED:
        return
    for container in pod.containers:
        if "ALL" not in container.dropped_capabilities:
            path = container.at("securityContext", "capabilities", "drop")
            yield Violation(path, f"does not contain ALL ({container})")
