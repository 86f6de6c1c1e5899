"""Helm and kustomize: where they are, and what they render."""

from __future__ import annotations

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

MANIFESTS: Final = Path(__file__).parent.parent.parent / "manifests"
OVERLAYS: Final = ("dev", "observe", "enforce")
_BUILD: Final = Path(__file__).parent / "tools" / "build"

Object = dict[str, Any]


@cache
def _folder() -> tuple[Path | None, str]:
    """Where the programs are, or why they are not. Never builds: minutes inside a test run would look like a hang."""
    found = subprocess.run([_BUILD, "--find"], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        return None, found.stderr.strip()
    return Path(found.stdout.strip()), ""


def program(name: str) -> Path:
    """The program; without it the test is skipped, or with PODGATE_E2E_REQUIRED=1 fails."""
    folder, reason = _folder()
    if folder is None and os.environ.get("PODGATE_E2E_REQUIRED") == "1":
        pytest.fail(reason, pytrace=False)
    if folder is None:
        pytest.skip(reason)
    return folder / name


def run(name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a program; what came of it is for the caller to judge."""
    # Helm looks for plugins and a kubeconfig at home: what is rendered must not depend on whose machine it is.
    with tempfile.TemporaryDirectory() as home:
        return subprocess.run(
            [program(name), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env={"PATH": os.environ.get("PATH", os.defpath), "HOME": home},
        )


def objects(text: str) -> list[Object]:
    """The objects in a stream of YAML documents."""
    return [document for document in yaml.safe_load_all(text) if document]


@cache
def kustomized(folder: Path) -> str:
    """What kustomize makes of a folder."""
    ran = run("kustomize", "build", folder)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def overlay(name: str) -> list[Object]:
    """The objects of an overlay."""
    return objects(kustomized(MANIFESTS / "overlays" / name))


def composed(folder: Path, overlay_name: str, *components: str) -> list[Object]:
    """The objects of an overlay with more components, as a user's own kustomization has them."""
    # Kustomize takes no absolute paths.
    parts = {kind: os.path.relpath(MANIFESTS / kind, folder.resolve()) for kind in ("overlays", "components")}
    own: Object = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": "podgate-system",
        "resources": [f"{parts['overlays']}/{overlay_name}"],
        "components": [f"{parts['components']}/{each}" for each in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))
    return objects(kustomized(folder))


def named(found: list[Object], kind: str, name: str = "podgate") -> Object:
    """The one object of a kind and name."""
    (only,) = [each for each in found if each["kind"] == kind and each["metadata"]["name"] == name]
    return only
