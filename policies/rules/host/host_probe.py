from collections.abc import Iterator

from policies.path import Path
from policies.pod import Container, Handler, Pod, shown
from policies.rule import Severity, Violation, rule
from policies.standard import Level, Version


@rule(
    title="Probe or lifecycle hook to another host",
    severity=Severity.MEDIUM,
    level=Level.BASELINE,
    since=Version(1, 34),
    references=("PSS baseline: Host Probes / Lifecycle Hooks", "MITRE ATT&CK T1046", "NSA/CISA: Pod security"),
    remediation="Remove host from the httpGet and tcpSocket of probes and lifecycle hooks, so that the pod itself is "
    "asked.",
)
def host_probe(pod: Pod) -> Iterator[Violation]:
    """The kubelet sends probes and lifecycle hooks from the node. With a host of one's choice it becomes a messenger:
    it asks for any address that the node reaches, such as the cloud's metadata service or a service on the node's
    loopback address, and whether the container stays alive tells what the answer was.

    Legitimate where a sidecar must wait for a service elsewhere; an exec probe in the container does the same with the
    pod's own rights. Any host counts, also 127.0.0.1: for the kubelet that is the node, not the pod.
    """
    for container in pod.containers:
        for where, handler in _handlers(container):
            for action, target in (("httpGet", handler.http_get), ("tcpSocket", handler.tcp_socket)):
                if target is not None and target.host:
                    yield Violation((*where, action, "host"), f"is {shown(target.host)} ({container})")


def _handlers(container: Container) -> Iterator[tuple[Path, Handler]]:
    spec = container.spec
    if spec.liveness_probe is not None:
        yield container.at("livenessProbe"), spec.liveness_probe
    if spec.readiness_probe is not None:
        yield container.at("readinessProbe"), spec.readiness_probe
    if spec.startup_probe is not None:
        yield container.at("startupProbe"), spec.startup_probe
    if spec.lifecycle is not None:
        if spec.lifecycle.post_start is not None:
            yield container.at("lifecycle", "postStart"), spec.lifecycle.post_start
        if spec.lifecycle.pre_stop is not None:
            yield container.at("lifecycle", "preStop"), spec.lifecycle.pre_stop
