from collections.abc import Iterator

from policies.api import ContainerSpec, Handler
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Drop, Edit, Severity, Violation, rule
from policies.standard import Level, Version


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Drop(path)


@rule(
    title="Probe or lifecycle hook to another host",
    severity=Severity.MEDIUM,
    level=Level.BASELINE,
    since=Version(1, 34),
    references=("PSS baseline: Host Probes / Lifecycle Hooks", "MITRE ATT&CK T1046", "NSA/CISA: Pod security"),
    remediation="Remove host from the httpGet and tcpSocket of probes and lifecycle hooks, so that the pod itself is "
    "asked.",
    fix=_fix,
)
def host_probe(pod: Pod) -> Iterator[Violation]:
    """The kubelet sends probes and lifecycle hooks from the node. With a host of one's choice it becomes a messenger:
    it asks for any address that the node reaches, such as the cloud's metadata service or a service on the node's
    loopback address, and whether the container stays alive tells what the answer was.

    Legitimate where a sidecar must wait for a service elsewhere; an exec probe in the container does the same with the
    pod's own rights. Any host counts, also 127.0.0.1: for the kubelet that is the node, not the pod.
    """
    for container in pod.containers:
        for where, handler in _handlers(container.spec):
            if handler is None:
                continue
            if handler.http_get is not None and handler.http_get.host:
                path = container.at(*where, "httpGet", "host")
                yield Violation(path, f"is {shown(handler.http_get.host)} ({container})")
            if handler.tcp_socket is not None and handler.tcp_socket.host:
                path = container.at(*where, "tcpSocket", "host")
                yield Violation(path, f"is {shown(handler.tcp_socket.host)} ({container})")


def _handlers(spec: ContainerSpec) -> list[tuple[tuple[str, ...], Handler | None]]:
    found: list[tuple[tuple[str, ...], Handler | None]] = [
        (("livenessProbe",), spec.liveness_probe),
        (("readinessProbe",), spec.readiness_probe),
        (("startupProbe",), spec.startup_probe),
    ]
    if spec.lifecycle is None:
        return found
    return [
        *found,
        (("lifecycle", "postStart"), spec.lifecycle.post_start),
        (("lifecycle", "preStop"), spec.lifecycle.pre_stop),
    ]
