from collections.abc import Iterator

from policies.pod import Pod, shown
from policies.rule import Severity, Violation, rule


@rule(
    title="Secret handed over as environment variables",
    severity=Severity.INFO,
    references=("CIS 5.4.1", "MITRE ATT&CK T1552.007"),
    remediation="Mount the Secret as files, in a volume with readOnly: true.",
)
def secret_as_env_ref(pod: Pod) -> Iterator[Violation]:
    """Environment variables end up where nobody expects credentials: in crash reports and debug pages, in logs, in
    /proc for every process of the container, and in whatever it starts. Files reach only who opens them, and are
    renewed while the pod runs.

    Legitimate for programs that read their credentials from nowhere else.
    """
    for container in pod.containers:
        for index, variable in enumerate(container.env):
            source = variable.value_from if variable is not None else None
            if source is not None and source.secret_key_ref is not None:
                path = container.at("env", index, "valueFrom", "secretKeyRef")
                yield Violation(
                    path, f"hands over a key of the Secret {shown(source.secret_key_ref.name)} ({container})"
                )
        for index, origin in enumerate(container.spec.env_from or ()):
            if origin is not None and origin.secret_ref is not None:
                path = container.at("envFrom", index, "secretRef")
                yield Violation(path, f"hands over all of the Secret {shown(origin.secret_ref.name)} ({container})")
