from collections.abc import Iterator, Mapping

from policies.identity import TELLING_NAMES
from policies.objects import Service
from policies.pod import Pod, shown
from policies.resource import Resource
from policies.rule import Confidence, Severity, Violation, rule


@rule(
    title="Tiller, the server of Helm 2",
    severity=Severity.HIGH,
    confidence=Confidence.HEURISTIC,
    references=("Helm blog 2020-11-13: Helm v2 deprecation", "MITRE ATT&CK T1610"),
    remediation="Remove Tiller and move the releases to Helm 3, which needs no server.",
)
def tiller(resource: Resource) -> Iterator[Violation]:
    """Tiller does whatever anybody asks who reaches its port, with rights that are nearly always those of a cluster
    administrator: one compromised pod is enough to take the cluster. It has had no fixes since November 2020.

    Legitimate nowhere.
    """
    found = False
    for pod, prefix in resource.pods:
        for violation in _in_pod(pod):
            found = True
            yield Violation(prefix + violation.path, violation.message)
    if not found:
        yield from _by_name(resource)


def _in_pod(pod: Pod) -> Iterator[Violation]:
    for container in pod.containers:
        image = container.image
        if image is not None and "tiller" in image.base.replace("_", "-").split("-"):
            yield Violation(container.at("image"), f"is {shown(image.name)} ({container})")


def _by_name(resource: Resource) -> Iterator[Violation]:
    identity = resource.identity
    for pod, prefix in resource.pods:
        if _labelled(pod.labels):
            yield Violation((*prefix, "metadata", "labels", "name"), "is tiller, of the app helm")
            return
    if _labelled(identity.labels):
        yield Violation(("metadata", "labels", "name"), "is tiller, of the app helm")
    elif isinstance(resource.body, Service) and resource.body.spec and _labelled(resource.body.spec.selector or {}):
        yield Violation(("spec", "selector", "name"), "is tiller, of the app helm")
    elif identity.name in TELLING_NAMES and (resource.pods or isinstance(resource.body, Service)):
        yield Violation(("metadata", "name"), f"is {identity.name}, the name that Helm 2 gives it")


def _labelled(labels: Mapping[str, str | None]) -> bool:
    return labels.get("app") == "helm" and labels.get("name") == "tiller"
