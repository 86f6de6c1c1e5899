from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import RBAC, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access(
    "create update patch delete deletecollection",
    {RBAC: "roles clusterroles rolebindings clusterrolebindings"},
    by_name=False,
)


@rule(
    title="Role that manages roles or bindings",
    severity=Severity.HIGH,
    references=("NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1098.006"),
    remediation="Leave roles and bindings to administrators, or name them in resourceNames.",
)
def rbac_manage_rbac(role: Role) -> Iterator[Violation]:
    """Who writes bindings hands their own rights to anybody and keeps them after the stolen token is gone; who deletes
    them locks others out. Together with `bind` or `escalate` it is all of the cluster.

    Legitimate for operators that make roles for what they install. Rules limited by resourceNames are no finding; no
    such limit works for create.
    """
    yield from _ACCESS.violations(role)
