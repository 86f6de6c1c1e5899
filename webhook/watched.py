"""What is known of the namespaces of a cluster: listed once, then followed, in a thread beside the reviews.

Whatever fails is tried again for ever. What was known goes on counting for some minutes after the cluster was last
heard of; then nothing is known until it is back.
"""

import logging
import random
from collections.abc import Callable, Mapping
from threading import Event, Thread
from time import monotonic
from typing import TypeVar
from urllib.parse import quote

import msgspec
from msgspec import Struct, field

from webhook.cluster import Cluster, ClusterError, Stream
from webhook.metrics import ClusterResult, ClusterWhat, Metrics

_PATH = "/api/v1/namespaces"
_PAGE = 500
_LIST_SECONDS = 10.0
#: How long the API server lets a watch go on, and for how long nothing may come before it is taken for dead.
_WATCH_SECONDS = 60
_SILENT_SECONDS = 75.0
#: For how long what was heard last counts: two whole watches may be lost.
STALE_SECONDS = 180.0
MAX_NAMESPACES = 50_000
_MAX_LABELS = 16 << 10
_MOST_SECONDS = 30.0
_STOP_SECONDS = 5.0
_log = logging.getLogger("podgate")
_T = TypeVar("_T")


class _Meta(Struct, rename="camel"):
    name: str = ""
    resource_version: str = ""
    labels: dict[str, str] | None = None
    more: str | None = field(name="continue", default=None)


class _Object(Struct):
    """A namespace; or the Status that comes with an error, which has a code."""

    metadata: _Meta = field(default_factory=_Meta)
    code: int = 0


class _List(Struct):
    metadata: _Meta
    items: list[_Object] | None


class _Event(Struct):
    type: str
    object: _Object


class _RelistError(Exception):
    """The state that is known cannot be brought up to date by events: it is listed anew."""


_read_list = msgspec.json.Decoder(_List).decode
_read_event = msgspec.json.Decoder(_Event).decode


def pause(failures: int) -> float:
    """How many seconds to wait after so many failures in a row. Replicas must not come back all at once."""
    most = min(_MOST_SECONDS, 0.5 * 2.0 ** min(failures, 10))
    return random.uniform(most / 2, most)  # noqa: S311


