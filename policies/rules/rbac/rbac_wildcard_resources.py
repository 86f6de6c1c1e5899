from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import wildcards
from policies.rule import Severity, Violation, rule


@rule(
    title="Role on every resource",
    severity=Severity.HIGH,
    references=("CIS 5.1.3", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1078", "MITRE ATT&CK T1552"),
    remediation="List the resources that are needed in rules[].resources.",
)
def rbac_wildcard_resources(role: Role) -> Iterator[Violation]:
    """A star among the resources takes in those that give the cluster away: secrets, pods/exec, nodes/proxy, roles.
    Even to read all of the core group is to read every token in reach, and what is installed later is included.

    Legitimate for administrators' own roles, for backups of whole namespaces, and for an operator in an API group that
    is its alone. `*/scale`, one subresource of everything, is another thing and no finding; `pods/*` is one, though the
    API server takes it for no resource at all.
    """
    yield from wildcards(role, "resources")
