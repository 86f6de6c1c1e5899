"""The certificate that is served, kept in step with its files: what is done about a change, and what is said."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from certs.reload import Keeper, Loaded, Sources
from certs.standing import SOON
from webhook.metrics import Metrics

_SAY_AGAIN = timedelta(days=1)
_log = logging.getLogger("podgate")


class CertificateWatch:
    """Looks at the files when asked to. Raises CertificateError when they cannot be served with at the start."""

    def __init__(self, sources: Sources, metrics: Metrics, clock: Callable[[], datetime]) -> None:
        self.keeper = Keeper(sources, clock)
        self._metrics = metrics
        self._clock = clock
        self._said: datetime | None = None
        metrics.expiry(self.keeper.current.not_after.timestamp())

    def not_after(self) -> datetime:
        """When the certificate that is served ends."""
        return self.keeper.current.not_after

    def note(self) -> str:
        """That the certificate ends soon, as long as it does."""
        left = self.not_after() - self._clock()
        if left > SOON:
            return ""
        return f"the serving certificate ends at {_told(self.not_after())}, in {max(left.days, 0)} days: renew it"

    def check(self, *, force: bool = False) -> None:
        """Serve what the files hold now, if they changed and can be served with."""
        self._reload(force=force)
        note, now = self.note(), self._clock()
        if note and (self._said is None or now - self._said >= _SAY_AGAIN):
            self._said = now
            _log.warning("the serving certificate ends soon", extra={"fields": _about(self.keeper.current)})

    def _reload(self, *, force: bool) -> None:
        before = self.keeper.current.digest
        reload = self.keeper.refresh(force=force)
        if reload is None:
            return
        self._metrics.reload("certificate", ok=reload.loaded is not None)
        if reload.loaded is None:
            fields = {"problem": reload.problem} | _about(self.keeper.current)
            _log.error("the new certificate cannot be used; the old one still is", extra={"fields": fields})
        else:
            self._metrics.expiry(reload.loaded.not_after.timestamp())
            said = "a new certificate is served" if reload.loaded.digest != before else "the certificate is good"
            _log.info(said, extra={"fields": _about(reload.loaded)})


def _about(loaded: Loaded) -> dict[str, str]:
    return {"expires": _told(loaded.not_after), "sha256": loaded.fingerprint}


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
