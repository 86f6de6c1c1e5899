from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="No readiness probe",
    severity=Severity.INFO,
    references=("k8s.io/api/core/v1/types.go: Probe",),
    remediation="Add a readinessProbe that succeeds once the container can answer requests.",
)
def readiness_probe_missing(pod: Pod) -> Iterator[Violation]:
    """Without it a container counts as ready as soon as it starts: Services send it requests that it cannot answer
    yet, and a rollout goes on to the next pod although the new version never comes up.

    Legitimate for what answers no requests, such as a worker that takes its tasks from a queue. Jobs, other pods that
    end, init and ephemeral containers are not asked for one.
    """
    for container in pod.long_running:
        if container.spec.readiness_probe is None:
            yield Violation(container.at("readinessProbe"), f"is not set ({container})")
