"""Decision logs are read to the end, whatever is in them."""

import gzip
import io
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from policies import config
from tests.reviews import body, privileged_pod, review
from webhook.admission import admit
from webhook.decisions import DecisionLog
from webhook.lines import Lines
from webhook.recorded import Entry, Flaw, read
from webhook.recorded.entries import MAX_LINE

LINE = b'{"decision":"deny","judged":"deny","ts":"2026-11-24T10:00:00.5Z","rules":["privileged"],"dryRun":true}\n'


def entries(path: Path, content: bytes) -> list[Entry | Flaw | None]:
    path.write_bytes(content)
    return list(read(str(path)))


def problem(path: Path, content: bytes) -> str:
    """What is said of the one line that cannot be read."""
    (flaw,) = entries(path, content)
    assert isinstance(flaw, Flaw)
    assert (flaw.line, flaw.fatal) == (1, False)
    return flaw.problem


def test_what_the_log_writes_is_what_is_read(tmp_path: Path) -> None:
    policy = config.of_profile("pss-baseline")
    log = DecisionLog(Lines.open(str(tmp_path / "log"), lambda _: None))
    log.write([(1_800_000_000.5, admit(body(review(privileged_pod(), name="web")), policy), policy, 0.001)])
    log.close()

    (entry,) = read(str(tmp_path / "log"))
    assert isinstance(entry, Entry)
    assert entry.ts == datetime(2027, 1, 15, 8, 0, 0, 500_000, UTC)
    assert (entry.decision, entry.judged, entry.mode) == ("deny", "deny", "enforce")
    assert (entry.kind, entry.namespace, entry.name, entry.user) == ("Pod", "default", "web", "alice")
    assert entry.rules == entry.denying == ("privileged",)
    assert entry.policy == policy.hash
    assert entry.risk


@pytest.mark.parametrize(
    "pack", [bytes, gzip.compress, lambda data: gzip.compress(data[:99]) + gzip.compress(data[99:])]
)
def test_compressed_or_not(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    found = entries(tmp_path / "log", pack(LINE * 3))
    assert [type(entry) for entry in found] == [Entry] * 3


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(gzip.compress(LINE)))))
    assert [type(entry) for entry in read("-")] == [Entry]


def test_fields_may_be_missing_and_unknown(tmp_path: Path) -> None:
    assert entries(tmp_path / "log", b'{"decision":"allow","colour":{"a":[1]}}\n\n') == [Entry(decision="allow"), None]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"garbage\n", "is not a decision: JSON is malformed: invalid character (byte 0)"),
        (b"[1]\n", "is not a decision: Expected `object`, got `array`"),
        (b'{"decision":1}\n', "is not a decision: Expected `str`, got `int` - at `$.decision`"),
        (b'{"decision":"deny","ts":"2026-11-24T10:00:00"}\n', "is not a decision: Expected `datetime` with a timezone"),
        (b'{"decision":"deny","ts":"yesterday"}\n', "is not a decision: Invalid RFC3339 encoded datetime"),
        (b'{"decision":"\xff"}\n', "is not a decision: "),
        (b'{"decision":"de', "the line has no end, perhaps it is still being written"),
        (b"[" * 50_000 + b"\n", "is not a decision: "),
        (b"\x00\n", "is not a decision: "),
        (b'{"decision":"' + b"a" * MAX_LINE + b'"}\n', "is longer than 65,536 bytes"),
        (b"a" * (5 * MAX_LINE), "is longer than 65,536 bytes"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_no_decision_is_told(tmp_path: Path, line: bytes, said: str) -> None:
    assert said in problem(tmp_path / "log", line)


def test_what_is_damaged_takes_nothing_with_it(tmp_path: Path) -> None:
    found = entries(tmp_path / "log", LINE + b"x" * (3 * MAX_LINE) + b"\n" + LINE + b'{"message":"started"}\n' + LINE)
    assert [type(entry) for entry in found] == [Entry, Flaw, Entry, Flaw, Entry]
    flaws = [entry for entry in found if isinstance(entry, Flaw)]
    assert [(flaw.line, flaw.foreign) for flaw in flaws] == [(2, False), (4, True)]
    assert str(flaws[0]) == f"{tmp_path}/log:2: is longer than 65,536 bytes"


@pytest.mark.parametrize(("longer", "kind"), [(0, Entry), (1, Flaw), (2, Flaw)])
def test_a_line_at_the_limit_is_read_and_one_byte_over_it_only_itself_is_not(
    tmp_path: Path, longer: int, kind: type[Entry | Flaw]
) -> None:
    line = b'{"decision":"deny","name":""}\n'
    line = line.replace(b'""', b'"' + b"a" * (MAX_LINE - len(line) + longer) + b'"')
    assert len(line) == MAX_LINE + longer
    found = entries(tmp_path / "log", LINE + line + LINE + LINE)
    assert [type(entry) for entry in found] == [Entry, kind, Entry, Entry]


@pytest.mark.parametrize("cut", [5, 15, -6])
def test_a_compressed_file_that_is_cut(tmp_path: Path, cut: int) -> None:
    packed = gzip.compress(b"".join(LINE.replace(b"deny", os.urandom(4).hex().encode()) for _ in range(2_000)))
    *found, flaw = entries(tmp_path / "log.gz", packed[:cut])
    assert all(isinstance(entry, Entry) for entry in found)
    assert len(found) == (2_000 if cut < 0 else 0)
    assert isinstance(flaw, Flaw)
    assert flaw.fatal
    assert flaw.problem == "the compressed file is damaged or not complete from here on"


def test_a_compressed_file_that_is_damaged(tmp_path: Path) -> None:
    packed = gzip.compress(LINE)
    (flaw,) = entries(tmp_path / "log.gz", packed[:10] + b"\xff" * 20 + packed[30:])
    assert isinstance(flaw, Flaw)
    assert flaw.fatal


def test_what_is_no_file(tmp_path: Path) -> None:
    (missing,) = read(str(tmp_path / "none"))
    (folder,) = read(str(tmp_path))
    assert str(missing) == f"{tmp_path}/none: cannot be read: no such file or directory"
    assert str(folder) == f"{tmp_path}: cannot be read: is a directory"
