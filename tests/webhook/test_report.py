"""What a report says of itself: exit code, counts, findings left out; and text that is safe to show."""

from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from policies.decision import ALLOWED, Decision, Reason, Verdict
from policies.engine import Finding
from policies.overrides import Override
from policies.profile import Action
from policies.registry import by_name
from policies.rule import Severity
from webhook.report import (
    ALL,
    ExitCode,
    Located,
    ObjectRef,
    PolicyRef,
    Report,
    ReportError,
    Result,
    Source,
    Summary,
    Telling,
    as_json,
    counted,
    printable,
    version,
)

PRIVILEGED = by_name()["privileged"]
SOURCE = Source("a.yaml", 1, 1)
POD = ObjectRef("v1", "Pod", "", "a")
ERROR = ReportError("b.yaml", None, None, "cannot be read")


def result(verdict: Verdict, findings: int = 0) -> Result:
    finding = Finding(PRIVILEGED, ("spec",), "is bad")
    located = tuple(Located(Reason(finding, Action.DENY), 1, 1) for _ in range(findings))
    return Result(POD, SOURCE, Decision(verdict, verdict), located)


def report(*results: Result, **more: Any) -> Report:
    return Report(PolicyRef("p", "0"), results, **more)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (report(), ExitCode.ALLOWED),
        (report(result(Verdict.ALLOW), result(Verdict.WARN)), ExitCode.ALLOWED),
        (report(result(Verdict.ALLOW), result(Verdict.DENY)), ExitCode.DENIED),
        (report(result(Verdict.DENY), errors=(ERROR,)), ExitCode.BAD_INPUT),
        (report(errors=(ERROR,)), ExitCode.BAD_INPUT),
        (report(ignored=(SOURCE,)), ExitCode.ALLOWED),
    ],
)
def test_exit_code(found: Report, expected: ExitCode) -> None:
    assert found.exit_code is expected


def test_summary() -> None:
    found = report(
        result(Verdict.DENY, 2),
        result(Verdict.ALLOW),
        result(Verdict.WARN, 1),
        errors=(ERROR,),
        ignored=(SOURCE, SOURCE),
    )
    severities = {"critical": 3, "high": 0, "medium": 0, "low": 0, "info": 0}
    assert found.summary == Summary(3, 1, 1, 1, severities, hidden=0, errors=1, ignored=2)
    assert list(found.summary.findings) == list(severities)


FINDING = result(Verdict.WARN, 1).findings[0].reason
LIFTED = replace(
    FINDING, action=Action.AUDIT, override=Override(frozenset(), "why", datetime(2030, 1, 1, tzinfo=UTC), "", ())
)


@pytest.mark.parametrize(
    ("telling", "reason", "told"),
    [
        (ALL, replace(FINDING, action=Action.AUDIT), True),
        (Telling(recorded=False), FINDING, True),
        (Telling(recorded=False), replace(FINDING, action=Action.AUDIT), False),
        (Telling(recorded=False), LIFTED, True),
        (Telling(Severity.CRITICAL), FINDING, True),
        (Telling(9), FINDING, False),  # type: ignore[arg-type] # nothing is worse than critical
    ],
)
def test_what_is_told(telling: Telling, reason: Reason, told: bool) -> None:
    assert telling(reason) is told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain é 漢 😀", "plain é 漢 😀"),
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x9b0m\x7f", "\\x9b0m\\x7f"),
        ("\u202egpj.exe\u2028", "\\u202egpj.exe\\u2028"),
        ("\ud800\U000e0001", "\\ud800\\U000e0001"),
    ],
)
def test_what_would_move_a_cursor_is_written_out(text: str, expected: str) -> None:
    assert printable(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"), [("abc", "abc"), ("abcd", "abc..."), ("a\n", "a\\n"), ("ab\n", "ab\\...")]
)
def test_what_is_shown_can_be_cut(text: str, expected: str) -> None:
    assert printable(text, 3) == expected


def test_json_holds_nothing_that_a_terminal_obeys_and_writes_half_characters() -> None:
    assert as_json({"a": "é\x9b\u202e\n"}) == '{\n  "a": "é\\u009b\\u202e\\n"\n}\n'
    assert as_json({"a": [ObjectRef("v1", "Pod", "", "\ud800")]}) == (
        '{\n  "a": [\n    {\n      "apiVersion": "v1",\n      "kind": "Pod",\n      "namespace": "",\n'
        '      "name": "\\ud800"\n    }\n  ]\n}\n'
    )


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (POD, "pod/a"),
        (ObjectRef("apps/v1", "Deployment", "shop", "web"), "deployment.apps/web (namespace shop)"),
        (ObjectRef("v1", "Pod", "", ""), "pod/(no name)"),
    ],
)
def test_an_object_is_named_as_kubectl_names_it(found: ObjectRef, expected: str) -> None:
    assert str(found) == expected


def test_the_worst_comes_first_and_what_is_equal_stays_in_order() -> None:
    rules = by_name()
    wanted = [
        ("host-port", Action.WARN),
        ("host-port", Action.DENY),
        ("host-pid", Action.DENY),
        ("host-ipc", Action.DENY),
    ]
    found = [
        Result(POD, SOURCE, ALLOWED, (Located(Reason(Finding(rules[name], ("spec",), "x"), action), 1, 1),))
        for name, action in wanted
    ]
    worst = [(pair[1].reason.finding.rule.id, pair[1].reason.action) for pair in report(*found).worst_first()]
    assert worst == [wanted[2], wanted[3], wanted[1], wanted[0]]


@pytest.mark.parametrize(("count", "expected"), [(0, "0 objects"), (1, "1 object"), (2_000, "2,000 objects")])
def test_counts_are_words(count: int, expected: str) -> None:
    assert counted(count, "object", "objects") == expected


def test_the_version_is_found_beside_the_package_or_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("webhook.report.os.listdir", lambda _: ["podgate-1.2.3.dist-info", "podgate_x-1.dist-info"])
    assert version() == "1.2.3"
    monkeypatch.setattr("webhook.report.os.listdir", lambda _: [])
    monkeypatch.setattr("importlib.metadata.version", lambda _: "4.5.6")
    assert version() == "4.5.6"


def test_the_version_of_a_tree_that_was_never_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        from importlib.metadata import PackageNotFoundError  # noqa: PLC0415

        raise PackageNotFoundError(name)

    monkeypatch.setattr("webhook.report.os.listdir", lambda _: [])
    monkeypatch.setattr("importlib.metadata.version", missing)
    assert version() == "unknown"
