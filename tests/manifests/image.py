"""The Dockerfile, read; and the steps of its build, run without a container: `python -m tests.manifests.image FOLDER`.

Where no container engine is at hand this is as far as one gets: the same commands, on this machine's Python, with
/build and /opt in the folder. Packages are fetched, so no test does it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent.parent


class Step(NamedTuple):
    """An instruction, in its stage."""

    stage: str
    word: str
    rest: str


def steps(text: str) -> list[Step]:
    """The instructions of a Dockerfile, continued lines put together."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    stage, found = "", []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if not line.strip():
            continue
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            stage = rest.partition(" AS ")[2]
        found.append(Step(stage, word, rest.strip()))
    return found


def parents(found: list[Step], stage: str) -> list[str]:
    """A stage and the stages that it is built on, the first one first."""
    bases = {step.stage: step.rest.partition(" AS ")[0] for step in found if step.word == "FROM"}
    line = [stage]
    while bases[line[0]] in bases:
        line.insert(0, bases[line[0]])
    return line


def of(found: list[Step], stage: str, word: str) -> list[str]:
    """What a stage and those that it is built on say with a word."""
    line = parents(found, stage)
    return [step.rest for step in found if step.stage in line and step.word == word]


def sources(found: list[Step]) -> Iterator[str]:
    """What is copied from the clone."""
    for step in found:
        if step.word == "COPY" and "--from=" not in step.rest:
            yield from step.rest.split()[:-1]


def command(found: list[Step], stage: str, word: str) -> list[str]:
    """A command in the form of a list: the last one counts."""
    listed: Any = json.loads(of(found, stage, word)[-1].partition("[")[2].join(("[", "")))
    return list(listed)


def build(folder: Path, stage: str) -> Path:
    """Run the steps of a stage of the build. Returns the program that it makes."""
    found = steps((ROOT / "Dockerfile").read_text())
    line = parents(found, stage)
    here = folder / "build"
    here.mkdir(parents=True)
    for step in found:
        if step.stage not in line:
            continue
        if step.word == "COPY":
            *what, to = step.rest.split()
            for each in what:
                _copy(ROOT / each, here / to, folder=to.endswith("/") or len(what) > 1)
        elif step.word == "RUN":
            text = step.rest.replace("/build/", f"{here}/").replace("/opt/", f"{folder}/opt/")
            subprocess.run(["sh", "-ec", text], cwd=here, check=True)
    return folder / "opt" / "podgate" / "bin" / "podgate"


def _copy(source: Path, to: Path, *, folder: bool) -> None:
    if source.is_dir():
        shutil.copytree(source, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        return
    target = to / source.name if folder else to
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source, target)


if __name__ == "__main__":
    made = build(Path(sys.argv[1]).absolute(), "serve-build")
    subprocess.run([made, "--version"], check=True, cwd="/")
    subprocess.run([made, "check", ROOT / "manifests" / "base" / "deployment.yaml"], check=True, cwd="/")
