"""What is written down: never the object, never a forged line, and never at the price of a review."""

import asyncio
import errno
import json
import logging
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from policies import config
from tests.reviews import body, pod, privileged_pod, review
from webhook import lines as lines_module
from webhook import logs
from webhook.admission import admit
from webhook.decisions import DecisionLog, Losses
from webhook.lines import MAX_LINE, Lines, LogError
from webhook.logs import JsonHandler

BASELINE = config.of_profile("pss-baseline")
ALL = config.of_profile("all")


class Counted:
    """Counts lost lines."""

    def __init__(self) -> None:
        self.lost = 0

    def __call__(self, count: int) -> None:
        self.lost += count


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        with suppress(OSError):
            os.close(end)


def decide(tmp_path: Path, content: dict[str, Any], policy: config.Policy = BASELINE) -> dict[str, Any]:
    """The line about this review, as it is read from the file; it is the only one."""
    line: dict[str, Any] = json.loads(raw(tmp_path, content, policy))
    return line


def raw(tmp_path: Path, content: dict[str, Any], policy: config.Policy = BASELINE) -> str:
    log = DecisionLog(Lines.open(str(tmp_path / "log"), Counted()))
    log.write([(1_800_000_000.5, admit(body(content), policy), policy, 0.0012345)])
    log.close()
    (line,) = (tmp_path / "log").read_text().splitlines()
    (tmp_path / "log").unlink()
    return line


def test_a_decision_is_one_line_with_who_what_and_why(tmp_path: Path) -> None:
    line = decide(tmp_path, review(privileged_pod(), name="app", subResource="resize", dryRun=True))

    assert line == {
        "ts": "2027-01-15T08:00:00.500Z",
        "uid": "b5a9c1f2-0001-4000-8000-000000000001",
        "operation": "CREATE",
        "group": "",
        "version": "v1",
        "kind": "Pod",
        "subresource": "resize",
        "namespace": "default",
        "name": "app",
        "user": "alice",
        "decision": "deny",
        "judged": "deny",
        "mode": "enforce",
        "policy": BASELINE.hash,
        "rules": ["privileged"],
        "denying": ["privileged"],
        "overridden": [],
        "refused": [],
        "risk": line["risk"],
        "model": BASELINE.model,
        "dryRun": True,
        "milliseconds": 1.234,
        "skipped": [],
        "error": "",
    }
    assert 0 < line["risk"] < 1


def test_what_enforcing_would_deny_is_told_by_rule(tmp_path: Path) -> None:
    head = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: "
    audit = config.parse(f"{head}{{mode: audit, profile: pss-baseline, rules: {{host-network: {{action: warn}}}}}}")
    obj = pod(spec={"hostNetwork": True}, securityContext={"privileged": True})
    line = decide(tmp_path, review(obj), audit)

    assert (line["decision"], line["judged"]) == ("allow", "deny")
    assert line["rules"] == ["privileged", "host-network"]
    assert line["denying"] == ["privileged"]
    assert decide(tmp_path, review(obj, old=obj), audit)["denying"] == []


def test_a_refused_override_is_told_by_rules_that_exist(tmp_path: Path) -> None:
    obj = privileged_pod()
    obj["metadata"]["annotations"] = {"podgate.dev/override": "privileged,SECRET,risk"}
    assert decide(tmp_path, review(obj))["refused"] == ["privileged", "risk"]
    obj["metadata"]["annotations"] = {"podgate.dev/override": "SECRET"}
    line = decide(tmp_path, review(obj))
    assert (line["refused"], line["overridden"]) == (["(no rule)"], [])


def test_the_object_is_never_written(tmp_path: Path) -> None:
    obj = pod(env=[{"name": "SECRETNAME", "value": "SECRETVALUE"}], image="SECRETIMAGE")
    obj["metadata"] |= {"annotations": {"SECRETKEY": "SECRETANNOTATION"}, "labels": {"a": "SECRETLABEL"}}

    assert "SECRET" not in raw(tmp_path, review(obj), ALL)


