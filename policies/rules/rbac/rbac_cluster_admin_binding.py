from collections.abc import Iterator

from policies.objects import Binding
from policies.pod import shown
from policies.rbac import subjects
from policies.rule import Severity, Violation, rule


@rule(
    title="Binding to cluster-admin",
    severity=Severity.CRITICAL,
    references=(
        "CIS 5.1.1",
        "NSA/CISA: Authentication and authorization",
        "MITRE ATT&CK T1078",
        "MITRE ATT&CK T1098.006",
    ),
    remediation="Bind a role with the rights that are needed instead of cluster-admin.",
)
def rbac_cluster_admin_binding(binding: Binding) -> Iterator[Violation]:
    """cluster-admin may do everything to everything. Bound to a service account, one flaw in one pod is the end of the
    cluster; bound in one namespace, of all that is in there.

    Legitimate for people who administer the cluster, better for the hour in which they do. No program needs it.
    """
    if binding.role_ref is not None and binding.role_ref.name == "cluster-admin":
        names = [shown(subject.name) for _, subject in subjects(binding)][:3]
        yield Violation(("roleRef", "name"), f"is cluster-admin (for {', '.join(names) or 'nobody yet'})")
