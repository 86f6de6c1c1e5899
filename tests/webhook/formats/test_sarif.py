"""SARIF: it follows the schema of the standard, and says what GitHub's code scanning reads."""

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from policies import registry
from policies.decision import Decision, Verdict
from policies.path import Path as FieldPath
from policies.profile import Action
from policies.rule import Confidence, Severity
from tests.webhook.formats.reports import (
    BROKEN,
    EMPTY,
    EVIL,
    FIXED,
    FULL,
    HOSTILE,
    POLICY,
    PRIVILEGED,
    located,
)
from webhook.formats import sarif
from webhook.report import Fix, ObjectRef, Replacement, Report, ReportError, Result, Source, version

SCHEMA = (Path(__file__).parents[2] / "data/sarif/sarif-2.1.0.json").read_text()


def validator() -> jsonschema_rs.Draft7Validator:
    """Written for draft 4, which knows no format `uri-reference`, the schema says the same in draft 7, which does."""
    # The pattern of a language has a bracket too many, and is none for a strict reader.
    schema = json.loads(SCHEMA.replace("-[a-zA-Z]{2}]?$", "(-[a-zA-Z]{2})?$"))
    return jsonschema_rs.Draft7Validator(
        schema | {"$schema": "http://json-schema.org/draft-07/schema#"}, validate_formats=True
    )


VALIDATOR = validator()


def run(report: Report) -> dict[str, Any]:
    """The one run in the log, after a look at the schema."""
    log = json.loads("".join(sarif.render(report, colour=True, verbose=True)))
    assert [error.message for error in VALIDATOR.iter_errors(log)] == []
    assert (log["$schema"], log["version"]) == ("https://json.schemastore.org/sarif-2.1.0.json", "2.1.0")
    [found] = log["runs"]
    return dict(found)


def report(*results: Result) -> Report:
    return Report(POLICY, results)


def result(*findings: Any, file: str = "a.yaml", name: str = "a", api_version: str = "v1") -> Result:
    denied = Decision(Verdict.DENY, Verdict.DENY)
    return Result(ObjectRef(api_version, "Pod", "", name), Source(file, 1, 1), denied, findings)


def test_the_schema_is_the_real_one_and_refuses() -> None:
    assert json.loads(SCHEMA)["title"].startswith("Static Analysis Results Format (SARIF) Version 2.1.0")
    assert not VALIDATOR.is_valid({"version": "2.1.0", "runs": [{"tool": {"driver": {}}}]})
    bad = {"tool": {"driver": {"name": "x"}}, "artifacts": [{"location": {"uri": "a b.yaml"}}]}
    assert not VALIDATOR.is_valid({"version": "2.1.0", "runs": [bad]})


def test_a_result() -> None:
    index = [rule.id for rule in registry.load()].index("privileged")
    first, second, third = run(FULL)["results"]
    digest = first["partialFingerprints"]["podgate/v1"]
    assert first == {
        "ruleId": "privileged",
        "ruleIndex": index,
        "level": "error",
        "message": {"text": f'spec.containers[0].x is true (container "a"). {PRIVILEGED.remediation}'},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "a.yaml", "index": 0},
                    "region": {"startLine": 12, "startColumn": 5},
                },
                "logicalLocations": [
                    {"fullyQualifiedName": "deployment.apps/web (namespace shop)", "kind": "resource"}
                ],
            }
        ],
        "partialFingerprints": {"podgate/v1": digest},
    }
    assert (second["level"], third["level"]) == ("error", "warning")
    assert "\\x1b[31mred\\n\\u202e\\x9b" in second["message"]["text"]


def test_the_run_around_it() -> None:
    found = run(FULL)
    assert found["tool"]["driver"] | {"rules": []} == {"name": "Podgate", "version": version(), "rules": []}
    assert found["columnKind"] == "unicodeCodePoints"
    assert found["properties"] == {"policy": {"name": "recommended", "hash": "0123456789ab"}}
    assert [artifact["location"]["uri"] for artifact in found["artifacts"]] == [
        "a.yaml",
        "b.yaml",
        "c.yaml",
        "gone.yaml",
    ]


