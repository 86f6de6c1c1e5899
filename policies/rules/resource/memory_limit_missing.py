from collections.abc import Iterator

from policies import requirements
from policies.path import Path
from policies.pod import Pod
from policies.requirements import Default
from policies.rule import Edit, Severity, Violation, rule


def _fix(pod: Pod, path: Path, options: Default) -> Iterator[Edit]:
    yield from requirements.edits(pod, path, options.default)


@rule(
    title="No memory limit",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Resource policies", "MITRE ATT&CK T1499", "KEP-2837"),
    remediation="Set resources.limits.memory to the most that the container may take.",
    fix=_fix,
)
def memory_limit_missing(pod: Pod) -> Iterator[Violation]:
    """Memory cannot be taken back: a container without a limit that leaks, or that an attacker feeds with large
    requests, takes the node's until the kernel kills processes, also those of other pods and of the node itself.

    A limit for the whole pod counts for its containers. Legitimate where a LimitRange of the namespace sets it, and
    for a container that has a node of its own.
    """
    for container in requirements.holders(pod):
        if flaw := requirements.limit_flaw(container, "memory"):
            yield Violation(container.at("resources", "limits", "memory"), f"{flaw} ({container})")
