from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta

from policies.image import Image
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Edit, Options, Put, Severity, Violation, rule


class PullPolicy(Options, frozen=True):
    """Which images are meant."""

    images: Annotated[
        Literal["moving", "tagged", "all"],
        Meta(description="Which images must be asked for again: by the tag latest or none, by any tag, or all."),
    ] = "tagged"


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, "Always")


@rule(
    title="Image that the node does not ask the registry for again",
    severity=Severity.INFO,
    references=("CIS 1.2.11", "Kubernetes documentation: Images", "KEP-2535", "MITRE ATT&CK T1525"),
    remediation="Set imagePullPolicy to Always.",
    fix=_fix,
)
def image_pull_policy(pod: Pod, options: PullPolicy) -> Iterator[Violation]:
    """A node that already has the image starts it without asking the registry: an old build of a tag that has moved,
    perhaps with a flaw that is fixed by now, or a private image that another tenant pulled and that this pod has no
    right to. Always costs one request when the layers are there.

    Legitimate where pods must start while the registry is down. Where the field is not set, the API server writes
    Always for the tag latest or none, and IfNotPresent for all others: written down, it stays when the tag changes. An
    image pinned by digest cannot be an old build.
    """
    for container in pod.containers:
        image = container.image
        policy = container.spec.image_pull_policy
        if image is None or policy == "Always" or not _meant(image, options):
            continue
        problem = f"is {shown(policy)}" if policy else "is not set"
        yield Violation(container.at("imagePullPolicy"), f"{problem} for {_how(image)} ({container})")


def _by_default(image: Image) -> bool:
    """Whether the tag is one that Kubernetes itself takes for a moving one."""
    return not image.digest and image.tag in ("", "latest")


def _meant(image: Image, options: PullPolicy) -> bool:
    if options.images == "all":
        return True
    return _by_default(image) if options.images == "moving" else not image.digest


def _how(image: Image) -> str:
    if image.digest:
        return "an image pinned by digest"
    return f"the tag {shown(image.tag or 'latest')}, which can move"
