from collections.abc import Iterator

from policies.lists.host_paths import Gives, HostPaths
from policies.pod import Pod
from policies.rule import Severity, Violation, rule

_SAID = {
    Gives.ROOT: "the whole file system of the host",
    Gives.CREDENTIALS: "credentials of the host or the cluster",
    Gives.KUBELET: "files of the kubelet",
    Gives.KERNEL: "the host's kernel",
    Gives.DEVICES: "devices of the host",
    Gives.PROGRAMS: "programs that the host runs",
    Gives.CONFIGURATION: "configuration of the host",
    Gives.LOGS: "logs of the host",
}


@rule(
    title="Sensitive path of the host",
    refines=("host-path",),
    severity=Severity.CRITICAL,
    references=("CIS 5.2.12", "NSA/CISA: Pod security", "MITRE ATT&CK T1611", "MITRE ATT&CK T1552.001"),
    remediation="Remove the hostPath, or mount only the one harmless file or folder that is needed, read-only.",
)
def host_path_sensitive(pod: Pod, paths: HostPaths) -> Iterator[Violation]:
    """Some folders give the node away: with /etc, /root, the programs below /usr or /opt/cni/bin an attacker writes
    what the node runs as root; in /proc, /sys and /dev are its kernel and its disks; below /var/lib/kubelet lie the
    Secrets of every pod; links in /var/log make the kubelet read any file out. A folder above them gives them too.

    Legitimate for node agents: network plugins, storage drivers, monitoring. Files that tell nothing, such as
    /etc/localtime or the certificate authorities in /etc/ssl/certs, are let pass; the runtime's socket alone is
    docker-socket's.
    """
    for volume in pod.volumes:
        if (path := volume.path_on_host) is None:
            continue
        given = paths.gives(path)
        if (worst := next((each for each in _SAID if each in given), None)) is not None:
            message = f"is {volume.shown_path}, which gives {_SAID[worst]} ({volume})"
            yield Violation(pod.at("volumes", volume.index, "hostPath", "path"), message)
