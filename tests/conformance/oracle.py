"""Upstream's Pod Security evaluator as an oracle: builds it, asks it, finds its fixtures.

The oracle is the small Go program in the directory ``oracle``; it links upstream's library, so what
it answers is upstream's opinion and not a copy of it. It needs Go and, the first time, the modules
named in ``oracle/go.mod``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Final

import yaml

SOURCE: Final = Path(__file__).with_name("oracle")
INPUTS: Final = ("go.mod", "go.sum", "main.go")
LIBRARY: Final = "k8s.io/pod-security-admission"
WITHOUT_GO: Final = "Go is not installed, and the oracle is a Go program"

Pod = dict[str, Any]

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class OracleError(RuntimeError):
    """The oracle could not be built, or it died while it was judging."""


@dataclass(frozen=True)
class Finding:
    """What upstream says about one pod at one level and version."""

    failed: tuple[str, ...] = ()
    """The ids of the checks that failed, sorted."""
    reason: str = ""
    """Upstream's ``ForbiddenReason()``."""
    detail: str = ""
    """Upstream's ``ForbiddenDetail()``: what follows ``violates PodSecurity "...": ``."""

    @property
    def allowed(self) -> bool:
        """Whether the pod may run."""
        return not self.failed


@dataclass(frozen=True)
class Verdicts:
    """What upstream says about one pod at every level and version.

    ``baseline`` and ``restricted`` hold one finding for each of v1.0 ... v1.N and then one for
    ``latest``. A pod that does not decode has an ``error`` and no findings.
    """

    newest: str = ""
    baseline: tuple[Finding, ...] = ()
    restricted: tuple[Finding, ...] = ()
    error: str | None = None

    def at(self, level: str, version: str = "latest") -> Finding:
        """The finding at a level and version, both spelled as in the labels of a namespace."""
        if self.error is not None:
            raise ValueError(f"the pod does not decode: {self.error}")
        if level == "privileged":
            return Finding()
        findings = {"baseline": self.baseline, "restricted": self.restricted}[level]
        last = len(findings) - 1
        return findings[last if version == "latest" else min(int(version[3:]), last)]


@dataclass(frozen=True)
class Description:
    """Which checks upstream runs, at each level and version, in the order in which it runs them."""

    library: str
    newest: str
    versions: tuple[str, ...]
    baseline: tuple[tuple[str, ...], ...]
    restricted: tuple[tuple[str, ...], ...]


def cache_dir() -> Path:
    """Where built oracles are kept."""
    if own := os.environ.get("PODGATE_CACHE"):
        return Path(own)
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared) / "podgate"
    return Path.home() / ".cache" / "podgate"


