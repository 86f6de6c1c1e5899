"""What runs in a cluster, judged as if it came anew: counted by namespace, and the worst of it by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from policies import decision as decisions
from policies import overrides
from policies import resource as resources
from policies.config import Mode, Policy
from policies.decision import Decision, Verdict
from policies.identity import Kind
from policies.profile import Action
from policies.resource import Resource, UnreadableObjectError
from policies.rule import Severity
from webhook.admission import runs_apart
from webhook.preflight.live import dig, listed
from webhook.preflight.report import Denial, Space
from webhook.recorded import workload

_MOST_DENIALS = 1_000
_MOST_TEXT = 300
_PREFIX = "podgate.dev/override"
_MIRROR = "kubernetes.io/config.mirror"


class Listing(NamedTuple):
    """A kind, and where it is listed."""

    path: str
    api_version: str
    kind: str
    query: str = ""


#: What owns comes before what is owned, and pods last.
LISTINGS = (
    Listing("/apis/batch/v1/cronjobs", "batch/v1", "CronJob"),
    Listing("/apis/batch/v1/jobs", "batch/v1", "Job"),
    Listing("/apis/apps/v1/deployments", "apps/v1", "Deployment"),
    Listing("/apis/apps/v1/statefulsets", "apps/v1", "StatefulSet"),
    Listing("/apis/apps/v1/daemonsets", "apps/v1", "DaemonSet"),
    Listing("/apis/apps/v1/replicasets", "apps/v1", "ReplicaSet"),
    Listing("/api/v1/replicationcontrollers", "v1", "ReplicationController"),
    Listing("/api/v1/podtemplates", "v1", "PodTemplate"),
    # What has ended does not come again.
    Listing("/api/v1/pods", "v1", "Pod", "&fieldSelector=status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed"),
)
_CONTROLLERS = {(each.api_version, each.kind) for each in LISTINGS}


@dataclass(slots=True)
class _Count:
    mode: Mode
    judged: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    denied: dict[bool, int] = field(default_factory=lambda: {True: 0, False: 0})
    worst: Denial | None = None


class Census:
    """Counts objects as they come, and keeps none of them."""

    def __init__(
        self,
        policy: Policy,
        labels: Callable[[str], Mapping[str, str] | None],
        is_asked: Callable[[str], bool],
        now: datetime,
    ) -> None:
        """`labels` are those of a namespace, None where they are not known; `is_asked`: whether pods there are seen."""
        self._policy = policy
        self._labels = labels
        self._is_asked = is_asked
        self._now = now
        self._counts: dict[str, _Count] = {}
        self._denials: dict[tuple[str, str, str], Denial] = {}
        self._asked: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.omitted = 0

    def add(self, kind: str, api_version: str, obj: dict[str, Any]) -> None:
        """Judge an object, unless nobody would ask about it or its owner stands for it."""
        obj = {**obj, "apiVersion": api_version, "kind": kind}
        namespace = str(dig(obj, "metadata", "namespace") or "")
        if not self._is_asked(namespace):
            return
        owner = _controller(obj)
        self._inherit(obj, namespace, owner)
        annotations = dig(obj, "metadata", "annotations") or {}
        is_pod = kind == "Pod"
        owned = owner is not None and (owner.get("apiVersion"), owner.get("kind")) in _CONTROLLERS
        if (owned and not is_pod) or (is_pod and _MIRROR in annotations) or _has_ended(kind, obj):
            return
        here = self._policy.within(namespace, self._labels(namespace))
        if here.off or here.excludes(namespace, None):
            return
        decision = self._decided(obj, Kind(api_version.rpartition("/")[0], kind), here)
        if decision is None:
            return
        count = self._counts.setdefault(namespace, _Count(here.mode))
        count.judged[is_pod] += 1
        if decision.verdict is Verdict.DENY:
            count.denied[is_pod] += 1
            self._keep(count, decision, workload.of(namespace, kind, str(dig(obj, "metadata", "name") or "")))

    def _inherit(self, obj: dict[str, Any], namespace: str, owner: dict[str, Any] | None) -> None:
        """What controllers make has the overrides of what it was made of; whether they are granted is not asked."""
        meta = dict(dig(obj, "metadata") or {})
        annotations = dict(meta.get("annotations") or {})
        if owner is not None:
            key = (namespace, str(owner.get("kind")), str(owner.get("name")))
            annotations = {**self._asked.get(key, {}), **annotations}
            obj["metadata"] = {**meta, "annotations": annotations}
        asked = {name: text for name, text in annotations.items() if name.startswith(_PREFIX)}
        if asked and obj["kind"] != "Pod":
            self._asked[namespace, obj["kind"], str(meta.get("name"))] = asked

    def _decided(self, obj: dict[str, Any], kind: Kind, here: Policy) -> Decision | None:
        """What would be decided of it if the policy enforced; None where it is not judged."""
        strict = replace(here, mode=Mode.ENFORCE)
        try:
            resource: Resource = resources.read(obj, kind)
            if runs_apart(resource, here):
                return None
            asked = overrides.of(resource, here.overrides, self._now)
            return decisions.decide(here.engine.evaluate(resource), strict, overrides=asked)
        except UnreadableObjectError as error:
            return decisions.refuse(error, strict)

    def _keep(self, count: _Count, decision: Decision, whose: workload.Workload) -> None:
        severity, message = _worst(decision)
        enforced = count.mode is Mode.ENFORCE
        before = self._denials.get(whose)
        number = 1 + (before.count if before is not None else 0)
        found = Denial(whose.namespace, whose.kind, whose.name, number, severity, message, enforced)
        if before is not None and before.severity >= severity:
            found = msgspec.structs.replace(before, count=number)
        if before is None and len(self._denials) >= _MOST_DENIALS:
            self.omitted += 1
        else:
            self._denials[whose] = found
        if count.worst is None or found.severity > count.worst.severity:
            count.worst = found

    def spaces(self) -> tuple[Space, ...]:
        """Every namespace in which something was judged: the one with most to deny first."""
        found = [
            Space(
                name,
                count.mode,
                count.judged[False],
                count.denied[False],
                count.judged[True],
                count.denied[True],
                count.worst,
            )
            for name, count in self._counts.items()
        ]
        return tuple(sorted(found, key=lambda each: (-each.workloads_denied, -each.pods_denied, each.namespace)))

    def denials(self) -> tuple[Denial, ...]:
        """What would be denied, the worst first."""
        return tuple(
            sorted(self._denials.values(), key=lambda each: (-each.severity, each.namespace, each.kind, each.name))
        )


def _controller(obj: dict[str, Any]) -> dict[str, Any] | None:
    owners = listed(obj, "metadata", "ownerReferences")
    return next((each for each in owners if each.get("controller") is True), None)


def _has_ended(kind: str, obj: dict[str, Any]) -> bool:
    """Whether it is a Job that will make no more pods."""
    ends = {"Complete", "Failed"}
    conditions = listed(obj, "status", "conditions") if kind == "Job" else []
    return any(each.get("type") in ends and each.get("status") == "True" for each in conditions)


def _worst(decision: Decision) -> tuple[Severity, str]:
    """The most severe reason of a denial, in one line."""
    if decision.unreadable is not None:
        return Severity.HIGH, f"cannot be understood: {decision.unreadable}"[:_MOST_TEXT]
    denying = [reason for reason in decision.reasons if reason.action is Action.DENY]
    if not denying:
        return Severity.HIGH, decision.risk_text[:_MOST_TEXT]
    worst = max(denying, key=lambda reason: reason.finding.rule.severity)
    finding = worst.finding
    return finding.rule.severity, worst.text.removesuffix(f" {finding.rule.remediation}")[:_MOST_TEXT]
