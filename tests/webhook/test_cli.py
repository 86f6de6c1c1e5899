"""The program: its commands, what they print and where, and exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from policies import profile, registry
from webhook import cli

GOOD = "apiVersion: v1\nkind: Pod\nmetadata: {name: good}\nspec: {containers: [{name: a, image: b}]}\n"
BAD = """\
apiVersion: v1
kind: Pod
metadata: {name: bad}
spec:
  containers:
  - name: a
    image: b
    securityContext: {privileged: true}
"""
POLICY = """\
apiVersion: podgate.dev/v1alpha1
kind: GatePolicy
metadata: {name: mine}
spec: {profile: pss-baseline, rules: {privileged: {action: warn}}}
"""


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli.group, arguments, input=given)


def start(*arguments: str, given: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The program as a process of its own."""
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(cli.__file__).parent.parent), **environment}
    command = [sys.executable, "-m", "webhook.cli", *arguments]
    return subprocess.run(command, input=given, capture_output=True, env=env, timeout=60, check=False)


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(BAD)
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "registry.yaml").write_text(POLICY.replace("privileged", "image-registry-deprecated"))
    return tmp_path


HOST = "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: agents}\nspec: {hostNetwork: true, containers: []}\n"
SPACES = (
    "apiVersion: v1\nkind: Namespace\n"
    "metadata: {name: agents, labels: {pod-security.kubernetes.io/enforce: privileged}}\n"
)
OLD = (
    "apiVersion: v1\nkind: Pod\nmetadata: {name: old}\nspec:\n  os: {name: windows} # kept\n"
    "  containers: [{name: a, image: 'k8s.gcr.io/pause:3.2'}]"
)


