from collections.abc import Iterator

from policies.objects import HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec
from policies.rule import Severity, Violation, rule

_EMPTY = HorizontalPodAutoscalerSpec()


@rule(
    title="Autoscaler that cannot scale, or keeps one replica",
    severity=Severity.LOW,
    references=("Kubernetes: Horizontal Pod Autoscaling", "MITRE ATT&CK T1499"),
    remediation="Set minReplicas to 2 or more, and maxReplicas above it.",
)
def hpa_misconfigured(autoscaler: HorizontalPodAutoscaler) -> Iterator[Violation]:
    """With minReplicas as high as maxReplicas nothing is scaled: load that an attacker makes, or a good day, is an
    outage. With one replica, which is what it is when nothing is said, the quiet hours have no second one.

    Legitimate for what may be down for a while, and for scaling to nothing.
    """
    spec = autoscaler.spec or _EMPTY
    least = 1 if spec.min_replicas is None else spec.min_replicas
    if least < 2:
        yield Violation(("spec", "minReplicas"), f"is {least}")
    if spec.max_replicas is not None and spec.max_replicas <= least:
        yield Violation(("spec", "maxReplicas"), f"is {spec.max_replicas}, which is not above the minimum of {least}")
