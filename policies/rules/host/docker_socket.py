from collections.abc import Iterator

from policies.lists.host_paths import Gives, HostPaths
from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Socket of the container runtime",
    refines=("host-path",),
    severity=Severity.CRITICAL,
    references=("NSA/CISA: Pod security", "CIS 5.2.12", "MITRE ATT&CK T1611", "MITRE ATT&CK T1610"),
    remediation="Remove the hostPath; build images without the node's runtime, and ask the Kubernetes API about pods.",
)
def docker_socket(pod: Pod, paths: HostPaths) -> Iterator[Violation]:
    """Whoever can talk to the container runtime (Docker, containerd, CRI-O, Podman) can have it start a privileged
    container with the node's disk, and so is root on the node; readOnly: true does not help, as a socket still answers.
    A folder above the socket gives it just as well.

    Legitimate for the few node agents that watch containers through the runtime itself. Builders do without it:
    BuildKit, Kaniko and Buildah need no socket.
    """
    for volume in pod.volumes:
        if (path := volume.path_on_host) is None:
            continue
        for line in paths.find(path):
            if line.gives is Gives.RUNTIME:
                held = "a socket of the container runtime" if _is_it(path, line.path) else f"which holds {line.path}"
                yield Violation(
                    pod.at("volumes", volume.index, "hostPath", "path"), f"is {volume.shown_path}, {held} ({volume})"
                )
                break


def _is_it(path: str, known: str) -> bool:
    return path.rpartition("/")[2] == known.rpartition("/")[2]
