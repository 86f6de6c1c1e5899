from collections.abc import Iterator

from policies.lists.host_paths import Gives, HostPaths
from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Credentials from the host's file system",
    refines=("host-path",),
    severity=Severity.CRITICAL,
    references=("NSA/CISA: Pod security", "MITRE ATT&CK T1552.001", "CIS 5.2.12"),
    remediation="Remove the hostPath; give the pod a service account with the rights that it needs, or a Secret.",
)
def workload_credentials_mount(pod: Pod, paths: HostPaths) -> Iterator[Violation]:
    """The node holds keys that reach far beyond it: of the cloud (azure.json, ~/.aws, ~/.config/gcloud), of the cluster
    (/etc/kubernetes, etcd, kubeconfig files) and of the people who work on it (~/.ssh, ~/.docker). An attacker in the
    pod takes them along, and uses them from anywhere for as long as they are valid. A folder above them gives them too.

    Legitimate for parts of the control plane that run as pods, and for backups of etcd.
    """
    for volume in pod.volumes:
        if (path := volume.path_on_host) is None:
            continue
        for line in paths.find(path):
            if line.gives is Gives.CREDENTIALS:
                message = f"is {volume.shown_path}, which gives credentials such as {line.path} ({volume})"
                yield Violation(pod.at("volumes", volume.index, "hostPath", "path"), message)
                break
