from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access(
    "create update patch delete deletecollection",
    {"admissionregistration.k8s.io": "validatingwebhookconfigurations mutatingwebhookconfigurations"},
    by_name=False,
)


@rule(
    title="Role that changes admission webhooks",
    severity=Severity.CRITICAL,
    references=(
        "CIS 5.1.12",
        "NSA/CISA: Authentication and authorization",
        "MITRE ATT&CK T1556",
        "MITRE ATT&CK T1562.001",
    ),
    remediation="Name the configurations in rules[].resourceNames, and leave create and delete to administrators.",
)
def rbac_webhook_config(role: Role) -> Iterator[Violation]:
    """An admission webhook is shown every object that is written, secrets too, and a mutating one rewrites them: who
    registers one owns the cluster. Who changes or deletes one switches off the policies that keep pods in bounds.

    Legitimate for installers. An operator that keeps the certificate of its own webhook needs `update` or `patch` on
    that name only, which is no finding.
    """
    yield from _ACCESS.violations(role)
