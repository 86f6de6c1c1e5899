from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule
from policies.standard import Level


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Processes of the host",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: Host Namespaces", "CIS 5.2.3", "NSA/CISA: Pod security", "MITRE ATT&CK T1611"),
    remediation="Set hostPID to false.",
    fix=_fix,
)
def host_pid(pod: Pod) -> Iterator[Violation]:
    """A pod that shares the process namespace of its node sees every process there, with its command line and, as
    root, its environment and its files below /proc: the secrets of other pods. With SYS_PTRACE or as a privileged
    container it enters them, and so the node.

    Legitimate for debuggers and monitoring agents that look at all processes of a node.
    """
    if pod.spec.host_pid:
        yield Violation(pod.at("hostPID"), "is true")
