from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Default service account",
    severity=Severity.LOW,
    references=("CIS 5.1.5", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1078.004"),
    remediation="Create a service account for this workload and name it in serviceAccountName.",
)
def service_account_default(pod: Pod) -> Iterator[Violation]:
    """All pods of a namespace that name no service account share the default one. What one of them is allowed, an
    attacker in any other is allowed, too, and the audit log cannot tell them apart.

    Legitimate where no pod of the namespace speaks to the API server and the default account has no rights; then set
    automountServiceAccountToken: false as well.
    """
    # The API server fills serviceAccountName from the older name where only that is set.
    name, field = pod.spec.service_account_name, "serviceAccountName"
    if not name and pod.spec.service_account:
        name, field = pod.spec.service_account, "serviceAccount"
    # The API server writes the name into pods, not into templates: a pod must be told what its template was.
    if not name or name == "default":
        yield Violation(pod.at(field), "names no account of its own: the pod runs under the account default")
