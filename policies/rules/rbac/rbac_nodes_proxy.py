from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access("get create", {CORE: "nodes/proxy"})


@rule(
    title="Role that talks to the kubelet",
    severity=Severity.CRITICAL,
    references=("CIS 5.1.10", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1609"),
    remediation="Remove nodes/proxy; monitoring needs nodes/metrics, nodes/stats or nodes/log only.",
)
def rbac_nodes_proxy(role: Role) -> Iterator[Violation]:
    """nodes/proxy is the whole API of the kubelet: any command in any pod of the node, past admission control. `get` is
    enough, because a command can be sent over a WebSocket.

    Hardly ever legitimate: what metrics collectors need is nodes/metrics and nodes/stats, or the finer subresources of
    KEP-2862. A role that reads every resource has this one, too.
    """
    yield from _ACCESS.violations(role)
