from collections.abc import Iterator, Mapping

from policies.objects import Workload
from policies.path import Path
from policies.pod import shown
from policies.rule import Severity, Violation, rule
from policies.selector import unmet, unmet_labels


@rule(
    title="Selector that does not select the workload's pods",
    severity=Severity.MEDIUM,
    references=("Kubernetes: Labels and Selectors", "k8s.io/kubernetes/pkg/apis/apps/validation"),
    remediation="Give the template the labels that spec.selector asks for.",
)
def selector_mismatch(workload: Workload) -> Iterator[Violation]:
    """A workload whose selector does not select its own pods is refused by the API server. Where an old version took
    it, it counts other pods as its own, adopts and deletes them, and starts new ones without end.

    Never legitimate. A ReplicationController's selector is plain labels.
    """
    spec = workload.spec
    if spec is None or spec.selector is None or spec.template is None:
        return
    labels = (spec.template.metadata.labels if spec.template.metadata is not None else None) or {}
    # Third parties copied the old form as well as the new one.
    plain = workload.kind == "ReplicationController"
    for path, key in (unmet_labels if plain else unmet)(spec.selector, labels):
        yield Violation(("spec", "selector", *path), _problem(path, key, labels))


def _problem(path: Path, key: str, labels: Mapping[str, str | None]) -> str:
    there = f"the template has {shown(labels[key])}" if key in labels else "the template does not have it"
    return (
        f"does not match: {there}" if path[0] != "matchExpressions" else f"about {shown(key)} does not match: {there}"
    )
