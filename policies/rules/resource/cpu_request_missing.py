from collections.abc import Iterator

from policies import requirements
from policies.path import Path
from policies.pod import Pod
from policies.requirements import Default
from policies.rule import Edit, Severity, Violation, rule


def _fix(pod: Pod, path: Path, options: Default) -> Iterator[Edit]:
    yield from requirements.edits(pod, path, options.default)


@rule(
    title="No CPU request",
    severity=Severity.LOW,
    references=("NSA/CISA: Resource policies", "MITRE ATT&CK T1496", "KEP-2837"),
    remediation="Set resources.requests.cpu to what the container needs.",
    fix=_fix,
)
def cpu_request_missing(pod: Pod) -> Iterator[Violation]:
    """Without a request the scheduler counts nothing for the container and puts it on a node that may be full. There
    it gets the least of the CPU as soon as others want theirs, so that whoever keeps a neighbour busy slows it down.

    A request is taken from the limit where only that is set, and one for the whole pod counts for its containers.
    Legitimate where a LimitRange of the namespace sets it, and for batch work that may take whatever is left.
    """
    for container in requirements.holders(pod):
        if flaw := requirements.request_flaw(container, "cpu"):
            yield Violation(container.at("resources", "requests", "cpu"), f"{flaw} ({container})")
