from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="No preStop hook",
    severity=Severity.INFO,
    references=("k8s.io/api/core/v1/types.go: Lifecycle",),
    remediation="Add lifecycle.preStop, which waits until no new requests come or ends the work at hand.",
)
def prestop_missing(pod: Pod) -> Iterator[Violation]:
    """A pod that is deleted is told to stop while Services still send it requests. A container that stops at once
    loses them, at every rollout and every time a node is drained.

    Legitimate wherever the process itself goes on for a while after SIGTERM, as most servers can. Jobs, other pods
    that end, init and ephemeral containers are not asked for one.
    """
    for container in pod.long_running:
        lifecycle = container.spec.lifecycle
        if lifecycle is None or lifecycle.pre_stop is None:
            yield Violation(container.at("lifecycle", "preStop"), f"is not set ({container})")