@pytest.mark.parametrize(
    "letter", ["\n", "\x00", "\x1b[31m", "\x7f", "\x9b31m", "\u2028", "\u202e", '"', "\\"], ids=ascii
)
def test_nobody_forges_a_line_or_steers_a_terminal(tmp_path: Path, letter: str) -> None:
    name = f"a{letter}b"
    line = raw(tmp_path, review(pod(), name=name, userInfo={"username": name}))

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["name"] == json.loads(line)["user"] == name


def test_a_line_fits_into_a_pipe_whatever_is_asked(tmp_path: Path) -> None:
    wide = "\u2028" * 5000
    content = review(privileged_pod(), name=wide, namespace=wide, userInfo={"username": wide}, subResource=wide)
    content["request"]["kind"]["version"] = wide
    line = raw(tmp_path, content, ALL)

    assert len(line) < MAX_LINE
    assert json.loads(line)["name"].startswith("\u2028")


@pytest.fixture
def sized(tmp_path: Path) -> Callable[[int], tuple[str, str]]:
    """The line about a review and the name in it, which makes the line so many bytes long where it is not cut."""

    def told(size: int) -> tuple[str, str]:
        long = "\u2028" * 200  # six bytes each
        asked: dict[str, Any] = {"namespace": long, "userInfo": {"username": long}}
        wide, narrow = divmod(size - len(raw(tmp_path, review(pod(), **asked, name=""))), 6)
        name = "\u2028" * wide + "a" * narrow
        assert len(name) <= 256
        return raw(tmp_path, review(pod(), **asked, name=name)), name

    return told


def test_a_line_at_the_limit_is_written_whole_and_one_byte_more_makes_its_fields_shorter(
    sized: Callable[[int], tuple[str, str]],
) -> None:
    line, name = sized(MAX_LINE - 1)  # and its end
    assert len(line) == MAX_LINE - 1
    assert json.loads(line)["name"] == name
    line, name = sized(MAX_LINE)
    assert len(line) < MAX_LINE
    assert json.loads(line)["name"] == name[:32] != name


def test_many_decisions_are_as_many_lines_in_pieces_that_a_pipe_takes_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = Lines.write

    def measured(lines: Lines, data: bytes) -> None:
        sizes.append(len(data))
        write(lines, data)

    monkeypatch.setattr(Lines, "write", measured)
    log = DecisionLog(Lines.open(str(tmp_path / "log"), Counted()))
    told = [(number / 1000, admit(body(review(pod())), BASELINE), BASELINE, 0.001) for number in range(100)]
    log.write(told)
    log.write([])
    log.close()
    written = [json.loads(line)["ts"] for line in (tmp_path / "log").read_text().splitlines()]

    assert written == [f"1970-01-01T00:00:00.{number:03d}Z" for number in range(100)]
    assert 100 // 12 <= len(sizes) < 20
    assert max(sizes) <= MAX_LINE


def test_a_file_that_was_moved_away_is_opened_anew_when_it_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = [(0.0, admit(body(review(pod())), BASELINE), BASELINE, 0.001)]
    log = DecisionLog(Lines.open(str(tmp_path / "log"), Counted()))
    log.write(told)
    (tmp_path / "log").rename(tmp_path / "log.1")
    log.check()
    log.write(told)
    with caplog.at_level(logging.INFO, "podgate"):
        log.check(force=True)
    log.write(told)
    log.close()

    assert [len((tmp_path / name).read_text().splitlines()) for name in ("log.1", "log")] == [2, 1]
    assert [record.getMessage() for record in caplog.records] == ["the decision log was opened anew"]


def test_a_file_that_cannot_be_opened_anew_is_said_and_the_old_one_written_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = DecisionLog(Lines.open(str(tmp_path / "log"), Counted()))
    (tmp_path / "log").rename(tmp_path / "log.1")
    (tmp_path / "log").mkdir()
    log.check(force=True)
    log.write([(0.0, admit(body(review(pod())), BASELINE), BASELINE, 0.001)])
    log.close()

    assert len((tmp_path / "log.1").read_text().splitlines()) == 1
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.__dict__["fields"] == {"problem": f"{tmp_path}/log cannot be written: is a directory"}


