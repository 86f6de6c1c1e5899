from collections.abc import Iterator

from policies.capability import ALL, bare
from policies.path import Path
from policies.pod import Container, Pod
from policies.rule import Edit, Put, Severity, Violation, rule

_OFF = frozenset({"Unconfined", "", None})


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put((*path, "seccompProfile"), {"type": "RuntimeDefault"})


@rule(
    title="No confinement by the kernel",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Pod security", "CIS 5.7.3", "MITRE ATT&CK T1611"),
    remediation="Set seccompProfile.type to RuntimeDefault and capabilities.drop to [ALL].",
    fix=_fix,
)
def linux_hardening_missing(pod: Pod) -> Iterator[Violation]:
    """The kernel can keep a container within bounds in four ways: seccomp, AppArmor, SELinux and dropped capabilities.
    A container that asks for none of them has whatever its node gives by default; on many nodes that is every system
    call, and the way out through a flaw in the kernel stands open.

    Legitimate nowhere; it is a mark of a pod that nobody has looked at. Not asked of Windows pods (KEP-2802).
    """
    if pod.windows:
        return
    for container in pod.containers:
        if not _confined(container):
            message = (
                f"sets none of seccompProfile, appArmorProfile, seLinuxOptions and capabilities.drop ({container})"
            )
            yield Violation(container.at("securityContext"), message)


def _confined(container: Container) -> bool:
    seccomp = container.seccomp_profile
    if (seccomp is not None and seccomp.type not in _OFF) or container.app_armor not in _OFF:
        return True
    options = container.se_linux_options
    if options is not None and (options.type or options.level or options.role or options.user):
        return True
    # To drop some of what is all added does not confine.
    return any(container.dropped_capabilities) and ALL not in map(bare, container.added_capabilities)