class Watched:
    """The labels of a cluster's namespaces, a look into a dictionary away."""

    def __init__(
        self,
        cluster: Cluster,
        metrics: Metrics,
        clock: Callable[[], float] = monotonic,
        pauses: Callable[[int], float] = pause,
    ) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._clock = clock
        self._pauses = pauses
        self._known: dict[str, dict[str, str]] = {}
        self._version = ""
        self._heard_at: float | None = None
        self._failures = 0
        self._complaint = ""
        self._full = False
        self._stopping = Event()
        self._stream: Stream | None = None
        self._thread = Thread(target=self._run, name="podgate-namespaces", daemon=True)

    def labels(self, namespace: str) -> Mapping[str, str] | None:
        return None if self.stale else self._known.get(namespace)

    @property
    def stale(self) -> bool:
        """Whether what is known is too old to count, or nothing is known yet."""
        return self._heard_at is None or self._clock() - self._heard_at > STALE_SECONDS

    def problem(self) -> str | None:
        """Why there is nothing to go by yet. None from the first time on: afterwards the stricter reading applies."""
        if self._heard_at is not None:
            return None
        return "the namespaces of the cluster are not known yet" + (f": {self._complaint}" if self._complaint else "")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. It is not waited for long: it may be where nothing can wake it."""
        self._stopping.set()
        if (stream := self._stream) is not None:
            stream.stop()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._step()
            except _RelistError as error:
                self._version = ""
                self._failed(str(error))
            except ClusterError as error:
                self._failed(str(error))
            except Exception:  # noqa: BLE001 - it is logged, and tried again
                _log.exception("namespaces could not be followed by a mistake of ours")
                self._version = ""
                self._failed("a mistake of ours")

    def _step(self) -> None:
        """List, or follow until the API server ends it. Raises ClusterError and _RelistError."""
        if self._complaint:
            self._version = ""  # what was missed meanwhile is learnt soonest from a list
        what: ClusterWhat = "watch" if self._version else "list"
        result: ClusterResult = "failed"
        try:
            if self._version:
                self._watch()
                self._failures = 0
            else:
                self._list()
            result = "ok"
        except ClusterError as error:
            result = error.result
            if error.status == 410:
                raise _RelistError("what was known last is too old to follow from") from error
            raise
        finally:
            self._metrics.cluster(what, result)

    def _list(self) -> None:
        known: dict[str, dict[str, str]] = {}
        more, version = "", ""
        self._full = False
        while not self._stopping.is_set():
            path = f"{_PATH}?limit={_PAGE}" + (f"&continue={quote(more, safe='')}" if more else "")
            page = _understood(_read_list, self._cluster.ask("GET", path, _LIST_SECONDS))
            for item in page.items or []:
                self._keep(known, item.metadata)
            version, more = page.metadata.resource_version, page.metadata.more or ""
            if not more or self._full:
                break
        if not version:
            raise ClusterError("the list has no version to follow from")
        self._known, self._version = known, version
        self._heard()

    def _watch(self) -> None:
        query = f"watch=true&allowWatchBookmarks=true&timeoutSeconds={_WATCH_SECONDS}"
        path = f"{_PATH}?{query}&resourceVersion={quote(self._version, safe='')}"
        started, events = self._clock(), 0
        with self._cluster.follow(path, _SILENT_SECONDS) as stream:
            self._stream = stream
            try:
                for line in stream if not self._stopping.is_set() else ():
                    self._apply(_understood(_read_event, line))
                    self._failures = 0
                    events += 1
            finally:
                self._stream = None
        if not events and self._clock() - started < 1.0 and not self._stopping.is_set():
            raise ClusterError("the watch ended as soon as it began")
        self._heard()

    def _apply(self, event: _Event) -> None:
        meta = event.object.metadata
        if event.type in ("ADDED", "MODIFIED"):
            self._keep(self._known, meta)
        elif event.type == "DELETED":
            self._known.pop(meta.name, None)
        elif event.type == "ERROR":
            raise _RelistError(f"the watch ended with code {event.object.code}")
        elif event.type != "BOOKMARK":
            raise _RelistError("an event is of an unknown type")
        self._version = meta.resource_version or self._version
        self._heard()

    def _keep(self, known: dict[str, dict[str, str]], meta: _Meta) -> None:
        labels = meta.labels or {}
        if sum(len(label) + len(text) for label, text in labels.items()) > _MAX_LABELS:
            known.pop(meta.name, None)  # not known is better than known in part
        elif meta.name in known or len(known) < MAX_NAMESPACES:
            known[meta.name] = labels
        elif not self._full:
            self._full = True
            _log.warning("there are more namespaces than are kept", extra={"fields": {"kept": MAX_NAMESPACES}})

    def _heard(self) -> None:
        if self._heard_at is None or self._complaint:
            said = "the namespaces of the cluster are known" + (" again" if self._heard_at is not None else "")
            _log.info(said, extra={"fields": {"namespaces": len(self._known)}})
        self._complaint = ""
        self._heard_at = self._clock()
        self._metrics.namespaces(len(self._known))
        self._metrics.heard()

    def _failed(self, problem: str) -> None:
        if self._stopping.is_set():
            return
        self._failures += 1
        # A watch that is cut is nothing to speak of, unless the next one fails, too.
        if not self._complaint and (self._heard_at is None or self._failures > 1):
            self._complaint = problem
            fields = {"problem": problem, "cluster": self._cluster.address}
            _log.warning("the namespaces of the cluster cannot be followed", extra={"fields": fields})
        was_stale = self.stale
        self._stopping.wait(self._pauses(self._failures))
        if self.stale and not was_stale:
            self._complaint = self._complaint or problem
            fields = {"problem": problem, "cluster": self._cluster.address}
            _log.error("what was known of namespaces is too old to count", extra={"fields": fields})


def _understood(read: Callable[[bytes], _T], content: bytes) -> _T:
    try:
        return read(content)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _RelistError("the answer is not what was asked for") from error