class TestCheck:
    @pytest.mark.parametrize(
        ("names", "expected"),
        [(["good"], 0), (["good", "bad"], 1), (["bad", "broken"], 2), (["broken"], 2), (["nowhere"], 2)],
    )
    def test_exit_codes(self, files: Path, names: list[str], expected: int) -> None:
        paths = [f"{files}/{name}.yaml" for name in names]
        assert run("check", "--profile", "pss-baseline", *paths).exit_code == expected

    def test_text(self, files: Path) -> None:
        found = run("check", "--profile", "pss-baseline", f"{files}/bad.yaml", f"{files}/broken.yaml")
        assert found.stdout == (
            f"pod/bad in {files}/bad.yaml:1 denied\n"
            f"  deny   critical  privileged  {files}/bad.yaml:8\n"
            '    spec.containers[0].securityContext.privileged is true (container "a").\n'
            f"    fix: {registry.by_name()['privileged'].remediation}\n\n"
            "1 object checked against pss-baseline: 1 denied, 1 not judged; 1 finding (1 critical)\n"
        )
        assert found.stderr.startswith(f"error: {files}/broken.yaml:1: is not YAML: ")

    def test_json(self, files: Path) -> None:
        found = run("check", "-o", "json", f"{files}/bad.yaml")
        content = json.loads(found.stdout)
        assert (found.exit_code, content["policy"]["name"], found.stderr) == (1, "recommended", "")
        assert content["results"][0]["findings"][0]["rule"] == "privileged"

    def test_standard_input(self) -> None:
        found = run("check", "-", "--profile", "pss-baseline", given=BAD)
        assert found.exit_code == 1
        assert found.stdout.startswith("pod/bad in stdin:1 denied\n")

    def test_a_policy_file(self, files: Path) -> None:
        found = run("check", "--policy", f"{files}/policy.yaml", f"{files}/bad.yaml")
        assert found.exit_code == 0
        assert "1 object checked against mine: 1 warned" in found.stdout

    def test_findings_that_are_not_severe_are_left_out_but_count(self, files: Path) -> None:
        found = run("check", "--profile", "pss-restricted", "--min-severity", "critical", f"{files}/good.yaml")
        assert found.exit_code == 1
        assert found.stdout.startswith(f"pod/good in {files}/good.yaml:1 denied\n1 object checked")
        assert "; 4 not shown" in found.stdout

    def test_versions_of_the_standard(self, files: Path) -> None:
        found = {
            version: json.loads(
                run(
                    "check", "-o", "json", "--profile", "pss-restricted", "--pss-version", version, f"{files}/good.yaml"
                ).stdout
            )["summary"]["findings"]["medium"]
            for version in ("v1.0", "latest")
        }
        assert found["v1.0"] < found["latest"]

    def test_verbose(self, files: Path) -> None:
        arguments = ("check", "--profile", "pss-baseline", f"{files}/good.yaml")
        assert "pod/good" not in run(*arguments).stdout
        assert "pod/good" in run(*arguments, "-v").stdout

    def test_policies_go_by_the_labels_of_a_file_of_namespaces(self, files: Path) -> None:
        (files / "host.yaml").write_text(HOST)
        (files / "spaces.yaml").write_text(SPACES)
        arguments = ("check", "--profile", "pss-baseline", f"{files}/host.yaml")
        assert run(*arguments).exit_code == 1
        assert run(*arguments, "--namespaces", f"{files}/spaces.yaml").exit_code == 0
        unknown = run(
            "check", "--profile", "pss-baseline", f"{files}/good.yaml", "--namespaces", f"{files}/spaces.yaml"
        )
        assert "seccomp-unset" in unknown.stdout  # of a namespace that is not in it, nothing mild is assumed
        wrong = run(*arguments, "--namespaces", f"{files}/nowhere.yaml")
        assert (wrong.exit_code, "nowhere.yaml cannot be read" in wrong.stderr) == (2, True)

    def test_fix_prints_the_file_and_says_what_is_left(self, files: Path) -> None:
        (files / "old.yaml").write_text(OLD)
        found = run("check", "--policy", f"{files}/registry.yaml", "--fix", f"{files}/old.yaml")
        assert found.stdout == OLD.replace("k8s.gcr.io", "registry.k8s.io")
        assert found.stderr == "fixed 1 finding; what is left:\n1 object checked against mine: 1 allowed\n"

    def test_diff_prints_what_fix_would_change(self, files: Path) -> None:
        (files / "old.yaml").write_text(OLD)
        found = run("check", "--policy", f"{files}/registry.yaml", "--diff", f"{files}/old.yaml")
        name = f"{files}/old.yaml".lstrip("/")
        old, new = OLD.splitlines()[-1], OLD.splitlines()[-1].replace("k8s.gcr.io", "registry.k8s.io")
        assert found.stdout.startswith(f"--- a/{name}\n+++ b/{name}\n@@ ")
        assert f"-{old}\n\\ No newline at end of file\n+{new}\n\\ No newline at end of file\n" in found.stdout

    def test_several_fixed_files_are_named(self, files: Path) -> None:
        found = run("check", "--profile", "pss-baseline", "--fix", f"{files}/good.yaml", f"{files}/bad.yaml")
        fixed = BAD.replace("privileged: true", "privileged: false")
        for name, text in (("good", GOOD), ("bad", fixed)):
            assert f"---\n# Source: {files}/{name}.yaml\n{text}" in found.stdout
        assert found.exit_code == 0

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["--fix", "--diff", "x"], "--fix prints files and --diff what changes in them: use one, and no -o"),
            (["--fix", "-o", "json", "x"], "--fix prints files and --diff what changes in them: use one, and no -o"),
            ([], "say what to check: a file, a folder, or - for standard input"),
            (["--profile", "none", "x"], "'none' is not one of"),
            (["-o", "xml", "x"], "'xml' is not one of"),
            (["--pss-version", "1.29", "x"], '"1.29" is not a version: write v1.N'),
            (["--policy", "nowhere", "x"], "nowhere cannot be read: No such file or directory"),
            (["--policy", "{files}/broken.yaml", "x"], "broken.yaml:1: the policy is not YAML"),
            (["--policy", "{files}/latin.yaml", "x"], "latin.yaml is not UTF-8"),
            (["--policy", "{files}/policy.yaml", "--profile", "all", "x"], "leave out --profile and --pss-version"),
            (
                ["--policy", "{files}/policy.yaml", "--pss-version", "v1.1", "x"],
                "leave out --profile and --pss-version",
            ),
            (["--min-severity", "awful", "x"], "'awful' is not one of"),
        ],
    )
    def test_wrong_calls(self, files: Path, arguments: list[str], said: str) -> None:
        (files / "latin.yaml").write_bytes(b"\xe9")
        found = run("check", *(argument.format(files=files) for argument in arguments))
        assert found.exit_code == 2
        assert said in found.stderr
        assert found.stdout == ""


