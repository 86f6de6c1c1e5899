"""Certificates that look after themselves: made, renewed, published and served without anybody's doing.

A thread looks every few seconds at the Secret and at the webhook configuration, takes the step that the plan names
(certs/rotation.py), and hands over what is to be served; the event loop writes that to files, which are followed like
those of anybody else. Whatever cannot be done is tried again for ever, and what is served goes on being served.
"""

import logging
import os
import socket
from collections.abc import Callable
from datetime import datetime
from threading import Event, Thread
from time import monotonic

from certs import rotation
from certs.authority import AuthorityError
from certs.bundle import Bundle, BundleError, Certificate, pem
from certs.local import Local, authority_name
from certs.reload import CertificateError, Sources
from certs.rotation import Plan, Schedule, Seen, Since, Step
from certs.standing import SOON
from certs.store import ConflictError, StoreError
from webhook.cluster import Cluster, ClusterError
from webhook.metrics import ClusterResult, Metrics
from webhook.published import Configuration, Published
from webhook.secret_store import SecretStore
from webhook.turn import Turn

#: How often the Secret and the configuration are looked at, and how often as long as there is nothing to serve.
LOOK_SECONDS, EAGER_SECONDS = 5.0, 1.0
#: A look takes at most so many steps: the first one of all takes two.
_MOST_STEPS = 6
_STOP_SECONDS = 5.0
_Problem = (ClusterError, StoreError, BundleError, AuthorityError)
_log = logging.getLogger("podgate")

_SAID = {
    Step.CREATE: "an authority and a serving certificate were made",
    Step.PUBLISH: "the caBundle was written",
    Step.ISSUE: "the serving certificate was renewed",
    Step.INTRODUCE: "the next authority was made",
    Step.SWITCH: "the next authority has taken over",
    Step.RETIRE: "the previous authority is trusted no longer",
}


