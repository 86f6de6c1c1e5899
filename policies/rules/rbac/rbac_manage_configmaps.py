from collections.abc import Iterator

from policies.identity import SYSTEM_NAMESPACES
from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access("create update patch", {CORE: "configmaps"}, by_name=False, by_star=False)


@rule(
    title="Role that changes ConfigMaps everywhere",
    severity=Severity.LOW,
    references=("NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1565.001"),
    remediation="Grant configmaps in a Role of one namespace, or name them in resourceNames.",
)
def rbac_manage_configmaps(role: Role) -> Iterator[Violation]:
    """ConfigMaps steer programs: those of kube-system hold the configuration of the cluster's DNS, its proxy and, in
    clouds, which machines are whose (aws-auth). Who may write them all reroutes names or becomes an administrator.

    Legitimate for operators that keep their state in one; a Role in their own namespace is enough for it and is no
    finding, nor is a rule limited by resourceNames.
    """
    if role.kind == "ClusterRole" or role.meta.namespace in SYSTEM_NAMESPACES:
        yield from _ACCESS.violations(role)
