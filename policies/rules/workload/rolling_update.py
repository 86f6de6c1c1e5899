from collections.abc import Iterator

from policies.objects import Workload, WorkloadSpec
from policies.path import Path
from policies.rule import Edit, Put, Severity, Violation, rule

_AT_ONCE = frozenset({"Recreate", "OnDelete"})
_EMPTY = WorkloadSpec()


def _fix(workload: Workload, path: Path) -> Iterator[Edit]:
    template = (workload.spec or _EMPTY).template
    volumes = template.spec.volumes if template is not None and template.spec is not None else None
    # Two generations of pods that want the same disk may wait for each other for ever.
    if not any(volume and volume.get("persistentVolumeClaim") for volume in volumes or ()):
        yield Put(path, "RollingUpdate")


@rule(
    title="Update that is not rolling",
    severity=Severity.INFO,
    references=("Kubernetes: Deployments, Strategy", "Kubernetes: Performing a Rolling Update"),
    remediation="Set the strategy's type to RollingUpdate.",
    fix=_fix,
)
def rolling_update(workload: Workload) -> Iterator[Violation]:
    """Recreate stops every pod before the first new one starts, and a bad image is an outage. OnDelete leaves the old
    pods, and the flaws that the update mends, until somebody deletes them.

    Legitimate where two versions must not run at once, or want the same disk, and for node agents that an administrator
    replaces by hand.
    """
    spec = workload.spec or _EMPTY
    for field, strategy in (("strategy", spec.strategy), ("updateStrategy", spec.update_strategy)):
        if strategy is not None and strategy.type in _AT_ONCE:
            yield Violation(("spec", field, "type"), f"is {strategy.type}")
