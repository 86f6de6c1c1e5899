from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access(
    "create update patch",
    {
        CORE: "pods pods/ephemeralcontainers replicationcontrollers",
        "apps": "deployments daemonsets statefulsets replicasets",
        "batch": "jobs cronjobs",
        "extensions": "deployments daemonsets replicasets",
    },
    by_name=False,
)


@rule(
    title="Role that creates or changes workloads",
    severity=Severity.MEDIUM,
    references=("CIS 5.1.4", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1610"),
    remediation="Grant workloads only to who deploys them, in a Role of one namespace.",
)
def rbac_pod_create(role: Role) -> Iterator[Violation]:
    """A pod may mount every secret and run as every service account of its namespace: who creates pods has all of
    them, and, where no policy keeps pods in bounds, the node. Changing a workload is as good as creating one.

    Legitimate for deployment tools and operators; this rule tells who they are. Rules limited by resourceNames are no
    finding; no such limit works for create.
    """
    yield from _ACCESS.violations(role)
