from collections.abc import Iterator, Mapping
from typing import Annotated

from msgspec import Meta, field

from policies import glob
from policies.path import Path
from policies.pod import shown
from policies.resource import Resource
from policies.rule import Options, Severity, Violation, rule


class RequiredLabels(Options, frozen=True):
    """Which labels, and where."""

    required: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=317)], str],
        Meta(description="Labels that must be there, each with the value it must have; a star stands for any text."),
    ] = field(default_factory=dict)
    kinds: Annotated[
        tuple[str, ...], Meta(description="Kinds that need them, such as Deployment or Namespace; none stands for all.")
    ] = ()
    on_pods: Annotated[bool, Meta(description="Whether the pods of a workload need them, too.")] = False


@rule(
    title="Missing label",
    severity=Severity.INFO,
    references=("Kubernetes recommended labels", "NSA/CISA: Audit logging and threat detection"),
    remediation="Add the label to metadata.labels.",
)
def metadata_labels(resource: Resource, options: RequiredLabels) -> Iterator[Violation]:
    """Who owns this, and what is it part of? At night somebody has to know whom to call, whose bill it is, and whether
    an unknown pod belongs to anything at all.

    Silent until the policy says with `required` which labels are meant. What a controller made is not asked for them.
    """
    identity = resource.identity
    if not options.required or identity.controller is not None:
        return
    if options.kinds and identity.kind.kind not in options.kinds:
        return
    yield from _missing(identity.labels, ("metadata", "labels"), options.required)
    for pod, prefix in resource.pods if options.on_pods else ():
        # A Pod's own labels are those of the object.
        if prefix:
            yield from _missing(pod.labels, (*prefix, "metadata", "labels"), options.required)


def _missing(labels: Mapping[str, str | None], path: Path, required: Mapping[str, str]) -> Iterator[Violation]:
    for key, pattern in required.items():
        value = labels.get(key)
        if not value:
            yield Violation(path, f"has no {shown(key)}")
        elif pattern and not glob.matches(pattern, value):
            yield Violation((*path, key), f"is {shown(value)}, and should be {shown(pattern)}")
