from collections.abc import Iterator

from policies.objects import Service, ServiceSpec
from policies.path import Path
from policies.pod import Container
from policies.resource import Resource
from policies.rule import Severity, Violation, rule

_SSH = 22
_TCP = (None, "", "TCP")


@rule(
    title="SSH port",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Network separation", "MITRE ATT&CK T1021.004"),
    remediation="Take port 22 away, and use `kubectl exec` or an ephemeral container to look inside.",
)
def ssh_port(resource: Resource) -> Iterator[Violation]:
    """A server for SSH in a container is a second way in: with passwords and keys of its own, past the API server's
    authentication, authorisation and audit log. Attackers leave one to come back, and try the port wherever it
    answers.

    Legitimate for git servers, SFTP and jump hosts.
    """
    for pod, prefix in resource.pods:
        for container in pod.containers:
            for path in _of_container(container):
                yield Violation((*prefix, *path), f"is 22, the port of SSH ({container})")
    if isinstance(resource.body, Service) and resource.body.spec is not None:
        for path in _of_service(resource.body.spec):
            yield Violation(path, "is 22, the port of SSH")


def _of_container(container: Container) -> Iterator[Path]:
    for index, port in enumerate(container.spec.ports or ()):
        if port is not None and port.protocol in _TCP and _SSH in (port.container_port, port.host_port):
            yield container.at("ports", index, "containerPort" if port.container_port == _SSH else "hostPort")


def _of_service(spec: ServiceSpec) -> Iterator[Path]:
    for index, port in enumerate(spec.ports or ()):
        if port is not None and port.protocol in _TCP and _SSH in (port.port, port.target_port):
            yield "spec", "ports", index, "port" if port.port == _SSH else "targetPort"
