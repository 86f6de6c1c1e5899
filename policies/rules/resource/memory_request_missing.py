from collections.abc import Iterator

from policies import requirements
from policies.path import Path
from policies.pod import Pod
from policies.requirements import Default
from policies.rule import Edit, Severity, Violation, rule


def _fix(pod: Pod, path: Path, options: Default) -> Iterator[Edit]:
    yield from requirements.edits(pod, path, options.default)


@rule(
    title="No memory request",
    severity=Severity.LOW,
    references=("NSA/CISA: Resource policies", "MITRE ATT&CK T1499", "KEP-2837"),
    remediation="Set resources.requests.memory to what the container needs.",
    fix=_fix,
)
def memory_request_missing(pod: Pod) -> Iterator[Violation]:
    """Without a request the scheduler counts nothing for the container and puts it on a node that may be full. When
    the node runs out of memory, such containers are the first to be evicted or killed, so that a neighbour that leaks
    brings them down.

    A request is taken from the limit where only that is set, and one for the whole pod counts for its containers.
    Legitimate where a LimitRange of the namespace sets it.
    """
    for container in requirements.holders(pod):
        if flaw := requirements.request_flaw(container, "memory"):
            yield Violation(container.at("resources", "requests", "memory"), f"{flaw} ({container})")