def test_standard_output_is_not_opened_anew(
    pipe: tuple[int, int], counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    log = DecisionLog(Lines.onto(pipe[1], counted))
    with caplog.at_level(logging.INFO, "podgate"):
        log.check(force=True)
    log.close()

    assert caplog.records == []


def test_a_new_file_does_not_begin_with_half_a_line(
    tmp_path: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = Lines.open(str(tmp_path / "log"), counted)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", tears())
        lines.write(b"one\ntwo\nthree\n")
    (tmp_path / "log").rename(tmp_path / "log.1")
    assert lines.reopen()
    lines.write(b"four\n")
    lines.close()

    assert (tmp_path / "log.1").read_bytes() == b"one\ntw"
    assert (tmp_path / "log").read_bytes() == b"four\n"
    assert counted.lost == 2


def tears() -> Callable[[int, bytes], int]:
    """A write that takes six bytes, and then waits for ever."""
    write, calls = os.write, iter([6])

    def torn(handle: int, data: bytes) -> int:
        room = next(calls, 0)
        if not room:
            raise BlockingIOError
        return write(handle, data[:room])

    return torn


def test_lines_that_are_lost_are_said_once_a_minute(counted: Counted, caplog: pytest.LogCaptureFixture) -> None:
    now = 1000.0
    losses = Losses(counted, lambda: now)
    losses.check()
    for seconds in (0, 2, 58, 60, 120, 180):
        now = 1000.0 + seconds
        if seconds < 100:
            losses(3)
        losses.check()
    losses(1)
    losses.check(force=True)

    assert counted.lost == 13
    assert [record.__dict__["fields"]["lines"] for record in caplog.records] == [3, 9, 1]


def test_the_file_is_for_its_owner_and_is_appended_to(tmp_path: Path, counted: Counted) -> None:
    path = tmp_path / "log"
    for text in (b"one\n", b"two\n"):
        lines = Lines.open(str(path), counted)
        lines.write(text)
        lines.close()

    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path, counted: Counted) -> None:
    with pytest.raises(LogError, match="cannot be written: is a directory"):
        Lines.open(str(tmp_path), counted)


@pytest.mark.parametrize("may_block", [False, True], ids=["opened-anew", "shared"])
def test_a_full_pipe_takes_what_it_can_and_the_rest_waits(
    pipe: tuple[int, int], counted: Counted, may_block: bool
) -> None:
    reader, writer = pipe
    lines = Lines(os.dup(writer), counted, may_block=True) if may_block else Lines.onto(writer, counted)
    line = b"x" * 999 + b"\n"
    for _ in range(200):
        lines.write(line)
    assert counted.lost == 0
    seen = b""
    while len(seen) < 200_000:
        seen += os.read(reader, 65536)
        lines.write(b"")
    lines.close()

    assert seen == line * 200
    assert counted.lost == 0


def test_what_waits_is_bounded_and_the_rest_is_counted(
    pipe: tuple[int, int], counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines_module, "MAX_WAITING", 10_000)
    lines = Lines.onto(pipe[1], counted)
    for number in range(200):
        lines.write(b"%03d" % number + b"x" * 996 + b"\n")
    kept = 200 - counted.lost
    lines.close()

    assert 60 < kept < 80
    assert counted.lost == 200 - kept + 10


def test_what_waits_is_written_when_the_reader_goes_on(pipe: tuple[int, int], counted: Counted) -> None:
    async def play() -> bytes:
        lines = Lines.onto(pipe[1], counted)
        for _ in range(100):
            lines.write(b"x" * 999 + b"\n")
        seen = b""
        while len(seen) < 100_000:
            seen += os.read(pipe[0], 65536)
            await asyncio.sleep(0.06)
        lines.close()
        return seen

    assert len(asyncio.run(play())) == 100_000
    assert counted.lost == 0


def test_a_closed_pipe_loses_lines_and_nothing_else(pipe: tuple[int, int], counted: Counted) -> None:
    lines = Lines.onto(pipe[1], counted)
    os.close(pipe[0])
    for _ in range(3):
        lines.write(b"x\n")
    lines.close()

    assert counted.lost == 3


def test_a_handle_that_cannot_be_opened_anew_is_shared(counted: Counted) -> None:
    import socket  # noqa: PLC0415 - a socket is such a handle

    near, far = socket.socketpair()
    with near, far:
        lines = Lines.onto(near.fileno(), counted)
        lines.write(b"x\n")
        lines.close()

        assert far.recv(10) == b"x\n"
        assert os.get_blocking(near.fileno())


def test_standard_output_stays_as_it_was_for_others(pipe: tuple[int, int], counted: Counted) -> None:
    lines = Lines.onto(pipe[1], counted)

    assert os.get_blocking(pipe[1])
    lines.close()


def test_a_full_disk_loses_lines_and_the_next_one_begins_afresh(
    tmp_path: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk takes ten bytes, is full for two lines, and has room again."""
    path = tmp_path / "log"
    lines = Lines.open(str(path), counted)
    write = os.write
    room = 10

    def full(handle: int, data: bytes) -> int:
        nonlocal room
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = write(handle, data[:room])
        room -= written
        return written

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        for text in (b"first\n", b"second\n", b"third\n"):
            lines.write(text)
    lines.write(b"fourth\n")
    lines.close()

    assert path.read_bytes() == b"first\nseco\nfourth\n"
    assert counted.lost == 2


@pytest.fixture
def said(tmp_path: Path) -> Iterator[Path]:
    """Where a logger `test` writes to."""
    handler = JsonHandler(Lines.open(str(tmp_path / "log"), Counted()))
    logger = logging.getLogger("podgate.test")
    logger.addHandler(handler)
    logger.propagate = False
    logger.setLevel(logging.INFO)
    yield tmp_path / "log"
    logger.removeHandler(handler)
    handler.close()


def test_what_rarely_happens_is_json_too(said: Path) -> None:
    logging.getLogger("podgate.test").warning("a %s\nb", "\x1b", extra={"fields": {"uid": "1"}})
    line = json.loads(said.read_text())

    assert line.pop("ts").endswith("Z")
    assert line == {"level": "warning", "message": "a \x1b\nb", "uid": "1", "logger": "podgate.test"}
    assert said.read_text().strip().isprintable()


def test_an_exception_is_written_with_its_trace_in_one_line(said: Path) -> None:
    try:
        json.loads("{")
    except ValueError:
        logging.getLogger("podgate.test").exception("failed")
    (line,) = said.read_text().splitlines()

    assert "test_logs.py" in json.loads(line)["trace"]


def test_a_record_that_cannot_be_written_harms_nobody(tmp_path: Path) -> None:
    handler = JsonHandler(Lines.open(str(tmp_path / "log"), Counted()))
    for text in ("%d", "unharmed %s"):
        handler.emit(logging.LogRecord("test", logging.INFO, "", 0, text, ("no number",), None))
    handler.close()

    messages = [json.loads(line)["message"] for line in (tmp_path / "log").read_text().splitlines()]
    assert messages == ["a line of test cannot be written", "unharmed no number"]


def test_every_logger_is_led_to_the_same_place(tmp_path: Path) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        handler = logs.start("warning", Lines.open(str(tmp_path / "log"), Counted()))
        logging.getLogger("some.package").warning("said")
        logging.getLogger("some.package").info("unsaid")
        handler.close()
    finally:
        root.handlers[:] = before
        root.setLevel(level)

    assert [json.loads(line)["logger"] for line in (tmp_path / "log").read_text().splitlines()] == ["some.package"]
