from collections.abc import Iterator

from policies.pod import Pod, shown
from policies.rule import Severity, Violation, rule


@rule(
    title="Part of a volume",
    severity=Severity.INFO,
    references=("CVE-2021-25741", "CVE-2017-1002101", "MITRE ATT&CK T1611"),
    remediation="Mount the whole volume, or the one key of a ConfigMap or Secret through items of the volume.",
)
def volume_subpath(pod: Pod) -> Iterator[Violation]:
    """With subPath the kubelet looks up a path inside a volume that the container may write to. Twice already a link
    put there at the right moment made it mount a folder of the node instead. Files mounted in this way also never see a
    later version of their ConfigMap or Secret.

    Legitimate for single files in folders that hold more, and for shared volumes; keep the kubelet up to date.
    """
    for container in pod.containers:
        for index, mount in enumerate(container.mounts):
            if mount is None:
                continue
            if mount.sub_path:
                path = container.at("volumeMounts", index, "subPath")
                yield Violation(path, f"is {shown(mount.sub_path)} ({container})")
            if mount.sub_path_expr:
                path = container.at("volumeMounts", index, "subPathExpr")
                yield Violation(path, f"is {shown(mount.sub_path_expr)} ({container})")
