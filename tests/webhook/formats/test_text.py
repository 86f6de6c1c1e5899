"""The report for people, character by character."""

import re
from datetime import UTC, datetime

from msgspec.structs import replace

from policies import config
from policies.overrides import Override
from policies.risk.features import FEATURES
from policies.rule import Severity
from tests.webhook.formats.reports import ALLOWED, EMPTY, FULL, POLICY, PRIVILEGED, only
from webhook.check import judge
from webhook.formats import text
from webhook.manifest import File
from webhook.report import Report, ReportError, Source, Telling


def rendered(report: Report, *, colour: bool = False, verbose: bool = False) -> str:
    return "".join(text.render(report, colour=colour, verbose=verbose))


def complained(report: Report, *, colour: bool = False) -> str:
    return "".join(text.complain(report, colour=colour))


EXPECTED = f"""\
deployment.apps/web (namespace shop) in a.yaml:7 denied
  deny   critical  privileged  a.yaml:12
    spec.containers[0].x is true (container "a").
  deny   critical  privileged  a.yaml:14
    spec.containers[1].x is true (container "\\x1b[31mred\\n\\u202e\\x9b").
    fix: {PRIVILEGED.remediation}

pod/(no name) in b.yaml:1 warned
  warn   critical  privileged  b.yaml:3
    spec.hostPID is true.
    fix: {PRIVILEGED.remediation}

ignored 2 documents that are not Kubernetes objects: x.yaml
3 objects checked against recommended: 1 denied, 1 warned, 1 allowed, 2 not judged; 3 findings (3 critical)
"""


def test_everything() -> None:
    assert rendered(FULL) == EXPECTED


def test_errors_are_lines_of_their_own() -> None:
    assert complained(FULL) == (
        "error: c.yaml:4: is not YAML: \\x1b[31mred\\n\\u202e\\x9b\n"
        "error: gone.yaml: cannot be read: No such file or directory\n"
    )


def test_nothing() -> None:
    assert rendered(EMPTY) == "0 objects checked against recommended\n"
    assert complained(EMPTY) == ""


def test_objects_without_findings_are_listed_on_demand() -> None:
    report = Report(POLICY, (ALLOWED,))
    assert rendered(report) == "1 object checked against recommended: 1 allowed\n"
    assert rendered(report, verbose=True).startswith("service/web in b.yaml:9 allowed\n")


def test_colours_add_nothing_but_colours() -> None:
    assert re.sub("\x1b\\[[0-9]+m", "", rendered(FULL, colour=True)) == EXPECTED
    assert "\x1b[31mdenied\x1b[0m" in rendered(FULL, colour=True)
    assert complained(FULL, colour=True).startswith("\x1b[31merror:\x1b[0m c.yaml")


def test_what_is_left_out_is_told() -> None:
    assert "2 not shown" not in rendered(FULL)
    strict = only(FULL, Telling(Severity.CRITICAL))
    assert rendered(strict) == EXPECTED
    found = Report(POLICY, FULL.results, hidden=2)
    assert rendered(found).endswith("; 3 findings (3 critical); 2 not shown\n")


def test_a_denial_is_told_even_when_its_findings_are_left_out() -> None:
    bare = only(FULL, Telling(9))  # type: ignore[arg-type]
    assert rendered(bare).startswith("deployment.apps/web (namespace shop) in a.yaml:7 denied\npod/(no name)")


def test_long_lists_and_long_lines_are_cut() -> None:
    sources = tuple(Source(f"{number:02}.yaml", 1, 1) for number in range(12))
    assert "08.yaml, 09.yaml, and 2 more\n" in rendered(Report(POLICY, ignored=sources))
    [line] = complained(Report(POLICY, errors=(ReportError("a", 1, 1, "x" * 5000),))).splitlines()
    assert line == f"error: a:1: {'x' * 1000}..."


SHELL = b"""\
{apiVersion: v1, kind: Pod, metadata: {name: shell}, spec: {hostPID: true, containers: [
  {name: a, image: alpine, command: [nsenter, -t, "1", -m, sh], securityContext: {privileged: true}}]}}
"""


def test_the_risk_is_shown_as_bars_whose_longest_is_the_largest_share() -> None:
    lines = rendered(judge([File("a.yaml", SHELL)], config.of_profile("all"))).splitlines()

    assert re.fullmatch(r"  warn   risk [01]\.\d\d high", lines[1])
    bars = [line for line in lines if "\u2588" in line]
    assert re.fullmatch(r"     \+\d\.\d\d \u2588{13} \w.*", bars[0])
    assert [bar.count("\u2588") for bar in bars] == sorted((bar.count("\u2588") for bar in bars), reverse=True)
    assert re.fullmatch(r"    without its .* it would not be warned of for its risk", lines[2 + len(bars)])


def test_a_risk_that_leads_to_nothing_is_shown_only_when_everything_is() -> None:
    report = judge([File("a.yaml", SHELL)], config.of_profile("pss-baseline"))

    assert "risk" not in rendered(report)
    assert re.search(r"^  off    risk [01]\.\d\d high$", rendered(report, verbose=True), re.MULTILINE)


def test_a_risk_that_an_override_lifts_is_shown_with_it() -> None:
    override = Override(frozenset({"risk"}), "a drill", datetime(2027, 1, 1, tzinfo=UTC), "", ())
    report = judge([File("a.yaml", SHELL)], config.of_profile("recommended"))
    [result] = report.results
    lifted = replace(result.decision, risk_override=override)

    shown = rendered(replace(report, results=(replace(result, decision=lifted),)))
    assert "    overridden until 2027-01-01: a drill\n" in shown


def test_bars_and_every_meaning_fit_into_80_columns() -> None:
    assert [feature.name for feature in FEATURES if len(feature.meaning) > 80 - len("     +7.42 ") - 13 - 1] == []
