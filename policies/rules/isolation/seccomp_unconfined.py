from collections.abc import Iterator

from policies.api import SeccompProfile
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

_FIELDS = Version(1, 19)
_TYPES = frozenset({"RuntimeDefault", "Localhost"})
_OF_POD = "seccomp.security.alpha.kubernetes.io/pod"
_OF_CONTAINER = "container.seccomp.security.alpha.kubernetes.io/"
_VALUES = frozenset({"runtime/default", "docker/default"})


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    if path[:2] == ("metadata", "annotations"):
        yield Put(path, "runtime/default")
    else:
        # Whole, as a localhostProfile may stand beside it that belongs to another type.
        yield Put(path[:-1], {"type": "RuntimeDefault"})


@rule(
    title="Unconfined by seccomp",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: Seccomp", "CIS 5.7.2", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set securityContext.seccompProfile.type to RuntimeDefault.",
    fix=_fix,
)
def seccomp_unconfined(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """Without a seccomp profile a container may use every system call, also the rare ones in which most flaws of the
    kernel are found. An attacker who got in tries exactly those to reach the node.

    Legitimate for debuggers and for containers that make containers; a Localhost profile with the calls that they need
    is the better answer. From v1.19 on the fields are judged, before that the annotations that they replaced
    (KEP-135).
    """
    if standard.version < _FIELDS:
        yield from _by_annotation(pod)
        return
    if (profile := pod.security.seccomp_profile) is not None and profile.type not in _TYPES:
        yield _violation(pod.at("securityContext", "seccompProfile", "type"), profile)
    for container in pod.containers:
        if (profile := container.security.seccomp_profile) is not None and profile.type not in _TYPES:
            yield _violation(container.at("securityContext", "seccompProfile", "type"), profile, f" ({container})")


def _violation(path: Path, profile: SeccompProfile, whose: str = "") -> Violation:
    return Violation(path, f"is {shown(profile.type)}{whose}")


def _by_annotation(pod: Pod) -> Iterator[Violation]:
    if not pod.annotations:
        return
    # By key: containers of the same name share an annotation.
    owners = {_OF_POD: ""} | {_OF_CONTAINER + (found.spec.name or ""): f" ({found})" for found in pod.containers}
    for key, whose in owners.items():
        if key in pod.annotations:
            value = pod.annotations[key] or ""
            if value not in _VALUES and not value.startswith("localhost/"):
                yield Violation(("metadata", "annotations", key), f"is {shown(value)}{whose}")