class TestRules:
    def test_all_are_listed(self) -> None:
        lines = run("rules").stdout.splitlines()
        assert lines[0].split() == ["RULE", "SEVERITY", "LEVEL", "TITLE"]
        assert [line.split()[0] for line in lines[1:]] == [rule.id for rule in registry.load()]

    def test_those_of_a_profile_are_listed_with_what_it_does(self) -> None:
        lines = run("rules", "--profile", "pss-baseline").stdout.splitlines()
        assert {line.split()[3] for line in lines[1:]} == {"deny"}
        assert {line.split()[2] for line in lines[1:]} == {"baseline"}

    def test_json(self) -> None:
        content = json.loads(run("rules", "-o", "json", "--profile", "all").stdout)
        assert [entry["action"] for entry in content if entry["id"] == "privileged"] == ["warn"]


class TestExplain:
    def test_a_rule(self) -> None:
        found = run("explain", "privileged")
        assert found.exit_code == 0
        assert found.stdout.startswith("privileged: Privileged container\nSeverity: critical")

    def test_json(self) -> None:
        content = json.loads(run("explain", "-o", "json", "privileged").stdout)
        assert content["id"] == "privileged"
        assert "privileged: true" in content["bad"]["manifest"]
        assert "privileged: true" not in content["good"]["manifest"]

    @pytest.mark.parametrize(
        ("word", "said"),
        [("privilegd", "did you mean privileged?"), ("zzz", "`podgate rules` lists them")],
    )
    def test_what_is_no_rule(self, word: str, said: str) -> None:
        found = run("explain", word)
        assert found.exit_code == 2
        assert found.stderr == f'Error: "{word}" is not a rule: {said}\n'


class TestProgram:
    def test_help_names_every_command_and_imports_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("webhook.cli.importlib.import_module", lambda _: pytest.fail("imported"))
        found = run("--help")
        for name, (_, text) in cli.COMMANDS.items():
            assert name in found.stdout
            assert text in found.stdout

    @pytest.mark.parametrize("name", cli.COMMANDS)
    def test_every_command_has_a_help(self, name: str) -> None:
        assert run(name, "--help").exit_code == 0

    def test_a_wrong_command(self) -> None:
        found = run("chek")
        assert (found.exit_code, "No such command 'chek'" in found.stderr) == (2, True)

    def test_version(self) -> None:
        assert run("--version").stdout.startswith("podgate ")

    def test_completion(self) -> None:
        def complete(words: str, position: int) -> list[str]:
            found = start(_PODGATE_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(position))
            return [line.partition(",")[2] for line in found.stdout.decode().splitlines()]

        assert complete("podgate ", 1) == list(cli.COMMANDS)
        assert complete("podgate explain privileg", 2) == [
            rule.id for rule in registry.load() if rule.id.startswith("privileg")
        ]
        assert complete("podgate check --profile ", 3) == profile.names()

    def test_a_process(self) -> None:
        found = start("check", "-", "--profile", "pss-baseline", given=BAD.encode())
        assert (found.returncode, found.stdout.splitlines()[0], found.stderr) == (1, b"pod/bad in stdin:1 denied", b"")

    def test_names_that_the_terminal_cannot_show(self) -> None:
        found = start("check", "-", "-v", given=GOOD.replace("good", "gü").encode(), PYTHONIOENCODING="ascii")
        assert found.stdout.startswith(b"pod/g\\xfc in stdin:1 ")

    def test_nobody_reads_on(self) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        command = [sys.executable, "-m", "webhook.cli", "rules", "-o", "json"]
        folder = Path(cli.__file__).parent.parent
        found = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, cwd=folder, timeout=60, check=False)
        os.close(writer)
        assert (found.returncode, found.stderr) == (141, b"")

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no full disk to try")
    def test_a_full_disk_is_no_mistake_of_ours(self, files: Path) -> None:
        with Path("/dev/full").open("wb") as full:
            command = [sys.executable, "-m", "webhook.cli", "check", f"{files}/good.yaml"]
            found = subprocess.run(command, check=False, stdout=full, stderr=subprocess.PIPE)
        assert (found.returncode, found.stderr) == (
            2,
            b"Error: the output cannot be written: No space left on device\n",
        )

    def test_a_usage_error(self) -> None:
        found = start("check")
        assert found.returncode == 2
        assert found.stderr.decode().splitlines()[0] == "Usage: podgate check [OPTIONS] PATH...|-"


