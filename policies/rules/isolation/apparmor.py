from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level

_TYPES = frozenset({"RuntimeDefault", "Localhost"})
_ANNOTATION = "container.apparmor.security.beta.kubernetes.io/"


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    if path[:2] == ("metadata", "annotations"):
        yield Put(path, "runtime/default")
    else:
        # Whole, as a localhostProfile may stand beside it that belongs to another type.
        yield Put(path[:-1], {"type": "RuntimeDefault"})


@rule(
    title="Unconfined by AppArmor",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: AppArmor", "CIS 5.7.3", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set the AppArmor profile to RuntimeDefault (runtime/default in an annotation), or remove it.",
    fix=_fix,
)
def apparmor(pod: Pod) -> Iterator[Violation]:
    """On nodes with AppArmor the runtime's profile keeps a container from mounting file systems and from writing to
    the dangerous parts of /proc and /sys. Unconfined, an attacker who is root in the container has those ways to the
    node.

    Legitimate for containers that mount file systems themselves; a Localhost profile with what they need is the better
    answer. Fields and the older annotations (KEP-24) are judged alike in every version.
    """
    if (profile := pod.security.app_armor_profile) is not None and profile.type not in _TYPES:
        yield Violation(pod.at("securityContext", "appArmorProfile", "type"), f"is {shown(profile.type)}")
    for container in pod.containers:
        if (profile := container.security.app_armor_profile) is not None and profile.type not in _TYPES:
            path = container.at("securityContext", "appArmorProfile", "type")
            yield Violation(path, f"is {shown(profile.type)} ({container})")
    for key, value in pod.annotations.items():
        # Also for a name that no container has: one may be added later, and would run unconfined.
        if key.startswith(_ANNOTATION) and value and value != "runtime/default" and not value.startswith("localhost/"):
            yield Violation(("metadata", "annotations", key), f"is {shown(value)}")
