"""The policy in force, kept in step with its file, and the loop that looks at what may change."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from certs.files import Settled
from policies import config
from policies.config import MAX_BYTES, Policy, PolicyError
from policies.risk.classifier import Classifier, ModelError
from webhook.app import Gate
from webhook.metrics import Metrics, What
from webhook.model import load_model

_log = logging.getLogger("podgate")


class Watch(Protocol):
    """Something that follows files."""

    def check(self, *, force: bool = False) -> None:
        """Act on a change. `force`: somebody asked, so look and answer even when nothing seems to have changed."""
        ...


async def watch(watches: Sequence[Watch], seconds: float) -> None:
    """Look every so many seconds, for ever."""
    while True:
        await asyncio.sleep(seconds)
        check(watches)


def check(watches: Sequence[Watch], *, force: bool = False) -> None:
    """Look once. A mistake of ours in one of them does not keep the others from being looked at again."""
    for found in watches:
        try:
            found.check(force=force)
        except Exception:  # noqa: BLE001 - it is logged, and tried again
            _log.exception("a change of files could not be followed")


def load_policy(path: Path | None, model: Classifier | None = None) -> Policy:
    """The policy in a file, or the recommended profile. Raises PolicyError; ModelError if it takes no such model."""
    if path is None:
        return config.of_profile(model=model)
    if path.exists() and not path.is_file():
        raise PolicyError(f"{path} is not a file")  # opening a pipe would wait for whoever writes
    try:
        with path.open("rb") as file:
            return config.parse(file.read(MAX_BYTES + 1).decode(), model)
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path} is not text in UTF-8") from error
    except PolicyError as error:
        raise PolicyError(error.told(str(path)), error.path, error.line) from error


class PolicyWatch:
    """Puts the policy and the model of files into force when they change; what cannot be used is said once."""

    def __init__(
        self, path: Path | None, gate: Gate, metrics: Metrics, version: str, model: Path | None = None
    ) -> None:
        self._path = path
        self._model = model
        # Not what the files are now: they may have changed since what is in force was read from them.
        self._files = Settled(each for each in (path, model) if each is not None)
        self._gate = gate
        self._metrics = metrics
        self._version = version
        self._complaint = ""

    def note(self) -> str:
        """What cannot be used as it is now; empty when all can."""
        return f"the files as they are now cannot be used: {self._complaint}" if self._complaint else ""

    def check(self, *, force: bool = False) -> None:
        if not self._files.is_due(again=bool(self._complaint), force=force):
            return
        try:
            policy = load_policy(self._path, load_model(self._model) if self._model is not None else None)
        except (PolicyError, ModelError) as error:
            what: What = "model" if isinstance(error, ModelError) else "policy"
            self._complain(what, str(error), force=force)
            return
        mended, self._complaint = bool(self._complaint), ""
        other_model = policy.model != self._gate.policy.model
        if policy.hash != self._gate.policy.hash or other_model or mended or force:
            self._put_into_force(policy, "model" if other_model else "policy")

    def _put_into_force(self, policy: Policy, what: What) -> None:
        self._gate.policy = policy
        self._metrics.reload(what, ok=True)
        self._metrics.running(self._version, policy)
        fields = {"policy": policy.name, "hash": policy.hash, "mode": policy.mode.value, "model": policy.model}
        _log.info(f"a new {what} is in force", extra={"fields": fields})

    def _complain(self, what: What, problem: str, *, force: bool) -> None:
        if problem == self._complaint and not force:
            return
        self._complaint = problem
        self._metrics.reload(what, ok=False)
        fields = {"problem": problem, "hash": self._gate.policy.hash, "model": self._gate.policy.model}
        _log.error(f"the new {what} cannot be used; the old one still is", extra={"fields": fields})
