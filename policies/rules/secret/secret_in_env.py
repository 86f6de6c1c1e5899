from collections.abc import Iterator

from policies import secret
from policies.command import lines
from policies.pod import Pod, shown
from policies.rule import Confidence, Severity, Violation, rule


@rule(
    title="Credential written into a pod",
    severity=Severity.HIGH,
    confidence=Confidence.HEURISTIC,
    references=("CIS 5.4.1", "NSA/CISA: Protecting sensitive information", "MITRE ATT&CK T1552.007"),
    remediation="Keep it in a Secret, read it by secretKeyRef or from a file, and replace the credential.",
)
def secret_in_env(pod: Pod) -> Iterator[Violation]:
    """Whoever may read pods (most people, most tools and every audit log) reads a credential that is written in one.
    It is also in the repository that the manifest came from, and stays in its history after it has been removed.

    Legitimate for passwords of throw-away databases in tests. Recognised are formats that services document, private
    keys, addresses with a password, and values under names such as DB_PASSWORD that are no references, paths or
    placeholders. Messages never hold the value.
    """
    left = secret.MAX_POD
    for container in pod.containers:
        for index, item in enumerate(container.env):
            if item is not None and item.value and left > 0:
                left -= len(item.value)
                kind = secret.find(item.name or "", item.value)
                if kind is not None:
                    path = container.at("env", index, "value")
                    yield Violation(path, f"holds {kind} (variable {shown(item.name)}) ({container})")
        for words, paths in lines(container):
            if left > 0:
                left -= sum(map(len, words))
                for position, kind in secret.in_words(words):
                    yield Violation(container.at(*paths[position]), f"holds {kind} ({container})")
        name = container.spec.name
        if name and (kind := secret.in_label(name)) is not None:
            # Not at the name, as the message would then have to repeat it.
            yield Violation(container.at()[:-1], f"holds {kind} as the name of number {container.index + 1}")