class TestErrors:
    """What main makes of what commands raise."""

    def exits(self, monkeypatch: pytest.MonkeyPatch, error: BaseException | int) -> int:
        def fail(**_: Any) -> int:
            if isinstance(error, BaseException):
                raise error
            return error

        monkeypatch.setattr(cli.group, "main", fail)
        with pytest.raises(SystemExit) as caught:
            cli.main()
        assert isinstance(caught.value.code, int)
        return caught.value.code

    def test_a_mistake_of_ours(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.delenv("PODGATE_DEBUG", raising=False)
        assert self.exits(monkeypatch, ValueError("what\nhappened")) == 3
        said = capsys.readouterr().err
        assert said.startswith(
            "podgate: this is a mistake in Podgate, not in your input (ValueError: what); please report"
        )
        assert said.count("\n") == 1

    def test_a_mistake_of_ours_in_full(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PODGATE_DEBUG", "1")
        assert self.exits(monkeypatch, ValueError("what")) == 3
        assert "Traceback" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("error", "expected"),
        [(click.Abort(), 130), (KeyboardInterrupt(), 130), (click.ClickException("no"), 2), (0, 0), (1, 1), (2, 2)],
    )
    def test_exit_codes(self, monkeypatch: pytest.MonkeyPatch, error: BaseException | int, expected: int) -> None:
        assert self.exits(monkeypatch, error) == expected

    def test_what_is_registered_must_be_a_command(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(cli.COMMANDS, "odd", ("os:path", ""))
        assert isinstance(run("odd").exception, TypeError)

    @pytest.mark.parametrize(("called", "name"), [("/bin/kubectl-podgate", "kubectl podgate"), ("podgate", "podgate")])
    def test_the_program_goes_by_the_name_it_was_called(
        self, monkeypatch: pytest.MonkeyPatch, called: str, name: str
    ) -> None:
        seen: dict[str, Any] = {}
        monkeypatch.setattr(sys, "argv", [called])
        monkeypatch.setattr(cli.group, "main", lambda **options: seen.update(options))
        with pytest.raises(SystemExit):
            cli.main()
        assert seen["prog_name"] == name


class _Terminal:
    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None:
        pass


class TestTerminal:
    def test_progress_comes_after_a_second_and_goes_at_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from webhook.commands import Progress  # noqa: PLC0415

        now = [100.0]
        terminal = _Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        monkeypatch.setattr("time.monotonic", lambda: now[0])
        progress = Progress("checked {:,} objects in {:,} files")
        for moment, objects in ((100.9, 5), (101.0, 1234), (101.05, 1300), (101.2, 7)):
            now[0] = moment
            progress(objects, 56)
        assert terminal.text == "\rchecked 1,234 objects in 56 files\rchecked 7 objects in 56 files    "
        progress.erase()
        assert terminal.text.endswith("\r" + " " * 29 + "\r")

    def test_a_short_run_shows_none(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from webhook.commands import Progress  # noqa: PLC0415

        terminal = _Terminal()
        monkeypatch.setattr("sys.stderr", terminal)
        Progress("read {:,} lines").erase()
        assert terminal.text == ""

    def test_nobody_looks_no_progress(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        from webhook.commands import Progress  # noqa: PLC0415

        progress = Progress("read {:,} lines")
        monkeypatch.setattr("time.monotonic", lambda: 1e9)
        progress(1)
        assert capsys.readouterr().err == ""

    @pytest.mark.parametrize(
        ("environment", "expected"),
        [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    )
    def test_colours(self, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: bool) -> None:
        from webhook.commands import colourful  # noqa: PLC0415

        for name in ("NO_COLOR", "TERM"):
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        assert colourful(_Terminal()) is expected  # type: ignore[arg-type]
