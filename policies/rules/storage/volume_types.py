from collections.abc import Iterator

from policies.pod import Pod, named
from policies.rule import Severity, Violation, rule
from policies.standard import Level

_ALLOWED = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


@rule(
    title="Volume of a restricted type",
    severity=Severity.MEDIUM,
    level=Level.RESTRICTED,
    replaces=("host-path",),
    references=("PSS restricted: Volume Types", "CIS 5.2.12", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Use a configMap, csi, downwardAPI, emptyDir, ephemeral, image, persistentVolumeClaim, projected or "
    "secret volume.",
)
def volume_types(pod: Pod) -> Iterator[Violation]:
    """The pod's author chooses what such a volume points to: a directory of the node, any server that the node
    reaches, a disk of somebody else. The kubelet mounts it with the node's rights, and drivers for old types run code
    as root.

    Legitimate for storage that an administrator has looked at; then a PersistentVolume says where it is, and the pod
    only claims it. A volume of a type that is not known here counts; one without a type is an emptyDir.
    """
    for index, volume in enumerate(pod.volumes):
        if _ALLOWED.isdisjoint(volume.sources):
            name = named("volume", volume.name, index)
            for source in volume.sources:
                yield Violation(pod.at("volumes", index, source), f"is not an allowed type of volume ({name})")
