from collections.abc import Iterator

from policies.objects import Service
from policies.rule import Severity, Violation, rule


@rule(
    title="Service on a port of every node",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Network separation", "MITRE ATT&CK T1133"),
    remediation="Set spec.type to ClusterIP, and publish it by an Ingress or a Gateway.",
)
def service_nodeport(service: Service) -> Iterator[Violation]:
    """A NodePort is open on every address of every node, past the firewall rules and the network policies that people
    think protect it. Where nodes have public addresses it is on the internet.

    Legitimate behind a load balancer that somebody runs by hand, and in clusters on a desk.
    """
    if service.spec is not None and service.spec.type == "NodePort":
        yield Violation(("spec", "type"), "is NodePort")
