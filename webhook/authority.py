"""Who may override, and what owners and namespaces are: a question is a request to the API server, or a recent answer.

Nothing is believed for long, nothing is asked twice at once, and nothing that a requester writes chooses where a
request goes: kinds come from a table, and names that are none are not asked for.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from webhook.asking import Answer, MayOverride, NamespaceOf, OwnerOf, Question
from webhook.cluster import Cluster, ClusterError
from webhook.metrics import ClusterResult, ClusterWhat

_REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
#: The kinds that controllers make objects for, and where the API server keeps them.
_OWNERS = {
    ("apps/v1", "ReplicaSet"): "/apis/apps/v1/namespaces/{}/replicasets/{}",
    ("apps/v1", "Deployment"): "/apis/apps/v1/namespaces/{}/deployments/{}",
    ("apps/v1", "StatefulSet"): "/apis/apps/v1/namespaces/{}/statefulsets/{}",
    ("apps/v1", "DaemonSet"): "/apis/apps/v1/namespaces/{}/daemonsets/{}",
    ("batch/v1", "Job"): "/apis/batch/v1/namespaces/{}/jobs/{}",
    ("batch/v1", "CronJob"): "/apis/batch/v1/namespaces/{}/cronjobs/{}",
    ("v1", "ReplicationController"): "/api/v1/namespaces/{}/replicationcontrollers/{}",
}
# What Kubernetes takes as a name (a DNS subdomain). Nothing in it means anything in an address.
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9.]*[a-z0-9])?")

AT_ONCE = 8
MAX_WAITING = 256
MAX_ACCESS, MAX_OBJECTS = 4096, 128
#: For how many seconds an answer is good.
_YES_SECONDS, _NO_SECONDS, _OBJECT_SECONDS = 10.0, 5.0, 2.0
_MAX_KEPT_BYTES = 64 << 10
_FAILURES = 3
_SAY_SECONDS = 60.0
_log = logging.getLogger("podgate")

Count = Callable[[ClusterWhat, ClusterResult], None]


class _Call(NamedTuple):
    """A question as a request. `read` raises ClusterError when the answer is none."""

    what: ClusterWhat
    method: str
    path: str
    body: Any
    read: Callable[[bytes], Answer]


class _Access(Struct):
    allowed: bool
    denied: bool = False


class _Review(Struct):
    status: _Access


class _Kept:
    """A bounded number of answers, each for its time."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._answers: dict[Question, tuple[float, Answer]] = {}

    def get(self, question: Question) -> Answer:
        until, answer = self._answers.get(question, (0.0, None))
        return answer if self._clock() < until else None

    def put(self, question: Question, answer: Answer, seconds: float) -> None:
        now = self._clock()
        self._answers.pop(question, None)
        # The oldest come first.
        for oldest in list(self._answers):
            if len(self._answers) < self._most and self._answers[oldest][0] > now:
                break
            del self._answers[oldest]
        self._answers[question] = now + seconds, answer

    def __len__(self) -> int:
        return len(self._answers)


