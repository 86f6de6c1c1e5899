from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Drop, Edit, Put, Severity, Violation, rule


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(pod.at("serviceAccountName"), pod.spec.service_account)
    yield Drop(path)


@rule(
    title="Deprecated field for the service account",
    severity=Severity.INFO,
    references=("k8s.io/api/core/v1/types.go: DeprecatedServiceAccount",),
    remediation="Write the name into serviceAccountName and remove serviceAccount.",
    fix=_fix,
)
def service_account_deprecated_field(pod: Pod) -> Iterator[Violation]:
    """serviceAccount is an old name of serviceAccountName. It still works, but people and tools that read only the new
    one take the pod for one with the default account, and overlook what it is allowed.

    Legitimate nowhere; harmless beside a serviceAccountName, as in every object that was read from a cluster.
    """
    if pod.spec.service_account and not pod.spec.service_account_name:
        yield Violation(pod.at("serviceAccount"), f"names {shown(pod.spec.service_account)} by a deprecated field")
