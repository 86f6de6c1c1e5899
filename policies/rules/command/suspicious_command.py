from collections.abc import Iterator

from policies.command import Deed, deeds
from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Confidence, Severity, Violation, rule

_SUSPICIOUS = frozenset(
    {Deed.REVERSE_SHELL, Deed.DOWNLOAD_AND_RUN, Deed.DECODE_AND_RUN, Deed.ENTER_HOST, Deed.MINE},
)


@rule(
    title="Command that attacks use",
    severity=Severity.HIGH,
    confidence=Confidence.HEURISTIC,
    references=(
        "MITRE ATT&CK T1059.004",
        "MITRE ATT&CK T1105",
        "MITRE ATT&CK T1140",
        "MITRE ATT&CK T1611",
        "MITRE ATT&CK T1496",
        "NSA/CISA: Threat detection",
    ),
    remediation="Put what has to run into the image, and find out who wrote this command.",
)
def suspicious_command(pod: Pod) -> Iterator[Violation]:
    """Who can create pods but has no image of their own uses a common image and puts the attack into its command: a
    shell that calls home, a script fetched or decoded and run at once, a step into the host's namespaces or files, a
    miner.

    Legitimate for a few node agents, which use nsenter or chroot to run a program of the host (Cilium, driver
    installers), and for setups that install themselves with a downloaded script, which is a risk of its own: whoever
    controls that address controls the pod.
    """
    for container in pod.containers:
        fields: dict[Path, list[str]] = {}
        for deed, path, words in deeds(container):
            if deed in _SUSPICIOUS:
                fields.setdefault(path, []).append(f"{deed} ({shown(words)})")
        for path, found in fields.items():
            yield Violation(path, f"{' and '.join(found)} ({container})")
