"""Whose turn it is: a Lease, held for as long as something is being done, so that replicas do it one at a time.

It saves work and keeps the log readable. That two writers cannot undo each other is not its matter: versions see to it.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from webhook.cluster import Cluster, ClusterError
from webhook.secret_store import SECONDS, read, version

_HELD_SECONDS = 30
_log = logging.getLogger("podgate")


class Turn:
    """The Lease of a namespace and name. It has to be there; where it is not, everybody's turn it is."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        name: str,
        identity: str,
        now: Callable[[], datetime],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._cluster = cluster
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{name}"
        self._called = f"Lease {namespace}/{name}"
        self._identity = identity
        self._now = now
        self._clock = clock
        self._seen = ("", 0.0)
        self._complained = False

    def take(self) -> bool:
        """Whether it is ours now. Raises ClusterError."""
        return self._hold(self._identity)

    def release(self) -> None:
        """Let others have it. Raises ClusterError."""
        self._hold("")

    def _hold(self, holder: str) -> bool:
        try:
            found = read(self._cluster.ask("GET", self._path, SECONDS))
            if not self._is_free(found):
                return False
            self._cluster.ask("PUT", self._path, SECONDS, self._held(found, holder))
        except ClusterError as error:
            if error.status == 409:
                return False
            if error.status not in (403, 404):
                raise
            self._complain(error)
        return True

    def _is_free(self, found: dict[str, Any]) -> bool:
        """Nobody has it, or whoever has it did nothing for long, by our own clock: theirs may be another."""
        if self._seen[0] != version(found):
            self._seen = version(found), self._clock()
        holder = (found.get("spec") or {}).get("holderIdentity")
        return holder in (None, "", self._identity) or self._clock() - self._seen[1] > _HELD_SECONDS

    def _held(self, found: dict[str, Any], holder: str) -> dict[str, Any]:
        spec = found.get("spec") or {}
        moment = f"{self._now():%Y-%m-%dT%H:%M:%S.%fZ}"
        changed = bool(holder) and spec.get("holderIdentity") != holder
        now: dict[str, Any] = {"holderIdentity": holder, "renewTime": moment, "leaseDurationSeconds": _HELD_SECONDS}
        if changed:
            now |= {"acquireTime": moment, "leaseTransitions": int(spec.get("leaseTransitions") or 0) + 1}
        return {**found, "spec": {**spec, **now}}

    def _complain(self, error: ClusterError) -> None:
        if not self._complained:
            self._complained = True
            fields = {"problem": str(error), "lease": self._called}
            _log.warning("replicas cannot take turns at renewing certificates: each goes on", extra={"fields": fields})
