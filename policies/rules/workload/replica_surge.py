from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from policies.objects import Object, Scale, Workload
from policies.resource import Resource
from policies.rule import Options, Severity, Violation, rule

Replicas = Annotated[int, Meta(ge=1)]
Factor = Annotated[float, Meta(gt=1)]


class Bounds(Options, frozen=True):
    """How many replicas there may be."""

    maximum: Annotated[Replicas | None, Meta(description="More replicas than this are too many.")] = None
    factor: Annotated[
        Factor | None, Meta(description="An update or a scale must not multiply the replicas by more than this.")
    ] = None


@rule(
    title="Too many replicas",
    severity=Severity.HIGH,
    references=("MITRE ATT&CK T1496", "MITRE ATT&CK T1499.004"),
    remediation="Set spec.replicas lower, or have the policy's bounds raised.",
)
def replica_surge(resource: Resource, options: Bounds) -> Iterator[Violation]:
    """Ten thousand replicas of anything stop the scheduler, the API server and the neighbours, and where nodes are
    added as needed they are paid for: mining with somebody else's money begins with `kubectl scale`.

    Silent until the policy says with `maximum` or `factor` what is too many. A ReplicaSet that a controller
    made may grow as a rollout has it, up to the maximum.
    """
    if options.maximum is None and options.factor is None:
        return
    now = _replicas(resource.body)
    if now is None:
        return
    if options.maximum is not None and now > options.maximum:
        yield Violation(("spec", "replicas"), f"is {now}, more than {options.maximum}")
    elif options.factor is not None and resource.before is not None and not _is_rolled(resource.body):
        before = _replicas(resource.before.body) or 0
        # From none to some is no multiple: it counts as from one.
        if now > options.factor * max(before, 1):
            yield Violation(("spec", "replicas"), f"is {now}, more than {options.factor:g} times the {before} before")


def _is_rolled(body: Object) -> bool:
    return body.kind == "ReplicaSet" and body.controlled


def _replicas(body: Object) -> int | None:
    if isinstance(body, Scale):
        return body.spec.replicas if body.spec is not None else None
    return body.replicas if isinstance(body, Workload) else None
