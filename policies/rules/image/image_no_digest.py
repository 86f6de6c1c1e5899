from collections.abc import Iterator

from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="Image not pinned by digest",
    severity=Severity.INFO,
    references=("Kubernetes documentation: Images", "SLSA: verify artifacts by digest", "MITRE ATT&CK T1525"),
    remediation="Append the digest of the image, as in name:tag@sha256:....",
)
def image_no_digest(pod: Pod) -> Iterator[Violation]:
    """A tag is a label that the owner of the repository, or whoever stole the password, can put on another image. Only
    a digest names what was tested and scanned.

    Legitimate where a signature is verified at admission instead, or where new builds under the same tag are wanted.
    """
    for container in pod.containers:
        image = container.image
        if image is not None and not image.digest:
            yield Violation(container.at("image"), f"is not pinned by a digest ({container})")
