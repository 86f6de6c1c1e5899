"""What other repositories use of this one: the action, the pre-commit hook, and the page that tells how."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from webhook import formats
from webhook.commands import check

ROOT = Path(__file__).parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
INSTALL, CHECK = ACTION["runs"]["steps"]
[HOOK] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
PAGE = (ROOT / "docs" / "ci.md").read_text()
OPTIONS = {name for option in check.command.params if isinstance(option, click.Option) for name in option.opts}
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]


def options(line: str) -> set[str]:
    return {word for word in shlex.split(line, comments=True) if re.fullmatch(r"--?[a-z][a-z-]*", word)}


def test_the_hook_calls_a_command_that_is_there() -> None:
    assert HOOK["id"] == "podgate-check"
    assert HOOK["entry"] == "podgate check"
    assert HOOK["language"] == "python"
    assert HOOK["types_or"] == ["yaml", "json"]
    assert HOOK["require_serial"] is True


def test_the_action_uses_options_and_formats_that_are_there() -> None:
    script = CHECK["run"]
    assert set(re.findall(r"\+=\((--[a-z-]+) ", script)) == {"--profile", "--policy", "--pss-version", "--min-severity"}
    assert set(re.findall(r"\+=\((--[a-z-]+) ", script)) <= OPTIONS
    assert set(re.findall(r"check -o ([a-z]+)", script)) == {"github", "markdown", "sarif"}
    assert set(re.findall(r"check -o ([a-z]+)", script)) <= set(formats.names())


def test_the_action_hands_inputs_over_in_the_environment_only() -> None:
    """An input inside a script would be part of the script."""
    handed = {name: value for step in (INSTALL, CHECK) for name, value in step["env"].items()}
    assert sorted(handed.values()) == sorted(f"${{{{ inputs.{name} }}}}" for name in ACTION["inputs"])
    for step in (INSTALL, CHECK):
        assert "${{" not in step["run"]
        assert step["shell"] == "bash"
        assert set(step["env"]) <= set(re.findall(r"\$([A-Z_]+)", step["run"]))
    assert all(found["description"].endswith(".") for found in ACTION["inputs"].values())


def test_the_action_installs_what_is_there_and_hashed() -> None:
    files = re.findall(r"requirements/[a-z]+\.txt", INSTALL["run"])
    assert files == ["requirements/uv.txt", "requirements/serve.txt", "requirements/dev.txt"]
    assert all("--hash=sha256:" in (ROOT / file).read_text() for file in files)
    # What builds the package is pinned by a hash as well.
    assert "\nhatchling==" in (ROOT / "requirements/dev.txt").read_text()


@pytest.fixture
def runner(tmp_path: Path) -> Any:
    """Runs the step of the action that checks, in a folder with two manifests, as GitHub's runner does."""
    program = tmp_path / "temp/podgate/bin/podgate"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(ROOT))} exec {sys.executable} -m webhook.cli "$@"\n')
    program.chmod(0o755)
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostPID: %s\n  containers: [{name: a, image: b}]\n"
    (tmp_path / "work/my pods").mkdir(parents=True)
    (tmp_path / "work/my pods/bad.yaml").write_text(pod % "true")
    (tmp_path / "work/good.yaml").write_text(pod % "false")

    def run(**inputs: str) -> subprocess.CompletedProcess[str]:
        environment = {**dict.fromkeys(CHECK["env"], ""), **inputs}
        environment |= {"RUNNER_TEMP": str(tmp_path / "temp"), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
        script = tmp_path / "step.sh"
        script.write_text(CHECK["run"])
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            env={**os.environ, **environment},
            cwd=tmp_path / "work",
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_denial_fails_the_step_and_is_told_three_times(runner: Any, tmp_path: Path) -> None:
    done = runner(PATHS="my pods\ngood.yaml\n", PROFILE="pss-baseline", SARIF_FILE="out.sarif")
    assert (done.returncode, done.stderr) == (1, "")
    [annotation, summary] = done.stdout.splitlines()
    assert annotation.startswith(
        "::error file=my pods/bad.yaml,line=5,col=3,title=host-pid (high)::pod/a: spec.hostPID"
    )
    assert summary == "2 objects checked against pss-baseline: 1 denied, 1 allowed"
    assert (tmp_path / "summary.md").read_text().startswith("## Podgate: 1 denied, 1 allowed\n")
    [result] = json.loads((tmp_path / "work/out.sarif").read_text())["runs"][0]["results"]
    assert result["ruleId"] == "host-pid"


def test_what_is_allowed_passes(runner: Any, tmp_path: Path) -> None:
    done = runner(PATHS="good.yaml", PROFILE="pss-baseline", MIN_SEVERITY="high", PSS_VERSION="v1.29")
    assert (done.returncode, done.stderr) == (0, "")
    assert not list((tmp_path / "work").glob("*.sarif"))


def test_inputs_are_no_code_and_no_options(runner: Any, tmp_path: Path) -> None:
    done = runner(PATHS="$(touch x)\n--version\n; touch x", SARIF_FILE="a $(touch x).sarif")
    assert done.returncode == 2
    assert "::error file=--version,title=not judged::cannot be read" in done.stdout
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["a $(touch x).sarif", "good.yaml", "my pods"]


def test_a_wrong_call_is_told_once_and_leaves_no_file(runner: Any, tmp_path: Path) -> None:
    done = runner(PATHS="good.yaml", PROFILE="none", SARIF_FILE="out.sarif")
    assert done.returncode == 2
    assert done.stderr.count("Invalid value for '--profile'") == 1
    assert not (tmp_path / "work/out.sarif").exists()


def test_the_page_uses_what_is_there() -> None:
    called = re.findall(r"podgate check (-[^>|'`]*|[a-z]+/[^>|'`]*)", PAGE)
    assert len(called) >= 4
    for line in called:
        assert options(line) <= OPTIONS
    assert set(re.findall(r"^\| `([a-z]+)` \|", PAGE, re.MULTILINE)) == set(formats.names())


def test_the_page_hands_over_inputs_that_are_there() -> None:
    steps = [
        step for block in BLOCKS for job in block.get("jobs", {"": block}).values() for step in job.get("steps", [])
    ]
    handed = [step["with"] for step in steps if step.get("uses", "").startswith("example/podgate@")]
    assert len(handed) == 2
    assert all(set(found) <= set(ACTION["inputs"]) for found in handed)
    [hook] = [block["repos"][0]["hooks"][0] for block in BLOCKS if "repos" in block]
    assert hook["id"] == HOOK["id"]
    assert set(filter(lambda word: word.startswith("-"), hook["args"])) <= OPTIONS
