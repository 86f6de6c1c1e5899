from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule

_FROZEN = "k8s.gcr.io"
_CURRENT = "registry.k8s.io"


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    for container in pod.containers:
        if container.at("image") == path:
            written = container.spec.image or ""
            yield Put(path, _CURRENT + written[len(_FROZEN) :])


@rule(
    title="Image from the frozen registry k8s.gcr.io",
    severity=Severity.MEDIUM,
    references=("Kubernetes blog 2023-02-06: k8s.gcr.io will be frozen", "Kubernetes blog 2023-03-10: redirect"),
    remediation="Write registry.k8s.io instead of k8s.gcr.io: paths and tags are the same.",
    fix=_fix,
)
def image_registry_deprecated(pod: Pod) -> Iterator[Violation]:
    """Nothing has been pushed to k8s.gcr.io since April 2023, no fixed release and no image of a new one, and the
    project may switch it off at any time: the next node that has to pull from it cannot start its pods.

    Legitimate nowhere that can reach registry.k8s.io, which has every image under the same path and tag.
    """
    for container in pod.containers:
        image = container.image
        if image is not None and image.registry == _FROZEN:
            yield Violation(container.at("image"), f"is pulled from {_FROZEN}, which is frozen ({container})")
