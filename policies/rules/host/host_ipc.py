from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Inter-process communication of the host",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: Host Namespaces", "CIS 5.2.4", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set hostIPC to false, and share memory between containers of the pod through an emptyDir volume.",
    fix=_fix,
)
def host_ipc(pod: Pod) -> Iterator[Violation]:
    """A pod that shares the inter-process communication of its node reads and writes the shared memory, semaphores and
    message queues of the node's processes and of every other pod that does the same: it can take their data or change
    it under them.

    Legitimate hardly ever; some old databases and graphics programs exchange data with a process on the node this way.
    """
    if pod.spec.host_ipc:
        yield Violation(pod.at("hostIPC"), "is true")
