from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, RBAC, Access
from policies.rule import Severity, Violation, rule

_ROLES = Access("bind escalate impersonate", {RBAC: "roles clusterroles"})
_OTHERS = Access(
    "impersonate", {CORE: "users groups serviceaccounts", "authentication.k8s.io": "uids userextras userextras/scopes"}
)
_ADMINISTRATORS = frozenset({"cluster-admin", "admin"})


@rule(
    title="Role that may raise its own rights",
    severity=Severity.CRITICAL,
    references=(
        "CIS 5.1.8",
        "NSA/CISA: Authentication and authorization",
        "MITRE ATT&CK T1098.006",
        "MITRE ATT&CK T1078",
    ),
    remediation="Take bind, escalate and impersonate out of rules[].verbs, and write no * there.",
)
def rbac_escalate_verbs(role: Role) -> Iterator[Violation]:
    """The API server lets nobody grant more than they have, save who may `escalate` a role or `bind` one; and who may
    `impersonate` acts as anybody. One stolen token with any of the three is a cluster administrator's. A star among the
    verbs includes them, also on service accounts.

    Legitimate for tools that manage access on behalf of people. `bind` of roles that are named in resourceNames, and
    are not an administrator's, is how others should do it, and no finding.
    """
    for index, each in enumerate(role.rules or ()):
        if each is None:
            continue
        text = _ROLES.granted(each) or _OTHERS.granted(each)
        names = frozenset(each.resource_names or ())
        narrow = names and names.isdisjoint(_ADMINISTRATORS) and text.startswith("bind on ")
        if text and not narrow:
            yield Violation(("rules", index), f"grants {text}")
