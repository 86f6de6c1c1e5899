from collections.abc import Iterator

from policies.pod import Pod, named, shown
from policies.rule import Severity, Violation, rule
from policies.standard import Level


@rule(
    title="Volume from the host's file system",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: HostPath Volumes", "CIS 5.2.12", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Use an emptyDir, configMap, secret, projected or persistentVolumeClaim volume instead of hostPath.",
)
def host_path(pod: Pod) -> Iterator[Violation]:
    """A hostPath volume puts files of the node into the pod. Depending on the path, an attacker reads the credentials
    of the kubelet and of other pods, or writes what the node runs (cron jobs, static pods, kernel settings) and so
    becomes root on the node. Even a harmless directory outlives the pod and is shared with every pod that mounts it.

    Legitimate for node agents that read logs or install drivers; they mount one exact directory with readOnly: true.
    """
    for index, volume in enumerate(pod.volumes):
        if (source := volume.host_path) is not None:
            path = shown(source.path) if source.path else "a directory"
            message = f"mounts {path} of the host ({named('volume', volume.name, index)})"
            yield Violation(pod.at("volumes", index, "hostPath"), message)
