from collections.abc import Iterator

from policies import secret
from policies.objects import ConfigMap
from policies.pod import shown
from policies.rule import Confidence, Severity, Violation, rule


@rule(
    title="Credential in a ConfigMap",
    severity=Severity.HIGH,
    confidence=Confidence.HEURISTIC,
    references=("CIS 5.4.2", "NSA/CISA: Protecting sensitive information", "MITRE ATT&CK T1552.007"),
    remediation="Keep it in a Secret instead, and replace the credential.",
)
def secret_in_configmap(configmap: ConfigMap) -> Iterator[Violation]:
    """ConfigMaps are not for credentials: roles that may not read Secrets read them, they are not encrypted at rest
    where Secrets are, and tools print them. An attacker looks there first.

    Legitimate for example settings whose passwords open nothing. Keys count as names, and files are read line by line
    for settings such as `password: ...`, private keys, addresses with a password and tokens of known formats. Messages
    name the key and the line, never the value.
    """
    left = secret.MAX_FILE
    for key, value in (configmap.data or {}).items():
        if not value or left <= 0:
            continue
        left -= len(value)
        problem = _problem(key, value)
        if problem is not None:
            yield Violation(("data", key), problem)


def _problem(key: str, value: str) -> str | None:
    text = value.strip()
    if "\n" not in text and (kind := secret.find(key, text)) is not None:
        return f"holds {kind}"
    found = list(secret.in_file(value))
    if not found:
        return None
    first, others = found[0], len(found) - 1
    name = f" ({shown(first.name)})" if first.name else ""
    more = f", and {others} more" if others else ""
    return f"holds {first.kind} in line {first.number}{name}{more}"
