from collections.abc import Iterator

from policies.lists.end_of_life import EndOfLife
from policies.pod import Pod, shown
from policies.rule import Confidence, Severity, Violation, rule


@rule(
    title="Image of a release past its end of life",
    severity=Severity.MEDIUM,
    confidence=Confidence.HEURISTIC,
    references=("NSA/CISA: Upgrading and application security practices", "NIST SP 800-190 4.1.1"),
    remediation="Move to a release that is still supported.",
)
def image_end_of_life(pod: Pod, releases: EndOfLife) -> Iterator[Violation]:
    """Flaws that are found after the end of support are published and not fixed: an attacker reads the fix of the next
    release and has a way into this one that stays open.

    Legitimate where somebody else sells support for the release. The tag is believed: it may say less than is inside.
    """
    for container in pod.containers:
        image = container.image
        if image is None or (ended := releases.find(image)) is None:
            continue
        what = f"{ended.product} {shown(ended.release)}" if ended.release else ended.product
        message = f"is {what}, whose support ended {ended.date}; use {ended.use} ({container})"
        yield Violation(container.at("image"), message)
