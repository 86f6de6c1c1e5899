from collections.abc import Iterator, Mapping
from typing import Any

from policies.api import ObjectMeta, PodSpec
from policies.objects import Workload
from policies.rule import Severity, Violation, rule
from policies.selector import Labels, matches

_EMPTY = PodSpec()
_NO_META = ObjectMeta()
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


@rule(
    title="Replicas that may all run on one node",
    severity=Severity.INFO,
    references=("Kubernetes: Assigning Pods to Nodes", "MITRE ATT&CK T1499"),
    remediation="Set podAntiAffinity or topologySpreadConstraints with the labels of the pods themselves.",
)
def anti_affinity(workload: Workload) -> Iterator[Violation]:
    """Several replicas are there so that one may fail. Where the scheduler is not told to keep them apart they may
    share a node, and who takes that node down takes all of them.

    Legitimate for replicas that only share work, and in clusters whose scheduler spreads pods by default. A rule that
    selects other pods than the workload's own keeps nothing apart.
    """
    if workload.replicas < 2 or workload.controlled or workload.kind == "DaemonSet":
        return
    template = workload.spec.template if workload.spec is not None else None
    pod = (template.spec if template is not None else None) or _EMPTY
    if any(pod.topology_spread_constraints or ()):
        return
    rules = (pod.affinity.pod_anti_affinity if pod.affinity is not None else None) or {}
    meta = (template.metadata if template is not None else None) or _NO_META
    if not any(_keeps_apart(term, meta.labels or {}) for term in _terms(rules)):
        problem = "selects none of the workload's own pods" if rules else "is not set"
        path = ("spec", "template", "spec", "affinity", "podAntiAffinity")
        yield Violation(path, f"{problem}, so that its {workload.replicas} replicas may share a node")


def _terms(rules: Mapping[str, Any]) -> Iterator[Any]:
    for name in (_REQUIRED, _PREFERRED):
        items = rules.get(name)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, Mapping):
                yield item if name == _REQUIRED else item.get("podAffinityTerm")


def _keeps_apart(term: Any, labels: Labels) -> bool:
    return isinstance(term, Mapping) and matches(term.get("labelSelector"), labels)
