from collections.abc import Iterator

from policies.lists.cve_images import CveImages
from policies.pod import Pod
from policies.rule import Confidence, Severity, Violation, rule


@rule(
    title="Image of a release with a known critical flaw",
    severity=Severity.HIGH,
    confidence=Confidence.HEURISTIC,
    references=("CISA KEV", "NSA/CISA: Upgrading and application security practices", "MITRE ATT&CK T1190"),
    remediation="Move to a release in which the flaw is fixed.",
)
def cve_image(pod: Pod, flaws: CveImages) -> Iterator[Violation]:
    """For these flaws there are programs that anybody can download and run, and they are tried against every address of
    the internet. It takes one request to run code in the container, or to read its secrets.

    Legitimate for training and tests in a network of their own. The tag is believed: who rebuilds an image with the fix
    under the old tag can except it.
    """
    for container in pod.containers:
        image = container.image
        if image is not None and (known := flaws.find(image)):
            (flaw, fixed), *more = known
            also = f" and {len(more)} more" if more else ""
            message = f"has {flaw.cve}{also}: {flaw.what}, fixed in {fixed} ({container})"
            yield Violation(container.at("image"), message)
