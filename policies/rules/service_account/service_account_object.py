from collections.abc import Iterator

from policies.objects import ServiceAccount
from policies.path import Path
from policies.rule import Edit, Put, Severity, Violation, rule


def _fix(_account: ServiceAccount, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Service account mounts its token into every pod",
    severity=Severity.INFO,
    references=("CIS 5.1.5", "CIS 5.1.6", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1528"),
    remediation="Set automountServiceAccountToken to false, and to true in the pods that call the API server.",
    fix=_fix,
)
def service_account_object(account: ServiceAccount) -> Iterator[Violation]:
    """Unless the service account or a pod opts out, each of its pods gets a token with which whoever breaks into the
    pod speaks to the API server. The account is the place to opt out once for all of them.

    Legitimate for accounts that only operators, controllers and agents use. A pod's own field counts more.
    """
    automount = account.automount_service_account_token
    if automount is not False:
        yield Violation(("automountServiceAccountToken",), "is true" if automount else "is not false")
