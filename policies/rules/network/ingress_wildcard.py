from collections.abc import Iterator

from policies.objects import Ingress
from policies.pod import shown
from policies.rule import Severity, Violation, rule


@rule(
    title="Ingress for any host",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Network separation", "MITRE ATT&CK T1557"),
    remediation="Write the whole name into spec.rules[].host.",
)
def ingress_wildcard(ingress: Ingress) -> Iterator[Violation]:
    """Who answers for every name gets the traffic of names that others have not claimed yet, or have mistyped, with its
    cookies and passwords; and a rule without a host answers whoever knows only the address.

    Legitimate for a default backend, and for applications that give every tenant a name of a domain of their own.
    """
    spec = ingress.spec
    if spec is None:
        return
    for index, each in enumerate(spec.rules or ()):
        host = each.host if each is not None else None
        if not host:
            yield Violation(("spec", "rules", index), "has no host, and so answers for all")
        elif "*" in host:
            yield Violation(("spec", "rules", index, "host"), f"is {shown(host)}")
    if not spec.rules:
        field = "defaultBackend" if spec.default_backend else "backend" if spec.backend else None
        if field:
            yield Violation(("spec", field), "answers for every host, as there are no rules")
