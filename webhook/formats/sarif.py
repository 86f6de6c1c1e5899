"""For code scanning (GitHub, GitLab, editors): SARIF 2.1.0, https://docs.oasis-open.org/sarif/sarif/v2.1.0/."""

import hashlib
import json
import posixpath
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from policies import registry
from policies.profile import Action
from policies.rule import Confidence, Rule, Severity
from webhook.report import Fixes, Located, Replacement, Report, ReportError, Result, as_json, printable, version

FIXES = Fixes.TEXT
EVERYTHING = True
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS = {Action.DENY: "error", Action.WARN: "warning"}
#: What a rule is when no policy says what its findings lead to.
_DEFAULTS = {Severity.CRITICAL: "error", Severity.HIGH: "error", Severity.MEDIUM: "warning"}
#: GitHub: critical is above 9, high from 7, medium from 4, low above 0. Without one it is no matter of security.
_SCORES = {Severity.CRITICAL: "9.5", Severity.HIGH: "8.0", Severity.MEDIUM: "5.5", Severity.LOW: "2.5"}
_PRECISIONS = {Confidence.CERTAIN: "very-high", Confidence.HEURISTIC: "medium"}
#: GitHub cuts descriptions there.
_MOST_CHARACTERS = 1_024


def render(report: Report, *, colour: bool, verbose: bool) -> Iterator[str]:  # noqa: ARG001
    """One run with one result a finding, in the order of the input.

    All rules are listed, also those that found nothing: GitHub wants the same list each time.
    """
    rules = _rules(report)
    files = _Files(report)
    driver = {"name": "Podgate", "version": version(), "rules": [_rule(rule) for rule in rules]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [_invocation(report, files)],
        "artifacts": files.artifacts(),
        "results": list(_results(report, {rule.id: index for index, rule in enumerate(rules)}, files)),
        "properties": {"policy": {"name": printable(report.policy.name), "hash": report.policy.hash}},
    }
    yield as_json({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]})


def _rules(report: Report) -> list[Rule]:
    fired = (found.reason.finding.rule for result in report.results for found in result.findings)
    return list({rule.id: rule for rule in (*registry.load(), *fired)}.values())


class _Files:
    """The files of a report, each with its number and its URI."""

    def __init__(self, report: Report) -> None:
        names = [result.source.file for result in report.results] + [error.file for error in report.errors]
        self._numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}

    def artifacts(self) -> list[dict[str, Any]]:
        return [{"location": {"uri": _uri(name)}, "roles": ["analysisTarget"]} for name in self._numbers]

    def location(self, name: str) -> dict[str, Any]:
        return {"uri": _uri(name), "index": self._numbers[name]}


def _uri(name: str) -> str:
    """Relative to where Podgate was called, as GitHub expects it of the root of a repository; or absolute."""
    path = quote(posixpath.normpath(name), errors="replace")
    return f"file://{path}" if path.startswith("/") else path


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        # A name must say something that the id does not.
        **({"name": "".join(map(str.capitalize, rule.id.split("-")))} if "-" in rule.id else {}),
        **({"deprecatedIds": rule.aliases} if rule.aliases else {}),
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": _short(rule.description)},
        "help": {"text": _help(rule, "What to do:"), "markdown": _help(rule, "**What to do:**")},
        "defaultConfiguration": {"level": _DEFAULTS.get(rule.severity, "note")},
        "properties": _properties(rule),
    }


def _short(description: str) -> str:
    text = "\n\n".join(" ".join(paragraph.split()) for paragraph in description.split("\n\n"))
    return text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 3] + "..."


def _help(rule: Rule, heading: str) -> str:
    references = "".join(f"\n- {reference}" for reference in rule.references)
    return f"{rule.description}\n\n{heading} {rule.remediation}" + (
        f"\n\nReferences:\n{references}" if references else ""
    )


def _properties(rule: Rule) -> dict[str, Any]:
    score = _SCORES.get(rule.severity)
    tags = [*(["security"] if score else []), "kubernetes", rule.category]
    tags += [] if rule.level is None else [f"pss-{rule.level}"]
    return {
        "tags": tags,
        "precision": _PRECISIONS[rule.confidence],
        **({"security-severity": score} if score else {}),
    }


def _invocation(report: Report, files: _Files) -> dict[str, Any]:
    return {
        "executionSuccessful": not report.errors,
        "exitCode": int(report.exit_code),
        "toolExecutionNotifications": [_notification(error, files) for error in report.errors],
    }


def _notification(error: ReportError, files: _Files) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": files.location(error.file)}
    if error.line is not None:
        physical["region"] = {"startLine": error.line}
    text = _message(f"{error.file} {error.message}")
    return {"level": "error", "message": {"text": text}, "locations": [{"physicalLocation": physical}]}


def _results(report: Report, indexes: dict[str, int], files: _Files) -> Iterator[dict[str, Any]]:
    seen: Counter[tuple[str, str]] = Counter()
    for result in report.results:
        file = files.location(result.source.file)
        for found in result.findings:
            digest = _digest(result, found)
            seen[result.source.file, digest] += 1
            yield {
                "ruleId": found.reason.finding.rule.id,
                "ruleIndex": indexes[found.reason.finding.rule.id],
                "level": _LEVELS.get(found.reason.action, "note"),
                "message": {"text": _message(f"{found.message}. {found.reason.finding.rule.remediation}")},
                "locations": [_location(result, found, file)],
                "partialFingerprints": {"podgate/v1": f"{digest}:{seen[result.source.file, digest]}"},
                **_fixes(found, file),
            }


def _location(result: Result, found: Located, file: dict[str, Any]) -> dict[str, Any]:
    region = {"startLine": found.line, "startColumn": found.column}
    return {
        "physicalLocation": {"artifactLocation": file, "region": region},
        "logicalLocations": [{"fullyQualifiedName": printable(str(result.object)), "kind": "resource"}],
    }


def _fixes(found: Located, file: dict[str, Any]) -> dict[str, Any]:
    if found.fix is None or not found.fix.replacements:
        return {}
    change = {"artifactLocation": file, "replacements": [_replacement(each) for each in found.fix.replacements]}
    return {"fixes": [{"description": {"text": found.reason.finding.rule.remediation}, "artifactChanges": [change]}]}


def _replacement(replacement: Replacement) -> dict[str, Any]:
    region = {
        "startLine": replacement.line,
        "startColumn": replacement.column,
        "endLine": replacement.end_line,
        "endColumn": replacement.end_column,
    }
    return {"deletedRegion": region, "insertedContent": {"text": replacement.text}}


def _digest(result: Result, found: Located) -> str:
    """What makes it the same finding when lines or items of lists have moved: rule, object, fields and message.

    There is no `primaryLocationLineHash`, which GitHub's own upload computes from the file, and warns of any other.
    """
    named = result.object
    fields = [step for step in found.reason.finding.path if isinstance(step, str)]
    finding = found.reason.finding
    facts = [finding.rule.id, named.group, named.kind, named.namespace, named.name, fields, finding.message]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def _message(text: str) -> str:
    """Text that is no link and no placeholder, whatever a manifest's author wrote: `[text](target)`, `{0}`."""
    return printable(text).replace("](", "] (").replace("{", "{{").replace("}", "}}")
