"""Many files: what several processes find is what one finds, and what goes wrong is said as well."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from policies import config
from webhook import check as checking
from webhook import crowd, workers
from webhook.check import MANY, Desk, Outcome, check
from webhook.manifest import File, Unread
from webhook.report import Fixes, Telling

ATTACK = """\
apiVersion: v1
kind: Pod
metadata:
  name: attack
  annotations:
    podgate.dev/override: host-path, nonsense
    podgate.dev/override-reason: reads the logs
    podgate.dev/override-expires: "2999-12-31T00:00:00Z"
spec:
  hostPID: true
  containers:
  - name: a
    image: b
    command: [nsenter, -t, "1", -m, sh]
    securityContext: {privileged: true}
  volumes:
  - name: root
    hostPath: {path: /}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """More files than one process takes: good, bad, overridden, broken, foreign, unreadable."""
    for number in range(MANY + 40):
        (tmp_path / f"{number:04}.yaml").write_text(ATTACK if number % 3 else "a: b\n")
    (tmp_path / "0010.yaml").write_text("kind: [\n---\napiVersion: v1\nkind: Pod\nspec: 1\n")
    (tmp_path / "0011.yaml").unlink()
    (tmp_path / "0011.yaml").symlink_to("nowhere")
    return tmp_path


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many there are; 3 if the test says nothing else."""
    found = [3]
    monkeypatch.setattr(workers, "cores", lambda: found[0])
    return found


@pytest.mark.parametrize("fixes", Fixes)
@pytest.mark.parametrize("telling", [Telling(), Telling(recorded=False)])
def test_the_report_is_that_of_one_process(folder: Path, cores: list[int], fixes: Fixes, telling: Telling) -> None:
    policy = config.of_profile("all" if telling.recorded else "recommended")
    paths = [str(folder / "0001.yaml"), str(folder), str(folder / "gone.yaml")]
    found = {}
    for cores[0] in (1, 3):
        report = check(paths, policy, None, fixes, telling=telling)
        risks = [result.decision.risk for result in report.results]
        told = [(risk.gist, risk.text, risk.shares) for risk in risks if risk is not None]
        results = [(result.object, result.source, result.findings, result.decision.verdict, result.decision.refusals,
                    result.decision.remedy_text, result.decision.lifted) for result in report.results]  # fmt: skip
        found[cores[0]] = (results, told, report.errors, report.ignored, report.hidden, report.summary)
    assert found[3] == found[1]
    assert len(found[1][0]) > MANY // 2
    assert len(found[1][2]) == 4


def test_progress_is_told_as_it_goes(folder: Path, cores: list[int]) -> None:
    told: list[tuple[int, int]] = []
    report = check([str(folder)], config.of_profile(), lambda objects, files: told.append((objects, files)))
    assert told == sorted(told)
    assert len(told) > 5
    assert told[-1] == (len(report.results), MANY + 40)


def test_standard_input_is_judged_in_its_place(folder: Path, cores: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "in").write_text(ATTACK)
    with (folder / "in").open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        report = check([str(folder / "0001.yaml"), "-", str(folder)], config.of_profile())
    assert [result.source.file for result in report.results][:2] == [str(folder / "0001.yaml"), "stdin"]


def test_a_bug_is_the_same_error_as_with_one_process(
    folder: Path, cores: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Desk, file: File | Unread) -> Outcome:
        raise ZeroDivisionError(str(file))

    monkeypatch.setattr(checking.Desk, "take", fail)
    with pytest.raises(ZeroDivisionError, match=r"0000\.yaml"):
        check([str(folder)], config.of_profile())


def test_few_files_start_no_process(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "judge", None)
    files = sorted(map(str, folder.glob("*.yaml")))[: MANY - 1]
    assert len(check(files, config.of_profile()).results) > MANY // 2


PROGRAM = """
import os, signal, sys, time
from webhook import check, cli, workers
workers.cores = lambda: 2
here, before = os.getpid(), check.Desk.take
def take(self, file):
    if os.getpid() != here:
        {what}
    return before(self, file)
check.Desk.take = take
cli.main()
"""


def started(folder: Path, what: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(what=what), "check", str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_process_that_dies_is_exit_code_3_and_a_sentence(folder: Path) -> None:
    with started(folder, "os.kill(os.getpid(), signal.SIGKILL)") as program:
        out, err = program.communicate(timeout=60)
    assert (program.returncode, out) == (3, "")
    assert "one of several processes ended by signal 9" in err
    assert "Traceback" not in err


def test_ctrl_c_ends_all_processes_without_a_trace(folder: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    what = f"open({str(marks)!r} + '/' + str(os.getpid()), 'w').close(); time.sleep(60)"
    with started(folder, what) as program:
        until = time.monotonic() + 60
        while len(pids := [int(mark.name) for mark in marks.iterdir()]) < 2:
            assert time.monotonic() < until
            time.sleep(0.01)
        os.killpg(program.pid, signal.SIGINT)
        out, err = program.communicate(timeout=60)
    assert (program.returncode, out, err) == (130, "", "\n")
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
