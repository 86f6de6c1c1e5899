from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=True)


@rule(
    title="Writable volume from the host's file system",
    refines=("host-path",),
    severity=Severity.HIGH,
    references=("CIS 5.2.12", "NSA/CISA: Pod security", "MITRE ATT&CK T1611", "MITRE ATT&CK T1543.005"),
    remediation="Set readOnly to true on the volume mount, or use a volume that is not the host's.",
    fix=_fix,
)
def host_path_writable(pod: Pod) -> Iterator[Violation]:
    """What a container writes to a hostPath stays on the node when the pod is gone: an attacker leaves programs, cron
    jobs or static pods there that the node itself starts as root, or changes the files of other pods.

    Legitimate for agents that install drivers or network plugins, and for storage that lives on the node's own disks;
    a local PersistentVolume is the better answer for the latter.
    """
    from_host = {volume.name: volume for volume in pod.volumes if volume.host_path is not None}
    if not from_host:
        return
    for container in pod.containers:
        for index, mount in enumerate(container.mounts):
            if mount is not None and not mount.read_only and mount.name in from_host:
                what = from_host[mount.name].shown_path
                path = container.at("volumeMounts", index, "readOnly")
                yield Violation(path, f"is not true, so that {what} of the host can be written ({container})")