def _digest() -> str:
    """A name for the present sources of the oracle."""
    digest = hashlib.sha256()
    for name in INPUTS:
        content = (SOURCE / name).read_bytes()
        digest.update(f"{name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()[:32]


def _go(*arguments: str) -> str:
    """Run Go in the oracle's module and return what it prints."""
    ran = subprocess.run(
        ["go", *arguments],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise OracleError(f"go {arguments[0]} failed:\n{ran.stderr.strip()}")
    return ran.stdout


def build() -> Path | None:
    """The built oracle; ``None`` if there is no Go, for the reason :data:`WITHOUT_GO`.

    It is built once for each state of its sources. Processes that build it at the same time do not
    disturb each other: each puts its own finished file in place.
    """
    binary = cache_dir() / "oracle" / _digest() / "oracle"
    if binary.exists():
        return binary
    if shutil.which("go") is None:
        return None
    binary.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=binary.parent) as scratch:
        fresh = Path(scratch, "oracle")
        _go("build", "-mod=readonly", "-trimpath", "-o", str(fresh), ".")
        fresh.replace(binary)
    return binary


def _built() -> Path:
    """The built oracle, or an error that says why there is none."""
    binary = build()
    if binary is None:
        raise OracleError(WITHOUT_GO)
    return binary


@cache
def fixtures_dir() -> Path:
    """Upstream's fixtures: ``<level>/<version>/{pass,fail}/<name>.yaml``, one pod in each file."""
    if shutil.which("go") is None:
        raise OracleError(WITHOUT_GO)
    _go("mod", "download", LIBRARY)
    module = _go("list", "-mod=readonly", "-m", "-f", "{{.Dir}}", LIBRARY).strip()
    return Path(module, "test", "testdata")


@dataclass(frozen=True)
class Fixture:
    """One of upstream's fixtures: a pod, and whether it passes at a level and version."""

    level: str
    version: str
    passes: bool
    name: str
    pod: Pod


def fixtures() -> Iterator[Fixture]:
    """All of upstream's fixtures, their pods as an API server hands them to a webhook."""
    directory = fixtures_dir()
    for path in sorted(directory.glob("*/*/*/*.yaml")):
        level, version, outcome, _ = path.relative_to(directory).parts
        pod = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe loader
        yield Fixture(level, version, outcome == "pass", path.stem, defaulted(pod))


def defaulted(pod: Pod) -> Pod:
    """The pod with the one default of an API server that decides a fixture.

    Upstream runs its fixtures through an API server, which makes a volume without a source an
    ``emptyDir``. The evaluator itself forbids such a volume at the restricted level.
    """
    spec = pod["spec"]
    volumes = spec.get("volumes", [])
    sources = [volume if len(volume) > 1 else {**volume, "emptyDir": {}} for volume in volumes]
    return {**pod, "spec": {**spec, "volumes": sources}} if volumes else pod


@cache
def describe() -> Description:
    """Which checks upstream runs."""
    binary = str(_built())
    ran = subprocess.run([binary, "-describe"], capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    return Description(
        library=told["library"],
        newest=told["newest"],
        versions=tuple(told["versions"]),
        baseline=tuple(tuple(ids) for ids in told["baseline"]),
        restricted=tuple(tuple(ids) for ids in told["restricted"]),
    )


def parse(line: str | bytes) -> Verdicts:
    """Read one line of the oracle's answers."""
    answer = json.loads(line)
    if "error" in answer:
        return Verdicts(error=answer["error"])
    results = answer["results"]
    findings = [Finding(tuple(one["failed"]), one["reason"], one["detail"]) for one in results]
    return Verdicts(
        newest=answer["newest"],
        baseline=tuple(findings[at] for at in answer["baseline"]),
        restricted=tuple(findings[at] for at in answer["restricted"]),
    )


class _Feeder(threading.Thread):
    """Writes the pods to the oracle while its answers are being read."""

    def __init__(self, pods: Iterable[Pod], pipe: IO[bytes]) -> None:
        """Feed ``pods`` to ``pipe``."""
        super().__init__(name="oracle feeder", daemon=True)
        self.pods = pods
        self.pipe = pipe
        self.sent = 0
        self.error: BaseException | None = None

    def run(self) -> None:
        """Write every pod, then close the pipe; keep an error for the reader."""
        try:
            for pod in self.pods:
                self.pipe.write(json.dumps({"pod": pod}).encode() + b"\n")
                self.sent += 1
        except BaseException as error:  # noqa: BLE001 - raised again by the reader
            self.error = error
        finally:
            with contextlib.suppress(OSError):
                self.pipe.close()


def judge(pods: Iterable[Pod]) -> Iterator[Verdicts]:
    """The verdicts on ``pods``, in their order, by one process of the oracle.

    The pods are drawn from a thread of their own, some ahead of the verdicts.
    """
    process = subprocess.Popen([_built()], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    feeder = _Feeder(pods, process.stdin)
    feeder.start()
    judged = 0
    try:
        for line in process.stdout:
            yield parse(line)
            judged += 1
        feeder.join()
    finally:  # the caller may also have had enough before the end
        process.stdout.close()
        if feeder.is_alive():
            process.kill()
        status = process.wait()
    _complete(feeder, judged, status)


def _complete(feeder: _Feeder, judged: int, status: int) -> None:
    """Raise unless every pod got its verdict."""
    if isinstance(feeder.error, BrokenPipeError) or (status and not feeder.error):
        raise OracleError(f"the oracle ended with status {status} after {judged} verdicts")
    if feeder.error:
        raise feeder.error
    if judged != feeder.sent:
        raise OracleError(f"{judged} verdicts on {feeder.sent} pods")
