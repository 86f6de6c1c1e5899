"""What is counted: every metric's name, labels and bounds are here and nowhere else.

No label holds anything that a requester chooses: kinds that hold no pods, as far as is known, are all called `other`.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import accumulate
from time import time
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, Gauge, Info, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from policies import kinds
from policies.config import Policy
from policies.identity import Kind
from policies.profile import Action
from webhook.admission import Admitted
from webhook.deadline import Spared
from webhook.journal import Told

#: Where a request failed. http: it never became one. call: it is no review. overload: there was no room for it.
#: review: a mistake of ours. late: the answer was ready after the caller had stopped waiting. log: a line was lost.
Stage = Literal["http", "call", "overload", "review", "late", "log"]
What = Literal["certificate", "policy", "model", "namespaces"]
#: What the cluster is asked for. list, watch: all namespaces. namespace, owner: an object. access: who may override.
#: certificates: what managed certificates need.
ClusterWhat = Literal["list", "watch", "namespace", "owner", "access", "certificates"]
#: What came of it. missing: there is none. refused: Podgate may not ask. late: not in time. unasked: there was no room,
#: or it is no question for a cluster.
ClusterResult = Literal["ok", "missing", "refused", "failed", "late", "unasked"]

_STAGES: tuple[Stage, ...] = ("http", "call", "overload", "review", "late", "log")
_WHATS: tuple[What, ...] = get_args(What)
_OVERRIDES = ("used", "refused")
_RISKS = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
#: Of a kind and its group: Kubernetes takes 63 and 253 characters.
_LONGEST = 63 + 253
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 2.5, 10.0)


class _Reviews(Collector):
    """What is counted at every review. Only the event loop counts, so nothing is locked; rendering takes a copy."""

    def __init__(self) -> None:
        self.reviews: dict[tuple[str, str, str, str, bool], int] = {}
        self.findings: dict[tuple[str, int], int] = {}
        self.buckets = [0] * (len(_BUCKETS) + 1)
        self.seconds = 0.0
        self.risks = [0] * (len(_RISKS) + 1)
        self.risk = 0.0
        self.overrides = dict.fromkeys(_OVERRIDES, 0)
        self.skipped = dict.fromkeys(get_args(Spared), 0)

    def collect(self) -> Iterator[Metric]:
        """The families that Prometheus reads."""
        labels = ("operation", "kind", "decision", "mode", "dry_run")
        reviews = CounterMetricFamily("podgate_reviews", "Reviews that were answered.", labels=labels)
        for (*names, dry_run), count in list(self.reviews.items()):
            reviews.add_metric([*names, "true" if dry_run else "false"], count)
        yield reviews
        text = "What rules found, by what it led to."
        findings = CounterMetricFamily("podgate_findings", text, labels=("rule", "action"))
        for (rule, action), count in list(self.findings.items()):
            findings.add_metric([rule, str(Action(action))], count)
        yield findings
        bounds = [*map(str, _BUCKETS), "+Inf"]
        buckets = list(zip(bounds, accumulate(self.buckets), strict=True))
        text = "From the last byte of a review to its answer."
        yield HistogramMetricFamily("podgate_review_duration_seconds", text, buckets, self.seconds)
        overrides = CounterMetricFamily("podgate_overrides", "Overrides that were asked for.", labels=("result",))
        for result, count in self.overrides.items():
            overrides.add_metric([result], count)
        yield overrides
        skipped = CounterMetricFamily("podgate_skipped", "What there was no time for.", labels=("what",))
        for what, count in self.skipped.items():
            skipped.add_metric([what], count)
        yield skipped
        risks = list(zip([*map(str, _RISKS), "+Inf"], accumulate(self.risks), strict=True))
        yield HistogramMetricFamily("podgate_risk", "What the classifier says of objects with pods.", risks, self.risk)


class _Dates(Collector):
    """What is shown only where it is known: zero would be a date, too, and an alert."""

    ends: float | None = None

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "podgate_certificate_authority_expiry_timestamp_seconds",
            "When the authority of managed certificates ends.",
            self.ends,
        )


def _label(group: str, kind: str) -> str:
    return _known_label(group, kind) if len(group) + len(kind) <= _LONGEST else "other"


@lru_cache(maxsize=256)
def _known_label(group: str, kind: str) -> str:
    return kind if kinds.holds_pods(Kind(group, kind)) else "other"


class Metrics:
    """All that this process counts, in a registry of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = CollectorRegistry()
        self._info = Info("podgate", "What is running.", registry=registry)
        self._counted = _Reviews()
        registry.register(self._counted)
        errors = Counter("podgate_errors", "What failed, by where.", ("stage",), registry=registry)
        reloads = Counter("podgate_reloads", "Changes of files while serving.", ("what", "result"), registry=registry)
        self._expiry = Gauge(
            "podgate_certificate_expiry_timestamp_seconds", "When the serving certificate ends.", registry=registry
        )
        self._authority = _Dates()
        registry.register(self._authority)
        self._errors = {stage: errors.labels(stage) for stage in _STAGES}
        self._reloads = {
            (what, ok): reloads.labels(what, "ok" if ok else "failed") for what in _WHATS for ok in (True, False)
        }
        self._count_cluster(registry)

    def _count_cluster(self, registry: CollectorRegistry) -> None:
        text = "What the cluster was asked for, and what came of it."
        asked = Counter("podgate_cluster_requests", text, ("what", "result"), registry=registry)
        self._asked = {
            (what, result): asked.labels(what, result)
            for what in get_args(ClusterWhat)
            for result in get_args(ClusterResult)
        }
        self._namespaces = Gauge("podgate_namespaces", "Namespaces whose labels are known.", registry=registry)
        self._heard = Gauge(
            "podgate_namespaces_heard_timestamp_seconds", "When the cluster last told of namespaces.", registry=registry
        )

    def reviews(self, told: Iterable[Told]) -> None:
        """Count reviews that were answered."""
        for _, admitted, policy, seconds in told:
            self.review(admitted, policy, seconds)

    def review(self, admitted: Admitted, policy: Policy, seconds: float) -> None:
        """Count a review that was answered."""
        request, decision, counted = admitted.request, admitted.decision, self._counted
        kind = _label(request.kind.group, request.kind.kind)
        key = (request.operation, kind, decision.verdict.value, policy.mode.value, bool(request.dry_run))
        counted.reviews[key] = counted.reviews.get(key, 0) + 1
        counted.buckets[bisect_left(_BUCKETS, seconds)] += 1
        counted.seconds += seconds
        if decision.risk is not None:
            chance = decision.risk.probability
            counted.risks[bisect_left(_RISKS, chance)] += 1
            counted.risk += chance
        counted.overrides["used"] += len(decision.lifted)
        counted.overrides["refused"] += len(decision.refusals)
        for what in admitted.spared:
            counted.skipped[what] += 1
        for reason in decision.reasons:
            found = (reason.finding.rule.id, int(reason.action))
            counted.findings[found] = counted.findings.get(found, 0) + 1

    def error(self, stage: Stage, count: int = 1) -> None:
        self._errors[stage].inc(count)

    def lost(self, count: int) -> None:
        """Count lines that could not be written."""
        self.error("log", count)

    def reload(self, what: What, *, ok: bool) -> None:
        self._reloads[what, ok].inc()

    def cluster(self, what: ClusterWhat, result: ClusterResult) -> None:
        """Count a question to the cluster."""
        self._asked[what, result].inc()

    def namespaces(self, count: int) -> None:
        """Of how many namespaces the labels are known."""
        self._namespaces.set(count)

    def heard(self) -> None:
        """The cluster has just told of namespaces."""
        self._heard.set(time())

    def expiry(self, timestamp: float) -> None:
        """When the certificate that is served ends, in seconds since 1970."""
        self._expiry.set(timestamp)

    def authority(self, timestamp: float) -> None:
        """When the authority that signs it ends, in seconds since 1970."""
        self._authority.ends = timestamp

    def running(self, version: str, policy: Policy) -> None:
        """What answers from now on."""
        self._info.info({"version": version, "policy": f"{policy.name}@{policy.hash}", "model": policy.model})

    def render(self) -> bytes:
        """The text that Prometheus reads; takes milliseconds."""
        return generate_latest(self.registry)


#: Tells that something failed at a stage.
Report = Callable[[Stage], None]
