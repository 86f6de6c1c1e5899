"""`podgate decisions`: what it prints and where, and exit codes."""

import gzip
import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from webhook import cli
from webhook.recorded import Entry, Summary, document, text
from webhook.recorded.tally import Tally


def run(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli.group, ("decisions", *arguments), input=given)


def line(name: str = "web", *, decision: str = "allow", judged: str = "allow", **fields: object) -> str:
    given = {"ts": "2026-11-24T10:00:00.000Z", "kind": "Pod", "namespace": "shop", "name": name, "user": "alice"}
    given |= {"mode": "audit", "policy": "0123456789ab"}
    return json.dumps({"decision": decision, "judged": judged, **given, **fields}) + "\n"


DENIED = line(decision="deny", judged="deny", rules=["privileged", "sysctls"], denying=["privileged"], mode="enforce")
WOULD = line("db-0", judged="deny", rules=["host-path"], denying=["host-path"], namespace="data", risk=0.75)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "decisions"
    file.write_text(DENIED + WOULD + WOULD.replace("10:00", "11:30") + line(overridden=["host-path"], dryRun=True))
    return file


def test_tables(log: Path) -> None:
    found = run(str(log))
    assert found.exit_code == 0
    assert found.stderr == ""
    assert (
        found.stdout
        == """\
4 decisions, 2026-11-24T10:00:00Z to 2026-11-24T11:30:00Z; 1 of a dry run
1 denied; enforcing would deny 2 more: 2 workloads in 2 namespaces.

VERDICT   ANSWERED   IF ENFORCED
denied           1             3
warned           0             0
allowed          3             1

RULE         DENIED   WOULD BE DENIED   ONLY FOUND
host-path         0                 2            0
privileged        1                 0            0
sysctls           0                 0            1

NAMESPACE   DENIED   WOULD BE DENIED   WARNED   ALLOWED
data             0                 2        0         0
shop             1                 0        0         1

NAMESPACE   WORKLOAD   DENIED   WOULD BE DENIED   WARNED   ALLOWED
data        pod/db-*        0                 2        0         0
shop        pod/web         1                 0        0         1

USER    DENIED   WOULD BE DENIED   WARNED   ALLOWED
alice        1                 2        0         1

OVERRIDE OF   USED   REFUSED
host-path        1         0

  RISK   NAMESPACE   WORKLOAD
0.7500   data        pod/db-*

POLICY         MODE      DECISIONS   FROM                   TO
0123456789ab   audit             3   2026-11-24T10:00:00Z   2026-11-24T11:30:00Z
0123456789ab   enforce           1   2026-11-24T10:00:00Z   2026-11-24T10:00:00Z
"""
    )


def test_json(log: Path) -> None:
    found = json.loads(run("-o", "json", "--top", "1", str(log)).stdout)
    assert (found["decisions"], found["denied"], found["wouldBeDenied"], found["workloadsConcerned"]) == (4, 1, 2, 2)
    assert (found["from"], found["to"]) == ("2026-11-24T10:00:00Z", "2026-11-24T11:30:00Z")
    assert found["answered"] == {"deny": 1, "warn": 0, "allow": 3, "other": 0}
    assert found["judged"] == {"deny": 3, "warn": 0, "allow": 1, "other": 0}
    assert found["workloads"] == {
        "items": [
            {
                "namespace": "data",
                "kind": "Pod",
                "name": "db-*",
                "denied": 0,
                "wouldBeDenied": 2,
                "warned": 0,
                "allowed": 0,
            }
        ],
        "others": {"count": 1, "denied": 1, "wouldBeDenied": 0, "warned": 0, "allowed": 1},
        "exact": True,
    }
    assert found["overridesUsed"]["items"][0]["rule"] == "host-path"
    assert found["risks"] == [{"namespace": "data", "kind": "Pod", "name": "db-*", "risk": 0.75}]
    assert found["lines"]["read"] == 4


