from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from policies.objects import Workload
from policies.rule import Options, Severity, Violation, rule


class Kinds(Options, frozen=True):
    """Which workloads need a second replica."""

    stateful_sets: Annotated[bool, Meta(description="Whether StatefulSets need one, too.")] = False


@rule(
    title="A single replica",
    severity=Severity.INFO,
    references=("Kubernetes: Disruptions", "MITRE ATT&CK T1499"),
    remediation="Set spec.replicas to 2 or more, or let a HorizontalPodAutoscaler do it.",
)
def replicas_single(workload: Workload, options: Kinds) -> Iterator[Violation]:
    """One replica is gone for as long as its node is drained, its image is pulled or its crash takes.

    Legitimate for controllers that elect a leader anyway, for what keeps its state in a file, and under an autoscaler,
    which an object by itself does not tell. StatefulSets are asked only where the policy says so.
    """
    if workload.replicas >= 2 or workload.controlled:
        return
    if workload.kind in ("Deployment", "Rollout") or (options.stateful_sets and workload.kind == "StatefulSet"):
        yield Violation(("spec", "replicas"), f"is {workload.replicas}")
