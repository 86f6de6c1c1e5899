from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from policies.objects import Object, Scale, Workload
from policies.resource import Resource
from policies.rule import Options, Severity, Violation, rule


class Bounds(Options, frozen=True):
    """How many replicas there may be."""

    maximum: Annotated[int | None, Meta(description="More replicas than this are too many.")] = None
    factor: Annotated[
        float | None, Meta(description="An update or a scale must not multiply the replicas by more than this.")
    ] = None

    def __post_init__(self) -> None:
        if self.maximum is not None and self.maximum < 1:
            raise ValueError(f"maximum is {self.maximum}: write a number of replicas, 1 or more")
        if self.factor is not None and not self.factor > 1:
            raise ValueError(f"factor is {self.factor}: write a number above 1")


@rule(
    title="Too many replicas",
    severity=Severity.HIGH,
    references=("MITRE ATT&CK T1496", "MITRE ATT&CK T1499.004"),
    remediation="Set spec.replicas lower, or have the policy's bounds raised.",
)
def replica_surge(resource: Resource, options: Bounds) -> Iterator[Violation]:
    """Ten thousand replicas of anything stop the scheduler, the API server and the neighbours, and where nodes are
    added as needed they are paid for: mining with somebody else's money begins with `kubectl scale`.

    Silent until the policy says with `maximum` or `factor` what is too many. What a controller made is not asked.
    """
    if options.maximum is None and options.factor is None:
        return
    now = _replicas(resource.body)
    if now is None or resource.body.controlled:
        return
    if options.maximum is not None and now > options.maximum:
        yield Violation(("spec", "replicas"), f"is {now}, more than {options.maximum}")
    elif options.factor is not None and resource.before is not None:
        before = _replicas(resource.before.body) or 0
        # From none to some is no multiple: it counts as from one.
        if now > options.factor * max(before, 1):
            yield Violation(("spec", "replicas"), f"is {now}, more than {options.factor:g} times the {before} before")


def _replicas(body: Object) -> int | None:
    if isinstance(body, Scale):
        return body.spec.replicas if body.spec is not None else None
    return body.replicas if isinstance(body, Workload) else None
