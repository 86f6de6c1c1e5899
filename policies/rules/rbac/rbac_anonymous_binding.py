from collections.abc import Iterator

from policies.objects import Binding
from policies.rbac import bound
from policies.rule import Severity, Violation, rule

_ANONYMOUS = frozenset({"system:anonymous", "system:unauthenticated"})


@rule(
    title="Binding to everybody who asks",
    severity=Severity.CRITICAL,
    references=(
        "CIS GKE 4.1.8",
        "NSA/CISA: Authentication and authorization",
        "MITRE ATT&CK T1078.001",
        "MITRE ATT&CK T1190",
    ),
    remediation="Remove system:anonymous and system:unauthenticated from subjects.",
)
def rbac_anonymous_binding(binding: Binding) -> Iterator[Violation]:
    """Whoever reaches the API server has these rights, without a name and without a password. Worms look for it: with
    the right to create pods they mine, with the right to read secrets they have the rest.

    Legitimate only for the cluster's own system:public-info-viewer (version and health), where something outside asks
    for that.
    """
    yield from bound(binding, _ANONYMOUS)
