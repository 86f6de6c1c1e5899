from collections.abc import Iterator

from policies.identity import Kind
from policies.path import Path
from policies.pod import Pod
from policies.rule import Edit, Put, Severity, Violation, rule

_POD = Kind("", "Pod")
_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a folder


def _fix(_pod: Pod, path: Path) -> Iterator[Edit]:
    yield Put(path, value=False)


@rule(
    title="Service account token is mounted automatically",
    severity=Severity.LOW,
    references=("CIS 5.1.6", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1528"),
    remediation="Set automountServiceAccountToken to false where the pod does not call the API server.",
    fix=_fix,
)
def service_account_token_automount(pod: Pod) -> Iterator[Violation]:
    """Every container gets a token in a file, with which an attacker who got in speaks to the API server as the pod's
    service account: lists what is there, and does whatever the account may do.

    Legitimate for what speaks to the API server: operators, controllers, agents. What a service account opts out of is
    not known here, but shows in a pod that comes from the API server: no token is mounted there.
    """
    automount = pod.spec.automount_service_account_token
    if automount is not False and not _has_none(pod):
        problem = "is true" if automount else "is not false"
        yield Violation(pod.at("automountServiceAccountToken"), problem)


def _has_none(pod: Pod) -> bool:
    """Whether the API server has seen this pod, and gave it no token.

    It writes the account's name into both fields, and mounts the token before any webhook is asked
    (plugin/pkg/admission/serviceaccount).
    """
    spec = pod.spec
    seen = pod.object.kind == _POD and spec.service_account and spec.service_account == spec.service_account_name
    return bool(seen) and not any(
        mount is not None and (mount.mount_path or "").rstrip("/") == _TOKEN
        for container in pod.containers
        for mount in container.mounts
    )