class ClusterAuthority:
    """Answers questions by asking the API server. Of one event loop."""

    def __init__(self, cluster: Cluster, count: Count, clock: Callable[[], float] = monotonic) -> None:
        self._cluster = cluster
        self._count = count
        self._clock = clock
        self.access = _Kept(MAX_ACCESS, clock)
        self.objects = _Kept(MAX_OBJECTS, clock)
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="podgate-cluster")
        self._asking: dict[Question, asyncio.Task[Answer]] = {}
        self._failures = 0
        self._said_at = -_SAY_SECONDS
        self._closed = False

    async def ask(self, question: Question, seconds: float) -> Answer:
        """What the cluster says, or said a moment ago; None where it does not say in time."""
        question = _essence(question)
        kept = self.access if isinstance(question, MayOverride) else self.objects
        if (known := kept.get(question)) is not None:
            return known
        asking = self._asking.get(question) or self._begin(question, seconds)
        if asking is None:
            return None
        try:
            async with asyncio.timeout(seconds):
                return await asyncio.shield(asking)
        except TimeoutError:
            return None

    def close(self) -> None:
        """Ask nothing any more. Whoever waits is told that nobody knows."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self, question: Question, seconds: float) -> asyncio.Task[Answer] | None:
        call = _call(question)
        # While nothing is answered one question at a time goes out, to see; nobody else is made to wait for that.
        is_lost = self._failures >= _FAILURES and bool(self._asking)
        if isinstance(call, str) or self._closed or is_lost or len(self._asking) >= MAX_WAITING:
            self._count(call if isinstance(call, str) else call.what, "unasked")
            return None
        task = asyncio.get_running_loop().create_task(self._carry(question, call, self._clock() + seconds))
        self._asking[question] = task
        return task

    async def _carry(self, question: Question, call: _Call, until: float) -> Answer:
        answer: Answer = None
        result: ClusterResult = "failed"
        try:
            loop = asyncio.get_running_loop()
            answer, result, size = await loop.run_in_executor(self._threads, self._fetch, call, until)
            if isinstance(answer, bool):
                self.access.put(question, answer, _YES_SECONDS if answer else _NO_SECONDS)
            elif answer is not None and size <= _MAX_KEPT_BYTES:
                self.objects.put(question, answer, _OBJECT_SECONDS)
        except (asyncio.CancelledError, RuntimeError):
            pass  # it was closed meanwhile
        finally:
            del self._asking[question]
        self._failures = self._failures + 1 if result in ("failed", "late") else 0
        self._count(call.what, result)
        return answer

    def _fetch(self, call: _Call, until: float) -> tuple[Answer, ClusterResult, int]:
        """In a thread: what is answered, what became of it, and how large it is. It never raises."""
        left = until - self._clock()
        if left <= 0:
            return None, "late", 0
        try:
            content = self._cluster.ask(call.method, call.path, left, call.body)
            return call.read(content), "ok", len(content)
        except ClusterError as error:
            self._complain(call.what, error)
            return None, error.result, 0
        except Exception:  # noqa: BLE001 - it is logged, and nobody is granted anything
            _log.exception("the cluster could not be asked by a mistake of ours")
            return None, "failed", 0

    def _complain(self, what: ClusterWhat, error: ClusterError) -> None:
        """Say it, once a minute; that something is not there is no failure."""
        if error.result == "missing" or self._clock() - self._said_at < _SAY_SECONDS:
            return
        self._said_at = self._clock()
        fields = {"what": what, "result": error.result, "problem": str(error)}
        _log.warning("the cluster does not answer a question of a review", extra={"fields": fields})


def _essence(question: Question) -> Question:
    """A question without what does not change its answer."""
    return replace(question, name="") if isinstance(question, MayOverride) else question


def _call(question: Question) -> _Call | ClusterWhat:
    """A question as a request; what it is about, where no cluster can be asked that."""
    if isinstance(question, MayOverride):
        return _Call("access", "POST", _REVIEWS, _access_review(question), _allowed)
    if isinstance(question, NamespaceOf):
        if not _NAME.fullmatch(question.name):
            return "namespace"
        path = f"/api/v1/namespaces/{question.name}"
        return _Call("namespace", "GET", path, None, lambda content: _named(content, "v1", "Namespace", question.name))
    path = _OWNERS.get((question.api_version, question.kind), "")
    if not path or not _NAME.fullmatch(question.namespace) or not _NAME.fullmatch(question.name):
        return "owner"
    return _Call(
        "owner", "GET", path.format(question.namespace, question.name), None, lambda content: _owner(content, question)
    )


def _access_review(question: MayOverride) -> dict[str, Any]:
    who = question.requester
    wanted = {
        "namespace": question.namespace,
        "verb": "override",
        "group": "podgate.dev",
        "resource": "rules",
        "name": question.rule,
    }
    spec = {
        "user": who.username,
        "uid": who.uid,
        "groups": list(who.groups),
        "extra": {key: list(values) for key, values in who.extra},
        "resourceAttributes": wanted,
    }
    return {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec}


def _allowed(content: bytes) -> bool:
    try:
        status = msgspec.json.decode(content, type=_Review).status
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ClusterError("the answer is no SubjectAccessReview") from error
    return status.allowed and not status.denied


def _owner(content: bytes, question: OwnerOf) -> Mapping[str, Any]:
    found = _named(content, question.api_version, question.kind, question.name)
    if found["metadata"].get("namespace") != question.namespace:
        raise ClusterError("the answer is about another object")
    return found


def _named(content: bytes, api_version: str, kind: str, name: str) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ClusterError("the answer is not JSON") from error
    if not isinstance(found, dict) or not isinstance(meta := found.get("metadata"), dict):
        raise ClusterError("the answer is no object")
    if (found.get("apiVersion"), found.get("kind")) != (api_version, kind):
        raise ClusterError(f"the answer is no {kind}")
    if meta.get("name") != name:
        raise ClusterError("the answer is about another object")
    return found
