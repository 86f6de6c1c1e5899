"""For CI systems that show test reports: JUnit XML, a suite a file and a test case an object.

GitLab shows `classname` and `name` of a case, takes two that are equal for one, and compares them between branches: so
they hold no line. Jenkins groups by suite and `classname`. Both show one failure a case.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree as ET  # only written, never read

from policies.decision import Verdict
from policies.profile import Action
from policies.rule import Severity
from webhook.report import Located, Report, ReportError, Result, counted, printable

_HIDDEN = "denied for findings that are less severe than those asked for"


def render(report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:  # noqa: ARG001
    """Objects that are denied fail, what could not be judged is an error, and warnings are the output of a case."""
    root = ET.Element("testsuites", name="podgate")
    for file, entries in _by_file(report).items():
        suite = ET.SubElement(root, "testsuite", name=_clean(file))
        names: Counter[str] = Counter()
        for entry in entries:
            _case(suite, file, entry, names)
        _count(suite)
    _count(root)
    ET.indent(root)
    # Everything beyond ASCII is written as a reference: the file is right in whatever encoding it is written.
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, "us-ascii").decode("ascii")}\n'


def _by_file(report: Report) -> dict[str, list[Result | ReportError]]:
    files: dict[str, list[Result | ReportError]] = {}
    for result in report.results:
        files.setdefault(result.source.file, []).append(result)
    for error in report.errors:
        files.setdefault(error.file, []).append(error)
    return files


def _case(suite: ET.Element, file: str, entry: Result | ReportError, names: Counter[str]) -> None:
    name = _clean(str(entry.object) if isinstance(entry, Result) else _document(entry))
    names[name] += 1
    unique = name if names[name] == 1 else f"{name} #{names[name]}"
    case = ET.SubElement(suite, "testcase", classname=_clean(file), name=unique, file=_clean(file))
    line = entry.source.line if isinstance(entry, Result) else entry.line
    if line is not None:
        case.set("line", str(line))
    if isinstance(entry, Result):
        _judged(case, entry)
    else:
        _told(case, "error", _clean(entry.message), "not judged", [_clean(f"{_place(file, line)}: {entry.message}")])


def _judged(case: ET.Element, result: Result) -> None:
    denied = [found for found in result.findings if found.reason.action is Action.DENY]
    if result.decision.verdict is Verdict.DENY:
        rules = dict.fromkeys(found.reason.finding.rule.id for found in denied)
        message = f"{counted(len(denied), 'finding', 'findings')}: {', '.join(rules)}" if denied else _HIDDEN
        worst = max((found.reason.finding.rule.severity for found in denied), default=Severity.INFO)
        _told(case, "failure", message, str(worst), _lines(result, denied))
    others = [found for found in result.findings if found.reason.action is not Action.DENY]
    if others:
        ET.SubElement(case, "system-out").text = "\n".join(_lines(result, others))


def _lines(result: Result, findings: Iterable[Located]) -> Iterator[str]:
    for found in findings:
        rule = found.reason.finding.rule
        place = _place(result.source.file, found.line)
        yield _clean(f"{found.reason.action} {rule.severity} {rule.id} {place}: {found.message}. {rule.remediation}")


def _told(case: ET.Element, kind: str, message: str, type_: str, lines: Iterable[str]) -> None:
    ET.SubElement(case, kind, message=message, type=type_).text = "\n".join(lines)


def _count(element: ET.Element) -> None:
    """Say how many cases there are below, and how many of them went wrong."""
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error")):
        element.set(name, str(sum(1 for _ in element.iter(tag))))


def _document(error: ReportError) -> str:
    return "file" if error.document is None else f"document {error.document}"


def _place(file: str, line: int | None) -> str:
    return file if line is None else f"{file}:{line}"


def _clean(text: str) -> str:
    """Text that XML can hold. GitLab and Jenkins would attach whatever file `[[ATTACHMENT|...]]` names: not here."""
    return re.sub(r"\[(?=\[)", "[ ", printable(text))
