from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access("get list watch", {CORE: "secrets"}, by_name=False)


@rule(
    title="Role that reads secrets",
    severity=Severity.HIGH,
    references=("CIS 5.1.2", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1552.007"),
    remediation="Name the secrets in rules[].resourceNames, or mount them into the pod that needs them.",
)
def rbac_secrets_read(role: Role) -> Iterator[Violation]:
    """Secrets hold passwords, keys and tokens of service accounts. One stolen token with this right reads all of them
    in its reach, which is the cluster where the role is bound cluster-wide; `list` and `watch` show the contents as
    `get` does.

    Legitimate for ingress controllers, certificate managers and operators that cannot know the names beforehand.
    Rules limited by resourceNames are no finding.
    """
    yield from _ACCESS.violations(role)
