from collections.abc import Iterator

from policies.objects import Binding
from policies.pod import shown
from policies.rbac import role_of, subjects
from policies.rule import Severity, Violation, rule


@rule(
    title="Binding to a default service account",
    severity=Severity.MEDIUM,
    references=("CIS 5.1.5", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1078.001"),
    remediation="Bind to a service account that only the workload uses.",
)
def rbac_default_sa_binding(binding: Binding) -> Iterator[Violation]:
    """Every pod that names no service account runs as the default one of its namespace: what is bound to it is given to
    all of them, also to those that come later.

    Hardly ever legitimate: a service account costs three lines. It is also found under its user name.
    """
    for index, subject in subjects(binding):
        if subject.kind == "ServiceAccount" and subject.name == "default":
            where = shown(subject.namespace) if subject.namespace else "this namespace"
        elif (name := subject.name or "").startswith("system:serviceaccount:") and name.endswith(":default"):
            where = shown(name.split(":")[2])
        else:
            continue
        account = f"is the default service account of {where}"
        yield Violation(("subjects", index, "name"), f"{account}, which is given {role_of(binding)}")
