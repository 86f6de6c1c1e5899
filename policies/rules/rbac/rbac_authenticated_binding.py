from collections.abc import Iterator

from policies.objects import Binding
from policies.rbac import bound
from policies.rule import Severity, Violation, rule

_EVERYBODY = frozenset({"system:authenticated", "system:serviceaccounts"})
# What the API server itself grants to everybody: which versions and resources there are, and who one is.
_DISCOVERY = frozenset({"system:basic-user", "system:discovery", "system:public-info-viewer"})


@rule(
    title="Binding to everybody with an account",
    severity=Severity.HIGH,
    references=("CIS GKE 4.1.10", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1078"),
    remediation="Bind to the users, groups or service accounts that need it.",
)
def rbac_authenticated_binding(binding: Binding) -> Iterator[Violation]:
    """system:authenticated is every user and every service account, so every pod with a token; in some clouds it was
    everybody with an account of the provider. What is bound to it is given to each attacker who got into any pod.

    Legitimate for what everybody should see: the discovery roles that the API server binds by itself are no finding.
    """
    if binding.role_ref is None or binding.role_ref.name not in _DISCOVERY:
        yield from bound(binding, _EVERYBODY)
