from collections.abc import Iterator

from policies.api import VolumeSource
from policies.host_path import normalise
from policies.lists.host_paths import Gives, HostPaths
from policies.objects import PersistentVolume
from policies.pod import shown
from policies.rule import Severity, Violation, rule


@rule(
    title="Persistent volume of a sensitive host directory",
    severity=Severity.HIGH,
    references=("CIS 5.1.9", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Let a storage class provide the volume, or give it a directory of its own, such as /mnt/disks/a.",
)
def storage_rule(volume: PersistentVolume, paths: HostPaths) -> Iterator[Violation]:
    """Whoever claims this volume gets the directory of the node, and no policy about hostPath sees it, because the pod
    names only the claim. With the kubelet's files, the configuration of the node or its root, that is the node.

    Legitimate volumes of type hostPath or local are directories that hold nothing else. A single device below /dev is
    what a local volume of type Block is made of, and no finding.
    """
    spec = volume.spec
    if spec is None:
        return
    for field, source in (("hostPath", spec.host_path), ("local", spec.local)):
        if source is not None and (gives := _gives(source, field, paths)):
            yield Violation(("spec", field, "path"), f"is {shown(source.path)}, which gives {gives} of the host")


def _gives(source: VolumeSource, field: str, paths: HostPaths) -> str:
    """The worst that the node's path gives away; empty where it is nothing."""
    path = normalise(source.path or "/")
    found = {line.gives for line in paths.find(path)}
    if field == "local" and path != "/dev":
        found.discard(Gives.DEVICES)
    return next((f"the {each}" for each in Gives if each in found), "")
