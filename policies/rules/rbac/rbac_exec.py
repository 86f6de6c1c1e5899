from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

# `get` is enough: a command can be sent over a WebSocket.
_ACCESS = Access("create get", {CORE: "pods/exec pods/attach pods/portforward"})


@rule(
    title="Role that reaches into running pods",
    severity=Severity.HIGH,
    references=("NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1609"),
    remediation="Remove pods/exec, pods/attach and pods/portforward from rules[].resources.",
)
def rbac_exec(role: Role) -> Iterator[Violation]:
    """A command in somebody's container runs with that container's identity: its service account, its secrets, its
    network. A port forward goes past every network policy. This right over a privileged pod is a right over the node.

    Legitimate for people who debug, for as long as they debug, and for CI runners in a namespace of their own.
    """
    yield from _ACCESS.violations(role)
