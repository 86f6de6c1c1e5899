"""The peers' programs: which, of which version, and where they are once they are built.

Each is built from the sources of its own Go module, with the versions that its own go.mod pins, inside a cache folder
outside this clone. What arrives is held against the public checksum database by the go command.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


class UnavailableError(Exception):
    """A peer that cannot be measured here; the text says why."""


@dataclass(frozen=True)
class Program:
    """One program of a Go module."""

    module: str
    version: str
    package: str

    @property
    def label(self) -> str:
        return f"{self.module}@{self.version}"


PROGRAMS = {
    "psa": Program("k8s.io/pod-security-admission", "v0.37.2", "./cmd/webhook"),
    "gatekeeper": Program("github.com/open-policy-agent/gatekeeper/v3", "v3.23.1", "."),
    "gator": Program("github.com/open-policy-agent/gatekeeper/v3", "v3.23.1", "./cmd/gator"),
    "kyverno": Program("github.com/kyverno/kyverno", "v1.19.1", "./cmd/kyverno"),
    "kyverno-cli": Program("github.com/kyverno/kyverno", "v1.19.1", "./cmd/cli/kubectl-kyverno"),
    "kube-score": Program("github.com/zegl/kube-score", "v1.20.0", "./cmd/kube-score"),
}
CHECKOV = "3.3.30"
LOAD = Path(__file__).parent / "load"
_QUIET = ["-trimpath", "-buildvcs=false", "-ldflags=-s -w"]


def folder() -> Path:
    """Where what is built is kept."""
    if own := os.environ.get("PODGATE_CACHE"):
        return Path(own) / "peers"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "podgate" / "peers"


def binary(name: str) -> Path:
    """The program of this peer, built when it is missing. Raises UnavailableError."""
    program = PROGRAMS[name]
    place = folder() / f"{name}-{program.version}"
    if not place.exists():
        _build(place, sources(program.module, program.version), program.package)
    return place


def checkov() -> Path:
    """Checkov, in a virtual environment of its own: installed when it is missing. Raises UnavailableError."""
    place = folder() / f"checkov-{CHECKOV}"
    if not (place / "bin" / "checkov").exists():
        for command in (
            [sys.executable, "-m", "venv", str(place)],
            [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", f"checkov=={CHECKOV}"],
        ):
            ran = subprocess.run(["nice", "-n", "15", *command], capture_output=True, text=True, check=False)
            if ran.returncode:
                raise UnavailableError(f"it was not installed: {ran.stderr.strip()[-400:]}")
    return place / "bin" / "checkov"


@cache
def load() -> Path:
    """The client that measures, built anew: it takes a second, and is ours."""
    place = folder() / "load"
    _build(place, LOAD, ".")
    return place


@cache
def sources(module: str, version: str) -> Path:
    """The folder of a module's sources, downloaded when missing."""
    with tempfile.TemporaryDirectory() as outside:  # of any module, so that nothing here changes what is fetched
        text = _go("mod", "download", "-json", f"{module}@{version}", cwd=Path(outside))
    told: dict[str, Any] = json.loads(text)
    return Path(told["Dir"])


def _build(place: Path, module: Path, package: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    print(f"building {place.name}: the first time, this takes minutes ...", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        made = Path(scratch, place.name)
        _go("build", "-mod=readonly", *_QUIET, "-o", str(made), package, cwd=module)
        made.replace(place)


def _go(*arguments: str, cwd: Path) -> str:
    if shutil.which("go") is None:
        raise UnavailableError("Go is not installed")
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    ran = subprocess.run(
        ["nice", "-n", "15", "go", *arguments],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise UnavailableError(f"go {arguments[0]} failed: {ran.stderr.strip()[-400:]}")
    return ran.stdout
