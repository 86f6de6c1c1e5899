from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access(
    "create update patch delete deletecollection",
    {
        CORE: "services endpoints",
        "discovery.k8s.io": "endpointslices",
        "networking.k8s.io": "ingresses networkpolicies",
        "extensions": "ingresses networkpolicies",
    },
    by_name=False,
    by_star=False,
)


@rule(
    title="Role that changes where traffic goes",
    severity=Severity.LOW,
    references=("NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1557", "CVE-2021-25740"),
    remediation="Grant services, endpoints, ingresses and network policies only to who deploys them.",
)
def rbac_manage_network(role: Role) -> Iterator[Violation]:
    """Services, endpoints and ingresses decide which pods answer for a name: who changes them takes the traffic of
    others, or sends an ingress controller to backends that it should not reach. Network policies are what keeps pods
    apart.

    Legitimate for deployment tools and for controllers of services and ingresses; this rule tells who they are.
    """
    yield from _ACCESS.violations(role)
