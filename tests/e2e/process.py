"""Programs that a test starts and is sure to stop: their logs, their failures and their end."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0
TAIL_LINES = 20


class ClusterError(RuntimeError):
    """The control plane did not start, stopped by itself, or did not do what was waited for."""


class ComponentStoppedError(ClusterError):
    """A program of the control plane ended by itself."""


def clean_environment(home: Path) -> dict[str, str]:
    """Return a small environment: no proxy, no KUBECONFIG, and caches below the given home."""
    return {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home)}


def wait_until(check: Callable[[], bool], what: str, *, seconds: float = 30.0) -> None:
    """Call check until it returns true; raise ClusterError when it has not in that time."""
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            raise ClusterError(f"gave up after {seconds:g} s of waiting for {what}")
        time.sleep(POLL_SECONDS)


def _dies_with_parent(argv: Sequence[str]) -> list[str]:
    # A test run that is killed outright cannot clean up, so the kernel is asked to. Done by a
    # program, as a preexec_fn is not safe in a process with threads.
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--", *argv] if setpriv else list(argv)


class Component:
    """One running program of the control plane, with its log in a file."""

    def __init__(self, program: Path, flags: Sequence[str], folder: Path) -> None:
        """Start the program; its log and its working directory are in the folder."""
        self.name = program.name
        self.log_file = folder / f"{self.name}.log"
        with self.log_file.open("wb") as log:
            self._process = subprocess.Popen(
                _dies_with_parent([str(program), *flags]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=clean_environment(folder),
                # Ctrl-C goes to the whole group: the order of stopping is ours to choose.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def tail(self) -> str:
        """Return the last lines of the log."""
        lines = self.log_file.read_text(errors="replace").splitlines()
        return "\n".join(lines[-TAIL_LINES:])

    def check(self) -> None:
        """Raise ComponentStoppedError, with the end of the log, if the program is not running."""
        code = self._process.poll()
        if code is not None:
            raise ComponentStoppedError(f"{self.name} stopped with exit code {code}:\n{self.tail()}")

    def stop(self, grace: float = GRACE_SECONDS) -> int:
        """Ask the program to end, and after a grace of so many seconds make it. Return its exit code."""
        self._process.terminate()
        try:
            return self._process.wait(grace)
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """End the program as a crash would. Return its exit code."""
        self._process.kill()
        return self._process.wait()
