from collections.abc import Iterator

from policies.lists.deprecated_apis import DeprecatedApis, OldVersion
from policies.path import Path
from policies.pod import shown
from policies.resource import Resource
from policies.rule import Edit, Put, Severity, Violation, rule


def _found(resource: Resource, apis: DeprecatedApis) -> OldVersion | None:
    return apis.find(resource.identity.api_version, resource.identity.kind.kind)


def _fix(resource: Resource, path: Path, apis: DeprecatedApis) -> Iterator[Edit]:
    line = _found(resource, apis)
    if line is not None and line.same:
        yield Put(path, line.use)


@rule(
    title="Deprecated API version",
    severity=Severity.MEDIUM,
    references=("Kubernetes deprecated API migration guide", "Kubernetes deprecation policy"),
    remediation="Write the object for the API version that replaces this one.",
    fix=_fix,
)
def deprecated_api(resource: Resource, apis: DeprecatedApis) -> Iterator[Violation]:
    """An API version that is gone cannot be applied any more: after an upgrade of the cluster the manifest can neither
    restore nor repair what it describes, and a policy in it (a NetworkPolicy, a webhook) is silently no longer there.

    Legitimate in manifests for clusters of an old release, which do not know the replacement yet.
    """
    line = _found(resource, apis)
    if line is not None:
        gone = f" and gone from {line.removed} on" if line.removed else ""
        use = f"; use {line.use}" if line.use else ", without a replacement"
        kind = shown(resource.identity.kind.kind)
        since = f"deprecated since Kubernetes {line.deprecated}{gone}"
        yield Violation(("apiVersion",), f"is {line.api}, which for {kind} is {since}{use}")