def test_what_could_not_be_judged_is_a_notification() -> None:
    [invocation] = run(BROKEN)["invocations"]
    assert invocation == {
        "executionSuccessful": False,
        "exitCode": 2,
        "toolExecutionNotifications": [
            {
                "level": "error",
                "message": {"text": "c.yaml is not YAML: \\x1b[31mred\\n\\u202e\\x9b"},
                "locations": [
                    {
                        "physicalLocation": {
                            "artifactLocation": {"uri": "c.yaml", "index": 0},
                            "region": {"startLine": 4},
                        }
                    }
                ],
            },
            {
                "level": "error",
                "message": {"text": "gone.yaml cannot be read: No such file or directory"},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": "gone.yaml", "index": 1}}}],
            },
        ],
    }


def test_nothing() -> None:
    found = run(EMPTY)
    assert (found["results"], found["artifacts"]) == ([], [])
    assert found["invocations"] == [{"executionSuccessful": True, "exitCode": 0, "toolExecutionNotifications": []}]


def test_a_denial_is_no_failure_of_the_run() -> None:
    [invocation] = run(report(FULL.results[0]))["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (True, 1)


def test_all_rules_are_listed_and_every_index_is_right() -> None:
    findings = [located(Action.AUDIT, ("spec",), "x", 1)]
    found = run(report(result(*findings)))
    rules = found["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in registry.load()]
    [one] = found["results"]
    assert (rules[one["ruleIndex"]]["id"], one["level"]) == ("privileged", "note")


def test_a_rule() -> None:
    [found] = [rule for rule in run(EMPTY)["tool"]["driver"]["rules"] if rule["id"] == "privileged"]
    references = "".join(f"\n- {reference}" for reference in PRIVILEGED.references)
    remedy = f"{PRIVILEGED.remediation}\n\nReferences:\n{references}"
    assert found == {
        "id": "privileged",
        "shortDescription": {"text": f"{PRIVILEGED.title}."},
        "fullDescription": {
            "text": "\n\n".join(" ".join(part.split()) for part in PRIVILEGED.description.split("\n\n"))
        },
        "help": {
            "text": f"{PRIVILEGED.description}\n\nWhat to do: {remedy}",
            "markdown": f"{PRIVILEGED.description}\n\n**What to do:** {remedy}",
        },
        "defaultConfiguration": {"level": "error"},
        "properties": {
            "tags": ["security", "kubernetes", PRIVILEGED.category, "pss-baseline"],
            "precision": "very-high",
            "security-severity": "9.5",
        },
    }


def test_a_rule_of_several_words_has_a_name() -> None:
    names = {rule["id"]: rule.get("name") for rule in run(EMPTY)["tool"]["driver"]["rules"]}
    assert (names["host-path"], names["privileged"]) == ("HostPath", None)


def test_rules_are_as_github_wants_them() -> None:
    for rule in run(EMPTY)["tool"]["driver"]["rules"]:
        assert 0 < len(rule["shortDescription"]["text"]) <= 1024
        assert 0 < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["help"]["text"]
        assert len(rule["properties"]["tags"]) <= 20
        assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")


@pytest.mark.parametrize(
    ("severity", "level", "score"),
    [
        (Severity.CRITICAL, "error", "9.5"),
        (Severity.HIGH, "error", "8.0"),
        (Severity.MEDIUM, "warning", "5.5"),
        (Severity.LOW, "note", "2.5"),
        (Severity.INFO, "note", None),
    ],
)
def test_severity(severity: Severity, level: str, score: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace  # noqa: PLC0415

    changed = replace(
        PRIVILEGED,
        severity=severity,
        level=None,
        references=(),
        aliases=("root",),
        confidence=Confidence.HEURISTIC,
        description="x" * 2_000,
    )
    monkeypatch.setattr(registry, "load", lambda: (changed,))
    [rule] = run(EMPTY)["tool"]["driver"]["rules"]
    assert rule["defaultConfiguration"] == {"level": level}
    assert rule["properties"].get("security-severity") == score
    assert rule["properties"]["tags"] == [*(["security"] if score else []), "kubernetes", changed.category]
    assert rule["properties"]["precision"] == "medium"
    assert rule["deprecatedIds"] == ["root"]
    assert rule["fullDescription"]["text"] == "x" * 1_021 + "..."
    assert "References" not in rule["help"]["text"]


@pytest.mark.parametrize(
    ("file", "uri"),
    [
        ("deploy/a.yaml", "deploy/a.yaml"),
        ("./deploy//a.yaml", "deploy/a.yaml"),
        ("../a.yaml", "../a.yaml"),
        ("with space/100%.yaml", "with%20space/100%25.yaml"),
        ("a:b?c#d.yaml", "a%3Ab%3Fc%23d.yaml"),
        ("é漢.yaml", "%C3%A9%E6%BC%A2.yaml"),
        ("/srv/my repo/a.yaml", "file:///srv/my%20repo/a.yaml"),
        ("stdin", "stdin"),
        ("\ud800.yaml", "%3F.yaml"),
    ],
)
def test_a_file_is_a_uri(file: str, uri: str) -> None:
    found = run(report(result(located(Action.DENY, ("spec",), "x", 1), file=file)))
    assert found["artifacts"] == [{"location": {"uri": uri}, "roles": ["analysisTarget"]}]
    assert found["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": uri, "index": 0}


def test_a_fix_is_told_as_text() -> None:
    [found] = run(FIXED)["results"]
    [fix] = found["fixes"]
    assert fix == {
        "description": {"text": PRIVILEGED.remediation},
        "artifactChanges": [
            {
                "artifactLocation": {"uri": "d.yaml", "index": 0},
                "replacements": [
                    {
                        "deletedRegion": {"startLine": 6, "startColumn": 1, "endLine": 7, "endColumn": 1},
                        "insertedContent": {"text": ""},
                    }
                ],
            }
        ],
    }


@pytest.mark.parametrize("text", ["  a: 1\n", "é\u202e\x00", "\ud800"])
def test_a_fix_keeps_its_text_exactly(text: str) -> None:
    fix = Fix((), (Replacement(1, 1, 1, 1, text),))
    [found] = run(report(result(located(Action.DENY, ("spec",), "x", 1, fix))))["results"]
    assert found["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"] == text


def test_a_fix_without_text_is_none() -> None:
    fix = Fix(({"op": "remove", "path": "/a"},), ())
    [found] = run(report(result(located(Action.DENY, ("spec",), "x", 1, fix))))["results"]
    assert "fixes" not in found


def fingerprints(*results: Result) -> list[str]:
    return [found["partialFingerprints"]["podgate/v1"] for found in run(report(*results))["results"]]


def bad(
    path: FieldPath = ("spec", "containers", 0, "x"), message: str = 'is bad (container "a")', line: int = 5
) -> Any:
    return located(Action.DENY, path, message, line)


def test_a_fingerprint_stays_when_lines_or_items_move() -> None:
    [before] = fingerprints(result(bad()))
    assert len(before) == 34
    assert before.endswith(":1")
    assert fingerprints(result(bad(line=99))) == [before]
    assert fingerprints(result(bad(("spec", "containers", 7, "x")))) == [before]
    assert fingerprints(result(bad(), file="b.yaml")) == [before]
    assert fingerprints(
        Result(ObjectRef("v2", "Pod", "", "a"), Source("a.yaml", 9, 9), FULL.results[0].decision, (bad(),))
    ) == [before]


def test_a_fingerprint_changes_with_what_is_wrong() -> None:
    different = [
        result(bad()),
        result(bad(("spec", "initContainers", 0, "x"))),
        result(bad(message='is bad (container "b")')),
        result(bad(), name="b"),
        result(bad(), api_version="apps/v1"),
    ]
    assert len({fingerprints(each)[0] for each in different}) == len(different)


def test_findings_that_are_alike_are_told_apart_in_their_file() -> None:
    first, second, other = fingerprints(result(bad(), bad()), result(bad(), file="b.yaml"))
    assert (first[:-2], first[-2:], second[:-2], second[-2:]) == (first[:-2], ":1", first[:-2], ":2")
    assert other == first


def test_hostile_names_are_no_links_and_no_placeholders() -> None:
    found = run(HOSTILE)
    message = found["results"][0]["message"]["text"]
    assert "[a] (http://b)" in message
    assert "{{0}}" in message
    assert "\\r\\n\\x00\\ud800\\uffff\\u202e漢" in message
    assert message.isprintable()
    [notification] = found["invocations"][0]["toolExecutionNotifications"]
    assert "](" not in notification["message"]["text"]
    assert found["properties"]["policy"]["name"].isprintable()


def test_a_placeholder_alone_is_text() -> None:
    broken = Report(POLICY, errors=(ReportError("a", None, None, EVIL),))
    [notification] = run(broken)["invocations"][0]["toolExecutionNotifications"]
    assert "{0}" not in notification["message"]["text"].replace("{{", "").replace("}}", "")


def test_it_is_the_same_every_time() -> None:
    assert list(sarif.render(FULL, colour=False, verbose=False)) == list(
        sarif.render(FULL, colour=False, verbose=False)
    )
