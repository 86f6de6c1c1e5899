from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="No AppArmor profile",
    severity=Severity.INFO,
    references=("NSA/CISA: Pod security", "CIS 5.7.3", "MITRE ATT&CK T1611"),
    remediation="Set securityContext.appArmorProfile.type to RuntimeDefault where the nodes have AppArmor.",
)
def apparmor_unset(pod: Pod) -> Iterator[Violation]:
    """Where no profile is named, the runtime's own one holds on nodes with AppArmor, and none on others. A pod that
    names a profile does not start where it would not be confined, so that an attacker never finds it unprotected.

    Legitimate on nodes with SELinux instead, as of Red Hat: a profile would keep the pod from starting there. Fields
    and the older annotations (KEP-24) count alike. Not asked of Windows pods, which have no AppArmor (KEP-2802).
    """
    if pod.windows:
        return
    for container in pod.containers:
        if container.app_armor is None:
            yield Violation(container.at("securityContext", "appArmorProfile"), f"is not set ({container})")
