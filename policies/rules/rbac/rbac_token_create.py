from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access("create", {CORE: "serviceaccounts/token"}, by_name=False)


@rule(
    title="Role that creates tokens of service accounts",
    severity=Severity.HIGH,
    references=("CIS 5.1.13", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1528"),
    remediation="Name the service accounts in rules[].resourceNames.",
)
def rbac_token_create(role: Role) -> Iterator[Violation]:
    """A token for any service account in reach is that account's identity, also outside of the cluster and, with
    federated identities, in the cloud. Among the accounts of most namespaces is one with more rights than the thief's.

    Legitimate where named service accounts are asked for, as by a secrets store: rules limited by resourceNames are no
    finding.
    """
    yield from _ACCESS.violations(role)
