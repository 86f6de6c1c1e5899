from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Container port below 1024",
    severity=Severity.INFO,
    references=("NSA/CISA: Pod security", "k8s.io/api/core/v1/types.go: ContainerPort"),
    remediation="Let the container listen above 1023, as on 8080, and let the Service map its port there.",
)
def privileged_port(pod: Pod) -> Iterator[Violation]:
    """To listen on such a port a process traditionally needs root or NET_BIND_SERVICE, and so images for it are built
    to run as root, from where an attacker gets further.

    Legitimate where the image manages without, as container runtimes now let any user listen on every port
    (net.ipv4.ip_unprivileged_port_start is 0), and where a protocol leaves no choice, as DNS does not.
    """
    for container in pod.containers:
        for index, port in enumerate(container.spec.ports or ()):
            if port is not None and port.container_port is not None and 0 < port.container_port < 1024:
                path = container.at("ports", index, "containerPort")
                yield Violation(path, f"is {port.container_port} ({container})")
