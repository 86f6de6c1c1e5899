"""The report for CI systems: what GitLab and Jenkins read, and that it is XML whatever the names are."""

from typing import Any
from xml.etree import ElementTree as ET

from policies.decision import Decision, Verdict
from policies.profile import Action
from tests.webhook.formats.reports import BROKEN, EMPTY, EVIL_FILE, FULL, HOSTILE, POLICY, PRIVILEGED, located, only
from webhook.formats import junit
from webhook.report import ObjectRef, Report, Result, Source, Telling


def rendered(report: Report) -> str:
    return "".join(junit.render(report, colour=True, verbose=True))


def parsed(report: Report) -> ET.Element:
    return ET.fromstring(rendered(report))  # noqa: S314 - our own


EXPECTED = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="podgate" tests="5" failures="1" errors="2">
  <testsuite name="a.yaml" tests="1" failures="1" errors="0">
    <testcase classname="a.yaml" name="deployment.apps/web (namespace shop)" file="a.yaml" line="7">
      <failure message="2 findings: privileged" type="critical">\
deny critical privileged a.yaml:12: spec.containers[0].x is true (container "a"). {PRIVILEGED.remediation}
deny critical privileged a.yaml:14: spec.containers[1].x is true (container "\\x1b[31mred\\n\\u202e\\x9b"). \
{PRIVILEGED.remediation}</failure>
    </testcase>
  </testsuite>
  <testsuite name="b.yaml" tests="2" failures="0" errors="0">
    <testcase classname="b.yaml" name="pod/(no name)" file="b.yaml" line="1">
      <system-out>warn critical privileged b.yaml:3: spec.hostPID is true. {PRIVILEGED.remediation}</system-out>
    </testcase>
    <testcase classname="b.yaml" name="service/web" file="b.yaml" line="9" />
  </testsuite>
  <testsuite name="c.yaml" tests="1" failures="0" errors="1">
    <testcase classname="c.yaml" name="document 1" file="c.yaml" line="4">
      <error message="is not YAML: \\x1b[31mred\\n\\u202e\\x9b" type="not judged">\
c.yaml:4: is not YAML: \\x1b[31mred\\n\\u202e\\x9b</error>
    </testcase>
  </testsuite>
  <testsuite name="gone.yaml" tests="1" failures="0" errors="1">
    <testcase classname="gone.yaml" name="file" file="gone.yaml">
      <error message="cannot be read: No such file or directory" type="not judged">\
gone.yaml: cannot be read: No such file or directory</error>
    </testcase>
  </testsuite>
</testsuites>
"""


def test_everything() -> None:
    assert rendered(FULL) == EXPECTED


def test_nothing() -> None:
    assert parsed(EMPTY).attrib == {"name": "podgate", "tests": "0", "failures": "0", "errors": "0"}
    assert list(parsed(EMPTY)) == []


def test_errors_only() -> None:
    assert parsed(BROKEN).attrib == {"name": "podgate", "tests": "2", "failures": "0", "errors": "2"}


def test_hostile_names_are_text_and_nothing_else() -> None:
    root = parsed(HOSTILE)
    judged, failed = root.iter("testcase")
    assert judged.get("classname") == EVIL_FILE
    assert "<b>|`%0A::error::x]]>&amp;[a](http://b)" in str(judged.get("name"))
    assert str(judged.get("name")).count("\\r\\n\\x00\\ud800\\uffff\\u202e漢") == 4
    assert [child.tag for child in judged] == ["failure", "system-out"]
    assert [child.tag for child in failed] == ["error"]


def test_nobody_attaches_a_file_by_its_name_in_a_manifest() -> None:
    text = rendered(HOSTILE)
    assert "ATTACHMENT|/etc/passwd" in text
    assert "[[" not in text


def test_it_is_right_in_every_encoding() -> None:
    assert rendered(HOSTILE).isascii()
    assert "漢" in "".join(parsed(HOSTILE).itertext())


def result(name: str, *findings: Any, verdict: Verdict = Verdict.ALLOW, line: int = 1) -> Result:
    return Result(ObjectRef("v1", "Pod", "", name), Source("a.yaml", 1, line), Decision(verdict, verdict), findings)


def test_two_objects_of_one_name_are_two_cases() -> None:
    """GitLab would take the second for the first, and leave it out."""
    root = parsed(Report(POLICY, (result("a"), result("a", line=9), result("b"))))
    assert [case.get("name") for case in root.iter("testcase")] == ["pod/a", "pod/a #2", "pod/b"]


def test_audited_findings_do_not_fail() -> None:
    root = parsed(Report(POLICY, (result("a", located(Action.AUDIT, ("spec",), "x", 2)),)))
    assert root.get("failures") == "0"
    assert next(root.iter("system-out")).text == f"audit critical privileged a.yaml:2: spec x. {PRIVILEGED.remediation}"


def test_a_denial_fails_even_when_its_findings_are_left_out() -> None:
    denied = result("a", located(Action.DENY, ("spec",), "x", 2), verdict=Verdict.DENY)
    bare = only(Report(POLICY, (denied,)), Telling(9))  # type: ignore[arg-type]
    [failure] = parsed(bare).iter("failure")
    assert failure.attrib == {
        "message": "denied for findings that are less severe than those asked for",
        "type": "info",
    }
