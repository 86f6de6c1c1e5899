from collections.abc import Iterator

from policies.objects import Binding
from policies.rbac import bound
from policies.rule import Severity, Violation, rule

_MASTERS = frozenset({"system:masters"})


@rule(
    title="Binding to system:masters",
    severity=Severity.CRITICAL,
    references=("CIS 5.1.7", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1078"),
    remediation="Bind to a group of your own instead of system:masters.",
)
def rbac_masters_binding(binding: Binding) -> Iterator[Violation]:
    """The API server lets members of system:masters do everything and asks no role for it, so nothing that is deleted
    takes their rights away. A binding makes it look like a group that is managed, and leads to certificates with it.

    Legitimate only for the binding of cluster-admin that the API server makes by itself.
    """
    yield from bound(binding, _MASTERS)