@pytest.mark.parametrize(
    ("options", "head"),
    [
        (["--denied"], "3 decisions, 2026-11-24T10:00:00Z to 2026-11-24T11:30:00Z; 1 passed over, as asked"),
        (["--namespace", "data", "-n", "none"], "2 decisions,"),
        (["--rule", "privileged"], "1 decision,"),
        (["--rule", "risk"], "0 decisions; 4 passed over"),
        (["--since", "2026-11-24T11:00:00Z"], "1 decision, 2026-11-24T11:30:00Z to 2026-11-24T11:30:00Z"),
        (["--since", "2026-11-24T13:00:00+02:00"], "1 decision, "),
        (["--since", "1d2h3m4s", "--denied"], ""),
    ],
)
def test_options(log: Path, options: list[str], head: str) -> None:
    found = run(*options, str(log))
    assert found.exit_code == 0
    assert found.stdout.startswith(head)


def test_several_files_also_compressed_and_from_standard_input(log: Path, tmp_path: Path) -> None:
    (tmp_path / "decisions.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    assert run(str(log), f"{log}.1.gz", "-", given=DENIED).stdout.startswith("9 decisions,")


def test_what_cannot_be_read_is_told_and_does_not_stop_the_rest(log: Path) -> None:
    with log.open("a") as file:
        file.write("".join(f"garbage {number}\n" for number in range(7)) + '{"message":"a new policy"}\n' + DENIED[:20])
    found = run(str(log))
    assert found.exit_code == 0
    assert found.stdout.splitlines()[0].endswith("; 1 line of another log; 8 lines not readable")
    told = found.stderr.splitlines()
    assert len(told) == 6
    assert told[0] == f"error: {log}:5: is not a decision: JSON is malformed: invalid character (byte 0)"
    assert told[5] == "error: 3 more lines could not be read"


@pytest.mark.parametrize(
    ("arguments", "given", "said"),
    [
        ([], "", "say what to read"),
        (["/none/at/all"], "", "error: /none/at/all: cannot be read: no such file or directory"),
        (["-"], "apiVersion: v1\nkind: Pod\n", "stdin:1: is not a decision"),
        (["-"], '{"apiVersion":"v1"}\n', ""),
        (["--since", "yesterday", "-"], "", '--since "yesterday" is no time: write 24h, 7d, or a time with a zone'),
        (["--since", "2026-11-24T10:00:00", "-"], "", "a time with a zone"),
        (["--since", "", "-"], "", "is no time"),
        (["--rule", "host-paht", "-"], "", '--rule "host-paht" is not a rule: did you mean host-path?'),
        (["--rule", "zzz", "-"], "", "`podgate rules` lists them"),
        (["--top", "0", "-"], "", "--top"),
    ],
)
def test_bad_input(arguments: list[str], given: str, said: str) -> None:
    found = run(*arguments, given=given)
    assert found.exit_code == 2
    assert said in found.stderr


def test_a_log_that_is_empty_yet() -> None:
    found = run("-", given="")
    assert (found.exit_code, found.stdout, found.stderr) == (0, "0 decisions\n", "")


def test_names_do_not_steer_the_terminal(log: Path) -> None:
    log.write_text(line("a\x1b[31m\u202e", user="b\nc", rules=["d\x00"], policy="\x9b"))
    found = run(str(log)).stdout
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", found)
    assert r"pod/a\x1b[31m\u202e" in found
    assert "\x1b" not in run("-o", "json", str(log)).stdout


def test_colour(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.commands.decisions.colourful", lambda _: True)
    found = run(str(log)).stdout
    assert "\x1b[1mRULE " in found
    assert re.search("\x1b\\[31m +2\x1b\\[0m", found)
    plain = re.sub("\x1b\\[[0-9]+m", "", found)
    monkeypatch.undo()
    assert [row.rstrip() for row in plain.splitlines()] == run(str(log)).stdout.splitlines()


def test_notes(log: Path) -> None:
    more = line(policy="another", rules=["sysctls", "and 3 more"])
    said = run(str(log), "-", given=more).stdout
    assert "1 line names only the first of many rules." in said
    assert "2 policies decided this: --since" in said


def test_too_many_names_are_said() -> None:
    summary = Summary(workloads=Tally(most=5))
    for number in range(100):
        summary.add(Entry(decision="allow", judged="deny", kind="Service", name=f"x{number}"))
    told = "".join(text.render(summary, 3, colour=False))
    assert "enforcing would deny 100 more: at least 10 workloads in 1 namespace." in told
    assert re.search(r"others \(7 or more\) +0 +97 ", told)
    assert "figures beside names are lower bounds, sums are exact." in told
    assert json.loads(document.render(summary, 3))["workloads"]["exact"] is False
