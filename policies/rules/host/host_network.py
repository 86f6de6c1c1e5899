from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Network of the host",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: Host Namespaces", "CIS 5.2.5", "NSA/CISA: Pod security", "MITRE ATT&CK T1040"),
    remediation="Set hostNetwork to false, and reach the pod through a Service.",
    fix=_fix,
)
def host_network(pod: Pod) -> Iterator[Violation]:
    """A pod on the network of its node is outside every NetworkPolicy. Whoever controls it can talk to services that
    listen on the node's loopback address only, read the traffic of the node and of its other pods with NET_RAW, and
    ask the cloud's metadata service for the node's credentials.

    Legitimate for network plugins, for kube-proxy and for agents that measure the node's own network.
    """
    if pod.spec.host_network:
        yield Violation(pod.at("hostNetwork"), "is true")
