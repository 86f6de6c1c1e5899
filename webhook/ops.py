"""The operations port: is it alive, is it able to judge, what has it counted. No object is ever shown here.

It has a port of its own, in plain HTTP: the kubelet cannot show a client certificate.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from time import monotonic

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.types import Receive, Scope, Send

from policies import config
from policies.decision import Verdict
from policies.profile import Action
from webhook.admission import Admitted, admit
from webhook.app import Gate, problem
from webhook.metrics import Metrics

_METRICS_SECONDS = 1.0
_RULE = "privileged"


def _review(*, privileged: bool) -> bytes:
    context = {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "runAsNonRoot": True,
        "runAsUser": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    container = {
        "name": "self-review",
        "image": "registry.invalid/self-review:1",
        "securityContext": {"privileged": True} if privileged else context,
    }
    meta = {"name": "self-review", "namespace": "podgate-self-review"}
    request = {
        "uid": "self-review",
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "operation": "CREATE",
        "dryRun": True,
        "object": {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {"containers": [container]}},
    }
    return msgspec.json.encode({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request})


class SelfReview:
    """Proves that this process can judge, by judging: two pods whose verdicts are known."""

    def __init__(self) -> None:
        self._baseline = config.of_profile("pss-baseline")
        self._good, self._bad = _review(privileged=False), _review(privileged=True)

    def problem(self, policy: config.Policy) -> str | None:
        """What is wrong with the rules or with the policy in force; None when both judge as they must."""
        try:
            return self._rules() or self._policy(policy)
        except Exception as error:  # noqa: BLE001 - whatever breaks a review makes this process unable to judge
            return f"the self-review failed: {type(error).__name__}"

    def _rules(self) -> str | None:
        if admit(self._good, self._baseline).decision.verdict is not Verdict.ALLOW:
            return "the self-review failed: a hardened pod is not allowed at the baseline level"
        if admit(self._bad, self._baseline).decision.verdict is not Verdict.DENY:
            return "the self-review failed: a privileged pod is not denied at the baseline level"
        return None

    def _policy(self, policy: config.Policy) -> str | None:
        # A policy may deny anything or nothing. What it cannot do is not see what one of its own rules is about.
        good, bad = admit(self._good, policy), admit(self._bad, policy)
        if _finds(good):
            return "the self-review failed: the policy in force finds a hardened pod privileged"
        if policy.actions.get(_RULE, Action.OFF) is not Action.OFF and not _finds(bad):
            return "the self-review failed: the policy in force does not see that a pod is privileged"
        return None


def _finds(admitted: Admitted) -> bool:
    return any(reason.finding.rule.id == _RULE for reason in admitted.decision.reasons)


class Readiness:
    """Whether this process is able to judge, and if not, why."""

    def __init__(
        self,
        gate: Gate,
        not_after: Callable[[], datetime],
        clock: Callable[[], datetime],
        missing: Callable[[], str | None] = lambda: None,
    ) -> None:
        """`missing` says what is not known yet that must be at the start."""
        self._gate = gate
        self._missing = missing
        self._not_after = not_after
        self._clock = clock
        self._review = SelfReview()
        self.serving = False
        self.draining = False
        #: Each tells of a file that cannot be used as it is now, or nothing: what is in force goes on.
        self.notes: list[Callable[[], str]] = []

    def warm_up(self) -> str | None:
        """Judge for the first time, so that nothing is slow later. Returns what is wrong, if anything is."""
        return self._review.problem(self._gate.policy)

    def problems(self) -> list[str]:
        """Every reason not to send reviews here."""
        found = []
        if not self.serving:
            found.append("the server is starting")
        if self.draining:
            found.append("the server is draining")
        if self._not_after() <= self._clock():
            found.append(f"the serving certificate expired at {self._not_after():%Y-%m-%dT%H:%M:%SZ}")
        if missing := self._missing():
            found.append(missing)
        if problem_ := self._review.problem(self._gate.policy):
            found.append(problem_)
        return found


class Ops:
    """The application of the operations port: an ASGI callable."""

    def __init__(self, readiness: Readiness, metrics: Metrics, flush: Callable[[], None] = lambda: None) -> None:
        """`flush` is called before metrics are rendered: whatever was not counted yet is counted by it."""
        self._readiness = readiness
        self._metrics = metrics
        self._flush = flush
        self._lock = asyncio.Lock()
        self._rendered: tuple[float, bytes] | None = None

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            status, kind, body = await self._answer(scope["method"], scope["path"])
            headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
            if status == 405:
                headers.append((b"allow", b"GET, HEAD"))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    async def _answer(self, method: str, path: str) -> tuple[int, str, bytes]:
        if path not in ("/healthz", "/readyz", "/metrics"):
            return 404, "application/json", problem(404, "there are /healthz, /readyz and /metrics")
        if method not in ("GET", "HEAD"):
            return 405, "application/json", problem(405, "only GET")
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, await self._render()
        problems = self._readiness.problems() if path == "/readyz" else []
        if problems:
            return 503, "application/json", msgspec.json.encode({"ready": False, "problems": problems})
        notes = [note for tell in self._readiness.notes if (note := tell())] if path == "/readyz" else []
        return 200, "text/plain; charset=utf-8", "".join(f"{line}\n" for line in ("ok", *notes)).encode()

    async def _render(self) -> bytes:
        # Rendering takes as long as a hundred reviews: in a thread, one at a time, and at most once a second.
        async with self._lock:
            if self._rendered is None or monotonic() - self._rendered[0] > _METRICS_SECONDS:
                self._flush()
                self._rendered = monotonic(), await asyncio.to_thread(self._metrics.render)
            return self._rendered[1]
