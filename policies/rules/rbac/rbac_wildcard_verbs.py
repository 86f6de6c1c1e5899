from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import wildcards
from policies.rule import Severity, Violation, rule


@rule(
    title="Role with every verb",
    severity=Severity.HIGH,
    references=("CIS 5.1.3", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1078", "MITRE ATT&CK T1098"),
    remediation="List the verbs that are needed in rules[].verbs.",
)
def rbac_wildcard_verbs(role: Role) -> Iterator[Violation]:
    """A star among the verbs grants what nobody thought of: deletecollection, impersonate on service accounts, escalate
    and bind on roles, and whatever verb the next version of Kubernetes invents. Who steals the token of such a service
    account can do everything to these resources.

    Legitimate for administrators' own roles, and for an operator on the custom resources that are its alone.
    """
    yield from wildcards(role, "verbs")
