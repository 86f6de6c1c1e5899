from collections.abc import Iterator

from policies.objects import Workload
from policies.rule import Severity, Violation, rule


@rule(
    title="Replicas that are not spread",
    severity=Severity.INFO,
    references=("KEP-895", "Kubernetes: Pod Topology Spread Constraints"),
    remediation="Set topologySpreadConstraints over topology.kubernetes.io/zone in the template's spec.",
)
def topology_spread(workload: Workload) -> Iterator[Violation]:
    """The scheduler may put every replica into one zone, and a fault of the zone is then one of the workload. Spread
    constraints say how uneven it may get, which anti-affinity cannot.

    Legitimate in clusters of one zone, and where the scheduler spreads pods by default.
    """
    if workload.replicas < 2 or workload.controlled or workload.kind == "DaemonSet":
        return
    template = workload.spec.template if workload.spec is not None else None
    if template is None or template.spec is None or not any(template.spec.topology_spread_constraints or ()):
        path = ("spec", "template", "spec", "topologySpreadConstraints")
        yield Violation(path, f"is not set for {workload.replicas} replicas")
