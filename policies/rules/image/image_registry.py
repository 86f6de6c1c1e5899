from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from msgspec import Meta

from policies.pod import Pod, shown
from policies.registries import Places
from policies.rule import Options, Severity, Violation, rule

_HOW = (
    "Each entry is a registry or the beginning of a repository, by whole segments: registry.example.com:5000, "
    "docker.io/library, *.example.com for one label."
)


class Registries(Options, frozen=True, dict=True):
    """Where images may come from."""

    allow: Annotated[tuple[str, ...], Meta(description=f"Images must come from one of these. {_HOW}")] = ()
    deny: Annotated[
        tuple[str, ...], Meta(description=f"Images must not come from these, even if they are allowed. {_HOW}")
    ] = ()

    def __post_init__(self) -> None:
        # To read them is to refuse what cannot be read.
        self.allowed  # noqa: B018
        self.denied  # noqa: B018

    @cached_property
    def allowed(self) -> Places:
        return Places(self.allow)

    @cached_property
    def denied(self) -> Places:
        return Places(self.deny)


@rule(
    title="Image from a registry that is not allowed",
    severity=Severity.HIGH,
    references=("NSA/CISA: Pod security", "CIS 5.5.1", "MITRE ATT&CK T1610"),
    remediation="Pull the image from an allowed registry, or have its registry allowed.",
)
def image_registry(pod: Pod, options: Registries) -> Iterator[Violation]:
    """Anybody can push anything to a public registry. Who can choose the image runs a program of their own choice in
    the cluster, scanned and signed by nobody.

    Silent until the policy says with `allow` or `deny` which registries are meant.
    """
    allowed, denied = options.allowed, options.denied
    if not allowed and not denied:
        return
    for container in pod.containers:
        written = container.spec.image
        if not written:
            continue
        image = container.image
        if image is None:
            problem = f"is {shown(written)}, which names no registry" if allowed else ""
        elif denied.hold(image):
            problem = f"comes from {shown(image.name)}, which is denied"
        else:
            problem = (
                f"comes from {shown(image.name)}, which is not allowed" if allowed and not allowed.hold(image) else ""
            )
        if problem:
            yield Violation(container.at("image"), f"{problem} ({container})")
