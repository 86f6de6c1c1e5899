from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Processes shared between containers",
    severity=Severity.MEDIUM,
    references=("CIS 5.7.3", "MITRE ATT&CK T1057", "MITRE ATT&CK T1003.007"),
    remediation="Set shareProcessNamespace to false.",
    fix=_fix,
)
def share_process_namespace(pod: Pod) -> Iterator[Violation]:
    """Containers of the pod see each other's processes. Whoever controls one of them reads the command lines of the
    others, and as the same user their environment and their files below /proc/PID/root: secrets that were mounted into
    one container alone.

    Legitimate for sidecars that must send signals to the program beside them, and while debugging.
    """
    if pod.spec.share_process_namespace:
        yield Violation(pod.at("shareProcessNamespace"), "is true")
