from collections.abc import Iterator

from policies.pod import Pod, Volume, named
from policies.rule import Severity, Violation, rule
from policies.standard import Level

# Field by field as in the API, and as the view calls them.
_OTHERS = (
    ("hostPath", "host_path"),
    ("gcePersistentDisk", "gce_persistent_disk"),
    ("awsElasticBlockStore", "aws_elastic_block_store"),
    ("gitRepo", "git_repo"),
    ("nfs", "nfs"),
    ("iscsi", "iscsi"),
    ("glusterfs", "glusterfs"),
    ("rbd", "rbd"),
    ("flexVolume", "flex_volume"),
    ("cinder", "cinder"),
    ("cephfs", "cephfs"),
    ("flocker", "flocker"),
    ("fc", "fc"),
    ("azureFile", "azure_file"),
    ("vsphereVolume", "vsphere_volume"),
    ("quobyte", "quobyte"),
    ("azureDisk", "azure_disk"),
    ("photonPersistentDisk", "photon_persistent_disk"),
    ("portworxVolume", "portworx_volume"),
    ("scaleIO", "scale_io"),
    ("storageos", "storageos"),
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
    only claims it. A volume of a type that is not known here counts, as does one without a type.
    """
    for index, volume in enumerate(pod.volumes):
        if not _allowed(volume):
            name = named("volume", volume.name, index)
            given = [source for source, field in _OTHERS if getattr(volume, field) is not None]
            for source in given:
                yield Violation(pod.at("volumes", index, source), f"is not an allowed type of volume ({name})")
            if not given:
                yield Violation(pod.at("volumes", index), f"has no source of an allowed type ({name})")


def _allowed(volume: Volume) -> bool:
    return (
        volume.config_map is not None
        or volume.secret is not None
        or volume.empty_dir is not None
        or volume.projected is not None
        or volume.persistent_volume_claim is not None
        or volume.csi is not None
        or volume.downward_api is not None
        or volume.ephemeral is not None
        or volume.image is not None
    )
