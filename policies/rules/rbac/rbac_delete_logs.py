from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access("delete deletecollection", {CORE: "events pods/log", "events.k8s.io": "events"}, by_star=False)


@rule(
    title="Role that deletes traces",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Audit logging and threat detection", "MITRE ATT&CK T1070"),
    remediation="Take delete and deletecollection on events and pods/log out of rules[].",
)
def rbac_delete_logs(role: Role) -> Iterator[Violation]:
    """Events tell what was started, where, and what failed. Who deletes them takes away what an investigation begins
    with.

    Hardly ever legitimate: events expire by themselves, and writing them needs create and patch only.
    """
    yield from _ACCESS.violations(role)
