from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Interactive container",
    severity=Severity.LOW,
    references=("NSA/CISA: Pod security", "MITRE ATT&CK T1609"),
    remediation="Remove stdin and tty, or set them to false.",
    fix=_fix,
)
def interactive_tty(pod: Pod) -> Iterator[Violation]:
    """A container with an open standard input or a terminal waits for somebody who types: whoever may attach to it
    (pods/attach) is in, and it is how pods are made that are there for a shell and nothing else.

    Legitimate for debugging by hand, where kubectl run -it and kubectl debug -it set both; hardly ever for what is
    deployed.
    """
    for container in pod.containers:
        if container.spec.stdin:
            yield Violation(container.at("stdin"), f"is true ({container})")
        if container.spec.tty:
            yield Violation(container.at("tty"), f"is true ({container})")
