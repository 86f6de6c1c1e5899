from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="No liveness probe",
    severity=Severity.INFO,
    references=("k8s.io/api/core/v1/types.go: Probe",),
    remediation="Add a livenessProbe that fails only when a restart would help.",
)
def liveness_probe_missing(pod: Pod) -> Iterator[Violation]:
    """Nothing restarts a container whose process is there and no longer works: one that hangs stays so until somebody
    looks, and a request that makes it hang is a cheap attack.

    Legitimate where the process ends by itself when something is wrong. A probe that also fails while a database is
    away does more harm than none. Jobs, other pods that end, init and ephemeral containers are not asked for one.
    """
    for container in pod.long_running:
        if container.spec.liveness_probe is None:
            yield Violation(container.at("livenessProbe"), f"is not set ({container})")
