from collections.abc import Iterator

from policies import requirements
from policies.path import Path
from policies.pod import Pod
from policies.requirements import Default
from policies.rule import Edit, Severity, Violation, rule


def _fix(pod: Pod, path: Path, options: Default) -> Iterator[Edit]:
    yield from requirements.edits(pod, path, options.default)


@rule(
    title="No CPU limit",
    severity=Severity.INFO,
    references=("NSA/CISA: Resource policies", "MITRE ATT&CK T1496", "KEP-2837"),
    remediation="Set resources.limits.cpu to the most that the container may take.",
    fix=_fix,
)
def cpu_limit_missing(pod: Pod) -> Iterator[Violation]:
    """A container without a limit may use every idle CPU of its node, and that is what a cryptocurrency miner in it
    does, or a loop that a request sets off. Containers that have a CPU request keep their share all the same.

    Often legitimate: with requests everywhere, a limit only slows a container down while CPUs are idle. It matters
    where tenants share nodes, where CPU time is paid for, and where the response time has to be the same on a busy
    node.
    """
    for container in requirements.holders(pod):
        if flaw := requirements.limit_flaw(container, "cpu"):
            yield Violation(container.at("resources", "limits", "cpu"), f"{flaw} ({container})")
