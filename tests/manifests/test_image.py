"""The image, as far as it can be told without a container engine."""

from __future__ import annotations

import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from webhook.settings import variable

from .image import ROOT, command, of, parents, sources, steps
from .tools import named, overlay

FOUND = steps((ROOT / "Dockerfile").read_text())


def ignored(path: str) -> bool:
    """Whether .dockerignore keeps a path from the builder: the last line that fits decides."""
    verdict = False
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        if line and not line.startswith("#"):
            pattern = line.removeprefix("!").removeprefix("**/")
            if any(fnmatch.fnmatch(str(part), pattern) for part in (Path(path), *Path(path).parents, Path(path).name)):
                verdict = not line.startswith("!")
    return verdict


@pytest.mark.parametrize("source", sorted(set(sources(FOUND))))
def test_what_is_copied_is_there_and_reaches_the_builder(source: str) -> None:
    assert (ROOT / source).exists()
    assert not ignored(source)


@pytest.mark.parametrize("path", [".git/config", ".venv/bin/python", "var/key.pem", "tests/reviews.py", "certs/x.pyc"])
def test_what_is_no_business_of_the_builder_does_not_reach_it(path: str) -> None:
    assert ignored(path)


def test_the_last_stage_is_the_one_that_serves() -> None:
    assert FOUND[-1].stage == "serve"


@pytest.mark.parametrize("stage", ["serve", "train"])
def test_nobody_is_root(stage: str) -> None:
    assert of(FOUND, stage, "USER") == ["65532:65532"]
    context = named(overlay("enforce"), "Deployment")["spec"]["template"]["spec"]["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == "65532:65532"


def test_every_stage_has_the_same_python() -> None:
    bases = {step.rest.partition(" AS ")[0] for step in FOUND if step.word == "FROM"}
    assert bases - {step.stage for step in FOUND} == {"python:${PYTHON}-slim"}


def test_packages_come_by_hash_and_none_is_built() -> None:
    for step in FOUND:
        for part in step.rest.split("&&") if step.word == "RUN" else ():
            if "install" in part and "--no-index" not in part:
                assert "--require-hashes" in part
            if "uv pip install" in part and "--no-index" not in part:
                assert "--only-binary :all:" in part


def test_what_serves_has_nothing_to_train_with() -> None:
    read = [source for source in of(FOUND, "serve-build", "RUN") if "train.txt" in source]
    assert read == []
    assert not re.search(r"^(scikit-learn|numpy|scipy)==", (ROOT / "requirements/serve.txt").read_text(), re.MULTILINE)
    assert re.search(r"^scikit-learn==", (ROOT / "requirements/train.txt").read_text(), re.MULTILINE)
    assert "train-build" not in parents(FOUND, "serve-build")


def test_locks_for_serving_and_training_agree() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))

    assert pins("serve.txt") <= pins("train.txt")
    assert pins("serve.txt") <= pins("dev.txt")


def test_the_health_check_asks_the_port_of_operations() -> None:
    program, flag, text = command(FOUND, "serve", "HEALTHCHECK")
    assert (program, flag) == ("/opt/podgate/bin/python", "-c")
    assert variable("ops_port") in text
    assert "/healthz" in text
    compile(text, "healthcheck", "exec")


def test_labels_say_what_it_is() -> None:
    (labels,) = of(FOUND, "serve", "LABEL")
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {f"org.opencontainers.image.{each}" for each in ("title", "description", "licenses", "version")} <= set(
        re.findall(r"([\w.]+)=", labels)
    )
    assert f"VERSION={version}" in of(FOUND, "serve", "ARG")


def test_hadolint_finds_nothing() -> None:
    program = shutil.which("hadolint")
    if program is None:
        pytest.skip("hadolint is not installed")
    ran = subprocess.run([program, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout


def _bill() -> dict[str, Any]:
    files = [ROOT / "requirements" / "sbom.py", ROOT / "requirements" / "serve.txt", ROOT / "pyproject.toml"]
    ran = subprocess.run([sys.executable, *files], capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def test_the_bill_of_materials_has_every_package_of_the_lock() -> None:
    found = _bill()
    lock = (ROOT / "requirements" / "serve.txt").read_text()
    pins = re.findall(r"^([\w.-]+)==([^\s;]+)", lock, re.MULTILINE)

    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert [(each["name"], each["version"]) for each in found["components"]] == pins
    assert sum(len(each["properties"]) for each in found["components"]) >= lock.count("--hash=sha256:")
    assert found["dependencies"][0]["dependsOn"] == [each["bom-ref"] for each in found["components"]]
    assert found == _bill()
