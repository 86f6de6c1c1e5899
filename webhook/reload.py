"""The policy in force, kept in step with its file, and the loop that looks at what may change."""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from certs import files
from policies import config
from policies.config import MAX_BYTES, Policy, PolicyError
from webhook.app import Gate
from webhook.metrics import Metrics

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


def load_policy(path: Path | None) -> Policy:
    """The policy in a file, or the recommended profile. Raises PolicyError."""
    if path is None:
        return config.of_profile()
    if path.exists() and not path.is_file():
        raise PolicyError(f"{path} is not a file")  # opening a pipe would wait for whoever writes
    try:
        with path.open("rb") as file:
            return config.parse(file.read(MAX_BYTES + 1).decode())
    except OSError as error:
        raise PolicyError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"{path} is not text in UTF-8") from error
    except PolicyError as error:
        raise PolicyError(error.told(str(path)), error.path, error.line) from error


class PolicyWatch:
    """Puts the policy of a file into force when it changes; what cannot be used is said once."""

    def __init__(self, path: Path, gate: Gate, metrics: Metrics, version: str) -> None:
        self._path = path
        self._gate = gate
        self._metrics = metrics
        self._version = version
        # Not what the file is now: it may have changed since the policy in force was read from it.
        self._seen = files.identities([])
        self._complaint = ""

    def check(self, *, force: bool = False) -> None:
        seen = files.identities([self._path])
        if seen == self._seen and not self._complaint and not force:
            return
        self._seen = seen
        try:
            policy = load_policy(self._path)
        except PolicyError as error:
            self._complain(str(error), force=force)
            return
        mended, self._complaint = bool(self._complaint), ""
        if policy.hash != self._gate.policy.hash or mended or force:
            self._put_into_force(policy)

    def _put_into_force(self, policy: Policy) -> None:
        self._gate.policy = policy
        self._metrics.reload("policy", ok=True)
        self._metrics.running(self._version, policy)
        fields = {"policy": policy.name, "hash": policy.hash, "mode": policy.mode.value}
        _log.info("a new policy is in force", extra={"fields": fields})

    def _complain(self, problem: str, *, force: bool) -> None:
        if problem == self._complaint and not force:
            return
        self._complaint = problem
        self._metrics.reload("policy", ok=False)
        fields = {"problem": problem, "hash": self._gate.policy.hash}
        _log.error("the new policy cannot be used; the old one still is", extra={"fields": fields})
