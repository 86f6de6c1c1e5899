from collections.abc import Iterator

from policies.api import Handler, Probe
from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Liveness probe is the readiness probe",
    severity=Severity.INFO,
    references=("k8s.io/api/core/v1/types.go: Probe",),
    remediation="Let the livenessProbe ask for less than the readinessProbe, or fail later, or leave it out.",
)
def probe_config(pod: Pod) -> Iterator[Violation]:
    """Where both probes ask the same and give up at the same time, a container that is only busy, or waits for a
    database, is restarted instead of being left alone for a while. The restart throws its work away and the load falls
    on the others, which then fail one after the other: whoever can cause load can bring all of them down.

    Legitimate where the liveness probe waits longer (failureThreshold times periodSeconds): that is not found.
    """
    for container in pod.long_running:
        live, ready = container.spec.liveness_probe, container.spec.readiness_probe
        if live is not None and ready is not None and _same(live, ready) and _waits(live) <= _waits(ready):
            message = f"asks the same as readinessProbe, and gives up no later ({container})"
            yield Violation(container.at("livenessProbe"), message)


def _same(live: Handler, ready: Handler) -> bool:
    """Whether both ask the same, and anything at all."""
    return (
        live.http_get == ready.http_get
        and live.tcp_socket == ready.tcp_socket
        and live.exec == ready.exec
        and live.grpc == ready.grpc
        and any((live.http_get, live.tcp_socket, live.exec, live.grpc))
    )


def _waits(probe: Probe) -> int:
    """The seconds after which it gives up; what is not set is as in pkg/apis/core/v1/defaults.go."""
    return (probe.period_seconds or 10) * (probe.failure_threshold or 3)
