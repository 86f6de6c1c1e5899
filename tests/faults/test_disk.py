"""The decision log and the process log lie on a disk that is full, or their readers are gone."""

import json
import os
import resource
from functools import partial
from pathlib import Path

from tests.faults.conftest import Begin
from tests.faults.test_process import free_port, is_denied
from tests.webhook.serving import wait
from tests.webhook.test_serve import OLD, Served, failed, install, start

LOST = "lines of the decision log were lost"


def lost(served: Served) -> int:
    """How many lines the metrics say are lost."""
    name = b'podgate_errors_total{stage="log"} '
    metrics = served.ops("/metrics").body
    return int(float(metrics.split(name)[1].split(b"\n")[0]))


def test_decisions_are_lost_on_a_full_device_and_it_is_said_and_counted(begin: Begin) -> None:
    served = begin("--decision-log", "/dev/full")
    with served.wire() as wire:
        assert all(is_denied(wire) for _ in range(20))

    assert wait(lambda: LOST in served.messages())
    assert wait(lambda: lost(served) == 20)
    assert served.ops("/readyz").status == 200


def test_a_disk_that_fills_up_costs_decisions_and_what_is_written_after_it_is_whole(
    begin: Begin, tmp_path: Path
) -> None:
    log = tmp_path / "decisions"
    served = begin("--decision-log", str(log))
    with served.wire() as wire:
        assert is_denied(wire)
        assert wait(lambda: log.exists() and log.read_bytes().endswith(b"\n"))
        full = (log.stat().st_size + 100, resource.RLIM_INFINITY)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, full)
        assert all(is_denied(wire) for _ in range(10))
        assert wait(lambda: lost(served) == 10)
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert is_denied(wire)
        assert wait(lambda: log.read_bytes().endswith(b"\n"))

    first, torn, last = log.read_text().splitlines()
    assert len(torn) == 100
    assert [json.loads(line)["decision"] for line in (first, last)] == ["deny", "deny"]


def test_a_process_log_that_cannot_be_written_changes_no_verdict(tmp_path: Path) -> None:
    install(tmp_path, OLD)
    port = free_port()
    reader, writer = os.pipe()
    os.close(reader)
    with Path("/dev/full").open("wb") as full:
        for target in (full.fileno(), writer):
            process = start(tmp_path, "--port", str(port), "--decision-log", os.devnull, stderr=target)
            served = Served(tmp_path, process, port=port)
            try:
                assert wait(partial(is_answered, served), 20)
                with served.wire() as wire:
                    wire.ask(b"no review")  # this is said there
                    assert is_denied(wire)
            finally:
                process.kill()
                process.communicate()
    os.close(writer)


def is_answered(served: Served) -> bool:
    try:
        with served.wire() as wire:
            return is_denied(wire)
    except OSError:
        return False


def test_without_standard_output_decisions_need_a_file_and_go_nowhere_else(begin: Begin, tmp_path: Path) -> None:
    install(tmp_path, OLD)
    closed = {"stdout": None, "preexec_fn": lambda: os.close(1)}
    process = start(tmp_path, **closed)
    said = process.communicate(timeout=20)[1].decode().splitlines()
    served = begin("--decision-log", str(tmp_path / "decisions"), **closed)
    with served.wire() as wire:
        assert is_denied(wire)

    assert process.returncode == 2
    assert said == ["Error: standard output is closed: name a file with --decision-log"]
    assert Path(f"/proc/{served.process.pid}/fd/1").readlink() == Path(os.devnull)


def test_a_decision_log_that_cannot_be_opened_keeps_it_from_starting(tmp_path: Path) -> None:
    install(tmp_path, OLD)
    where = tmp_path / "missing" / "decisions"

    assert failed(tmp_path, "--decision-log", str(where)) == (
        f"Error: {where} cannot be written: no such file or directory"
    )
