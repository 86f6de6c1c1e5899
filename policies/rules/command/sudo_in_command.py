from collections.abc import Iterator

from policies.command import Deed, deeds
from policies.pod import Pod
from policies.rule import Severity, Violation, rule


@rule(
    title="sudo in a command",
    severity=Severity.MEDIUM,
    references=("Kubescape C-0062", "MITRE ATT&CK T1548.003"),
    remediation="Remove sudo, and set securityContext.runAsUser to the user that the command needs.",
)
def sudo_in_command(pod: Pod) -> Iterator[Violation]:
    """A container that calls sudo has sudo in its image, set up to let its user become root, and keeps
    allowPrivilegeEscalation for it: whoever gets in becomes root the same way, whatever runAsUser says.

    Never needed in a container: each can run as the user that it needs. Images made for virtual machines or desktops
    bring it along.
    """
    for container in pod.containers:
        for deed, path, words in deeds(container):
            if deed is Deed.SUDO:
                yield Violation(path, f"runs {words} ({container})")
