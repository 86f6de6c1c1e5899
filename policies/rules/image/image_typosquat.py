from collections.abc import Iterator

from policies.lists.well_known_images import WellKnownImages
from policies.pod import Pod, shown
from policies.rule import Confidence, Severity, Violation, rule


@rule(
    title="Image whose name looks like a well-known one",
    severity=Severity.HIGH,
    confidence=Confidence.HEURISTIC,
    references=("MITRE ATT&CK T1036.005", "MITRE ATT&CK T1610", "NSA/CISA: Pod security"),
    remediation="Check the spelling of the image's name, and who owns it.",
)
def image_typosquat(pod: Pod, names: WellKnownImages) -> Iterator[Violation]:
    """Attackers publish their programs under names that people type by mistake (ngnix for nginx, bitnarni for bitnami,
    ghrc.io for ghcr.io) and wait. What runs then does what its name promises, and mines or steals beside it.

    Legitimate for an image that just has such a name: then say so in an exception.
    """
    for container in pod.containers:
        image = container.image
        if image is not None and (found := names.find(image)) is not None:
            message = f"is of the {found.what} {shown(found.name)}, which looks like {found.known} ({container})"
            yield Violation(container.at("image"), message)
