from collections.abc import Iterator

from policies import requirements
from policies.path import Path
from policies.pod import Pod
from policies.requirements import Default
from policies.rule import Edit, Severity, Violation, rule


def _fix(pod: Pod, path: Path, options: Default) -> Iterator[Edit]:
    yield from requirements.edits(pod, path, options.default)


@rule(
    title="No request or limit of ephemeral storage",
    severity=Severity.INFO,
    references=("NSA/CISA: Resource policies", "KEP-361"),
    remediation="Set resources.limits.ephemeral-storage, and as the request what the container needs.",
    fix=_fix,
)
def ephemeral_storage(pod: Pod) -> Iterator[Violation]:
    """Logs, emptyDir volumes and whatever a container writes into its own file system lie on the node's disk. Without
    a limit an attacker, or a loop that logs, fills it, and the kubelet evicts other pods to free it.

    With a limit and no request, the limit is the request. Legitimate where a LimitRange of the namespace sets it, and
    where containers write nothing because their root file systems are read-only.
    """
    for container in requirements.holders(pod):
        if flaw := requirements.limit_flaw(container, "ephemeral-storage"):
            yield Violation(container.at("resources", "limits", "ephemeral-storage"), f"{flaw} ({container})")
        elif flaw := requirements.request_flaw(container, "ephemeral-storage"):
            yield Violation(container.at("resources", "requests", "ephemeral-storage"), f"{flaw} ({container})")
