from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Drop, Edit, Severity, Violation, rule
from policies.standard import Level


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Drop(path)


@rule(
    title="Port of the host",
    severity=Severity.MEDIUM,
    level=Level.BASELINE,
    references=("PSS baseline: Host Ports", "CIS 5.2.13", "NSA/CISA: Pod security", "MITRE ATT&CK T1046"),
    remediation="Remove hostPort, and reach the container through a Service.",
    fix=_fix,
)
def host_port(pod: Pod) -> Iterator[Violation]:
    """A host port opens the container to everybody who reaches the node, past Services and often past NetworkPolicies.
    An attacker in the pod can also take a port before a program of the node does, and answer in its name.

    Legitimate for ingress controllers and node agents that must be reached at the node's own address. A pod with
    hostNetwork: true gets a hostPort for each of its ports from the API server.
    """
    for container in pod.containers:
        if container.spec.ports:
            for index, port in enumerate(container.spec.ports):
                if port is not None and port.host_port:
                    yield Violation(container.at("ports", index, "hostPort"), f"is {port.host_port} ({container})")