class Managed:
    """The certificates of one Secret, and the one of them that this process serves with."""

    def __init__(
        self,
        cluster: Cluster,
        place: tuple[str, str],
        configuration: str,
        sources: Sources,
        metrics: Metrics,
        now: Callable[[], datetime],
        clock: Callable[[], float] = monotonic,
        schedule: Schedule = rotation.SCHEDULE,
    ) -> None:
        """`place` is the namespace and name of the Secret. Nothing is asked yet. Raises CertificateError."""
        self._name = "/".join(place)
        self._store = SecretStore(cluster, *place)
        self._published = Published(cluster, configuration)
        self._turn = Turn(cluster, *place, identity=f"{socket.gethostname()}_{os.getpid()}", now=now, clock=clock)
        self._metrics = metrics
        self._now = now
        self._schedule = schedule
        self._held, self._settled = Since(clock), Since(clock)
        self._local = Local(sources, self._name, now())
        self._serving, self._offered = self._local.leaf, self._local.leaf
        self._complaint = "the cluster has not been asked yet"
        self._unwritten = ""
        #: What was once published as it must be: if it is not any more, it was somebody else's doing.
        self._was_whole: tuple[Certificate, ...] = ()
        self._notes: list[str] = []
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="podgate-certificates", daemon=True)

    def missing(self) -> str | None:
        """Why there is nothing to serve with that anybody could trust."""
        if self._local.leaf is not None:
            return None
        return ": ".join(
            ["there is no serving certificate yet", *filter(None, [self._complaint or "; ".join(self._notes)])]
        )

    def note(self) -> str:
        """What is wrong, or about to be, while what is served goes on being served."""
        said = [f"certificates cannot be looked after: {self._complaint}"] if self._complaint else []
        return "; ".join([*said, *filter(None, [self._unwritten]), *self._notes])

    def check(self, *, force: bool = False) -> None:  # noqa: ARG002 - as every watch
        """Write what is to be served, if there is something new. In the event loop, as all that reads those files."""
        if (offered := self._offered) is None or offered == self._local.leaf:
            return
        try:
            self._local.put(offered)
            self._unwritten = ""
        except CertificateError as error:
            if str(error) != self._unwritten:
                _log.error("a new certificate cannot be served", extra={"fields": {"problem": str(error)}})
            self._unwritten = str(error)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread. It is not waited for long: it may be where nothing can wake it."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            result: ClusterResult = "ok"
            try:
                self.look()
                self._recovered()
            except _Problem as error:
                cause = error if isinstance(error, ClusterError) else error.__cause__
                result = cause.result if isinstance(cause, ClusterError) else "failed"
                self._failed(str(error))
            except Exception:  # noqa: BLE001 - it is logged, and tried again
                result = "failed"
                _log.exception("certificates could not be looked after by a mistake of ours")
                self._failed("a mistake of ours")
            self._metrics.cluster("certificates", result)
            self._stopping.wait(LOOK_SECONDS if self._serving is not None else EAGER_SECONDS)

    def look(self) -> None:
        """Take every step that can be taken now. Raises ClusterError, StoreError, BundleError and AuthorityError."""
        took = False
        for _ in range(_MOST_STEPS):
            # First the configuration, then the Secret: what is published is never older than what was published before.
            found = self._published.read()
            kept = self._store.read()
            bundle = self._understood(Bundle.read, kept.content)
            seen = self._seen(bundle, found)
            if bundle is not None:
                self._serve(bundle, seen)
            plan = rotation.plan(bundle, seen, self._now(), self._schedule)
            if bundle is not None and seen.published and plan.step is not Step.PUBLISH:
                self._was_whole = bundle.trusted
            self._tell(bundle, found, plan)
            if plan.step is Step.NOTHING or self._stopping.is_set() or not (took or self._turn.take()):
                break
            took = True
            self._take(plan, bundle, seen, found, kept.version)
        if took:
            self._turn.release()

    def _understood(self, read: Callable[..., Bundle | None], content: object) -> Bundle | None:
        try:
            return read(content)
        except BundleError as error:
            raise BundleError(f"{self._store.called}: {error}") from error

    def _seen(self, bundle: Bundle | None, found: Configuration | None) -> Seen:
        published = tuple(each.trusted for each in found.entries) if found is not None else None
        trusted = bundle.trusted if bundle is not None else ()
        whole = bool(trusted and published) and all(frozenset(trusted) <= each for each in published or ())
        held = self._held.same(trusted if whole else None)
        settled = self._settled.same(bundle.leaf.cert if bundle is not None else None)
        return Seen(found.names if found is not None else (), published, held, settled)

    def _serve(self, bundle: Bundle, seen: Seen) -> None:
        self._metrics.authority(bundle.authority.cert.not_valid_after_utc.timestamp())
        if bundle.leaf != self._serving and rotation.adopts(self._serving, bundle, seen, self._now(), self._schedule):
            self._serving = self._offered = bundle.leaf

    def _take(self, plan: Plan, bundle: Bundle | None, seen: Seen, found: Configuration | None, version: str) -> None:
        if plan.step is Step.PUBLISH and bundle is not None and found is not None:
            done = self._published.write(found, pem(bundle.trusted))
        else:
            name = authority_name(self._name)
            after = rotation.taken(plan.step, bundle, seen, self._now(), self._schedule, name)
            done = self._written(after, version)
        if done:
            again = plan.step is Step.PUBLISH and bundle is not None and self._was_whole == bundle.trusted
            said = "somebody changed the caBundle; it was written again" if again else _SAID[plan.step]
            fields = {"why": plan.why, "secret": self._name}
            _log.log(logging.WARNING if again else logging.INFO, said, extra={"fields": fields})

    def _written(self, bundle: Bundle, version: str) -> bool:
        try:
            self._store.write(bundle.content(), version)
        except ConflictError:
            return False  # somebody else was faster: what there is to do is looked at again
        return True

    def _tell(self, bundle: Bundle | None, found: Configuration | None, plan: Plan) -> None:
        notes = [] if found is not None else [f"there is no {self._published.called}, so no API server asks"]
        if bundle is None:
            notes += [plan.why] if plan.step is Step.NOTHING else []
        elif (ends := bundle.authority.cert.not_valid_after_utc) - self._now() < SOON:
            notes += [f"the authority ends at {ends:%Y-%m-%dT%H:%M:%SZ} and should have been exchanged"]
        for note in set(notes) - set(self._notes):
            _log.warning("certificates need somebody", extra={"fields": {"problem": note, "secret": self._name}})
        self._notes = notes

    def _recovered(self) -> None:
        if self._complaint:
            self._complaint = ""
            _log.info("certificates are looked after", extra={"fields": {"secret": self._name}})

    def _failed(self, problem: str) -> None:
        if problem != self._complaint and not self._stopping.is_set():
            self._complaint = problem
            fields = {"problem": problem, "secret": self._name}
            _log.error("certificates cannot be looked after; what is served stays", extra={"fields": fields})
