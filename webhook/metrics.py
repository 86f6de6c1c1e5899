"""What is counted: every metric's name, labels and bounds are here and nowhere else.

No label holds anything that a requester chooses: kinds that hold no pods, as far as is known, are all called `other`.
"""

from collections.abc import Callable
from typing import Literal

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    disable_created_metrics,
    generate_latest,
)

from policies import kinds
from policies.config import Policy
from policies.kinds import Kind
from webhook.admission import Admitted

#: Where a request failed. http: it never became one. call: it is no review. overload: there was no room for it.
#: review: a mistake of ours. late: the answer was ready after the caller had stopped waiting. log: a line was lost.
Stage = Literal["http", "call", "overload", "review", "late", "log"]
What = Literal["certificate", "policy"]

_STAGES: tuple[Stage, ...] = ("http", "call", "overload", "review", "late", "log")
_WHATS: tuple[What, ...] = ("certificate", "policy")
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25, 1.0, 2.5, 10.0)


class Metrics:
    """All that this process counts, in a registry of its own."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        registry = self.registry = CollectorRegistry()
        self._info = Info("podgate", "What is running.", registry=registry)
        self._reviews = Counter(
            "podgate_reviews",
            "Reviews that were answered.",
            ("operation", "kind", "decision", "mode", "dry_run"),
            registry=registry,
        )
        self._findings = Counter(
            "podgate_findings", "What rules found, by what it led to.", ("rule", "action"), registry=registry
        )
        self._duration = Histogram(
            "podgate_review_duration_seconds",
            "From the last byte of a review to its answer.",
            buckets=_BUCKETS,
            registry=registry,
        )
        errors = Counter("podgate_errors", "What failed, by where.", ("stage",), registry=registry)
        reloads = Counter("podgate_reloads", "Changes of files while serving.", ("what", "result"), registry=registry)
        self._expiry = Gauge(
            "podgate_certificate_expiry_timestamp_seconds", "When the serving certificate ends.", registry=registry
        )
        self._errors = {stage: errors.labels(stage) for stage in _STAGES}
        self._reloads = {
            (what, ok): reloads.labels(what, "ok" if ok else "failed") for what in _WHATS for ok in (True, False)
        }
        self._review_children: dict[tuple[str, str, str, str, bool], Counter] = {}
        self._finding_children: dict[tuple[str, int], Counter] = {}

    def review(self, admitted: Admitted, policy: Policy, seconds: float) -> None:
        """Count a review that was answered."""
        request, decision = admitted.request, admitted.decision
        kind = request.kind.kind if kinds.holds_pods(Kind(request.kind.group, request.kind.kind)) else "other"
        key = (request.operation, kind, decision.verdict.value, policy.mode.value, bool(request.dry_run))
        child = self._review_children.get(key)
        if child is None:
            child = self._review_children[key] = self._reviews.labels(*key[:4], "true" if key[4] else "false")
        child.inc()
        self._duration.observe(seconds)
        for reason in decision.reasons:
            self._finding(reason.finding.rule.id, reason.action).inc()

    def _finding(self, rule: str, action: int) -> Counter:
        child = self._finding_children.get((rule, action))
        if child is None:
            child = self._finding_children[rule, action] = self._findings.labels(rule, str(action))
        return child

    def error(self, stage: Stage, count: int = 1) -> None:
        self._errors[stage].inc(count)

    def lost(self, count: int) -> None:
        """Count lines that could not be written."""
        self.error("log", count)

    def reload(self, what: What, *, ok: bool) -> None:
        self._reloads[what, ok].inc()

    def expiry(self, timestamp: float) -> None:
        """When the certificate that is served ends, in seconds since 1970."""
        self._expiry.set(timestamp)

    def running(self, version: str, policy: Policy, model: str = "none") -> None:
        """What answers from now on."""
        self._info.info({"version": version, "policy": f"{policy.name}@{policy.hash}", "model": model})

    def render(self) -> bytes:
        """The text that Prometheus reads; takes milliseconds."""
        return generate_latest(self.registry)


#: Tells that something failed at a stage.
Report = Callable[[Stage], None]
