"""How often each rule fires on real workloads, as a page: python -m benchmarks.firing CORPUS > docs/firing.md

CORPUS holds one JSON object a line, compressed with gzip: `object`, `origin_class`, and `source` with `repo` and
`rendered`. It is not part of the project; only what is measured from it is.
"""

import gzip
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from policies import config, registry, resource
from policies.config import Policy
from policies.decision import Verdict, decide
from policies.profile import Action
from policies.resource import Resource, UnreadableObjectError

#: Repositories whose charts are kept by the projects or companies themselves, or were by Kubernetes.
OFFICIAL = (
    "argoproj/argo-helm", "aws/eks-charts", "elastic/helm-charts", "helm/charts", "istio/istio", "kyverno/kyverno",
    "kubernetes/autoscaler", "kubernetes/ingress-nginx", "open-telemetry/opentelemetry-helm-charts",
    "prometheus-community/helm-charts", "NVIDIA/k8s-device-plugin", "kubernetes-sigs/aws-ebs-csi-driver",
)  # fmt: skip


def main(corpus: str) -> Iterator[str]:
    """The page."""
    with gzip.open(Path(corpus), "rt") as file:
        lines = [json.loads(line) for line in file]
    rows = [(line, found) for line in lines if (found := _read(line["object"])) is not None]
    benign = [found for line, found in rows if line["origin_class"].startswith("benign")]
    charts = [found for line, found in rows if _is_official(line)]
    yield "<!-- Written by benchmarks/firing.py from a corpus of real manifests: do not edit. -->\n\n"
    yield "# How often rules fire\n\n"
    repositories = len({line["source"]["repo"] for line in lines})
    yield f"Every rule was run over {len(rows):,} real workloads of {repositories} public repositories; none makes\n"
    unread = len(lines) - len(rows)
    yield f"Podgate fail. {unread} more have fields of a wrong type, which the API server refuses, too.\n\n"
    yield f"Benign: {len(benign):,} workloads that were written to be run. Official charts: {len(charts)} of them, of\n"
    yield "charts that projects and companies keep themselves. The corpus holds workloads only: rules about other\n"
    yield "objects find nothing here.\n\n"
    yield from _verdicts(charts)
    yield from _table(benign, charts)


def _read(obj: dict[str, Any]) -> Resource | None:
    try:
        return resource.read(obj)
    except UnreadableObjectError:
        return None


def _is_official(line: dict[str, Any]) -> bool:
    source = line["source"]
    return bool(source["repo"] in OFFICIAL and source["rendered"] and line["origin_class"].startswith("benign"))


def _verdicts(charts: list[Resource]) -> Iterator[str]:
    yield "## Profiles on official charts\n\n"
    yield "| profile | allowed | warned | denied | warnings of a workload that is not denied (median) |\n"
    yield "|---|---|---|---|---|\n"
    for name in ("recommended", "pss-baseline", "pss-restricted", "nsa", "cis"):
        policy = config.of_profile(name)
        decisions = [decide(policy.engine.evaluate(found), policy) for found in charts]
        counts = Counter(each.verdict for each in decisions)
        kept = [each for each in decisions if each.verdict is not Verdict.DENY]
        warned = median(sum(reason.action is Action.WARN for reason in each.reasons) for each in kept)
        shares = (_share(counts[verdict], len(charts)) for verdict in (Verdict.ALLOW, Verdict.WARN, Verdict.DENY))
        yield f"| `{name}` | {' | '.join(shares)} | {warned:g} |\n"
    yield "\nWhat `recommended` denies are node agents that use the host, for which an override or a profile of their\n"
    yield "namespace is meant.\n\n"


def _table(benign: list[Resource], charts: list[Resource]) -> Iterator[str]:
    policy = config.of_profile("all")
    among, official = _fired(benign, policy), _fired(charts, policy)
    recommended = config.of_profile("recommended").actions
    yield "## Rules\n\n| rule | severity | in `recommended` | benign | official charts |\n|---|---|---|---|---|\n"
    for rule in sorted(registry.load(), key=lambda rule: (-official[rule.id], rule.id)):
        shares = f"{_share(among[rule.id], len(benign))} | {_share(official[rule.id], len(charts))}"
        action = recommended.get(rule.id, Action.OFF)
        yield f"| [{rule.id}](rules.md#{rule.id}) | {rule.severity} | {action} | {shares} |\n"


def _fired(found: Iterable[Resource], policy: Policy) -> Counter[str]:
    return Counter(
        rule for each in found for rule in {finding.rule.id for finding in policy.engine.evaluate(each).findings}
    )


def _share(count: int, total: int) -> str:
    return f"{100 * count / total:.1f} %" if count else "-"


if __name__ == "__main__":
    sys.stdout.writelines(main(sys.argv[1]))
