from collections.abc import Iterator

from policies.pod import Pod, shown
from policies.rule import Severity, Violation, rule


@rule(
    title="Names resolved past DNS",
    severity=Severity.LOW,
    references=("MITRE ATT&CK T1557", "MITRE ATT&CK T1565.001"),
    remediation="Remove hostAliases, and let the cluster's DNS or a Service without selector name the address.",
)
def host_alias(pod: Pod) -> Iterator[Violation]:
    """hostAliases write lines into the pod's /etc/hosts, which the program believes before any DNS server. Whoever may
    change them sends its connections wherever they like, and no log of a DNS server shows it.

    Legitimate for names that no DNS server knows, as of an old system at a fixed address.
    """
    for index, alias in enumerate(pod.spec.host_aliases or ()):
        names = [name for name in (alias.hostnames or ()) if name] if alias is not None else []
        to = alias.ip if alias is not None else None
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        yield Violation(
            pod.at("hostAliases", index), f"sends {shown(names[0] if names else None)}{more} to {shown(to)}"
        )
