"""The report for programs: the shape that is promised."""

import json
from typing import Any

import pytest

from policies import config
from policies.decision import Verdict
from policies.path import render as render_path
from policies.risk import classifier
from policies.risk.features import BY_NAME
from tests.webhook.formats.reports import EMPTY, ESCAPE, FIXED, FULL, PRIVILEGED
from webhook.check import judge
from webhook.formats import json as format_json
from webhook.manifest import File
from webhook.report import Report, version


def rendered(report: Report) -> str:
    return "".join(format_json.render(report, colour=False, verbose=False))


def finding(action: str, path: tuple[str | int, ...], line: int, message: str) -> dict[str, Any]:
    return {
        "rule": "privileged",
        "severity": "critical",
        "confidence": "certain",
        "action": action,
        "path": render_path(path),
        "line": line,
        "column": 5,
        "message": f"{render_path(path)} {message}",
        "remediation": PRIVILEGED.remediation,
        "fix": None,
        "overridden": None,
    }


def test_everything() -> None:
    assert json.loads(rendered(FULL)) == {
        "version": version(),
        "policy": {"name": "recommended", "hash": "0123456789ab"},
        "model": None,
        "results": [
            {
                "object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"},
                "source": {"file": "a.yaml", "document": 2, "line": 7},
                "decision": "deny",
                "risk": None,
                "findings": [
                    finding("deny", ("spec", "containers", 0, "x"), 12, 'is true (container "a")'),
                    finding("deny", ("spec", "containers", 1, "x"), 14, f'is true (container "{ESCAPE}")'),
                ],
            },
            {
                "object": {"apiVersion": "v1", "kind": "Pod", "namespace": "", "name": ""},
                "source": {"file": "b.yaml", "document": 1, "line": 1},
                "decision": "warn",
                "risk": None,
                "findings": [finding("warn", ("spec", "hostPID"), 3, "is true")],
            },
            {
                "object": {"apiVersion": "v1", "kind": "Service", "namespace": "", "name": "web"},
                "source": {"file": "b.yaml", "document": 2, "line": 9},
                "decision": "allow",
                "risk": None,
                "findings": [],
            },
        ],
        "errors": [
            {"file": "c.yaml", "document": 1, "line": 4, "message": f"is not YAML: {ESCAPE}"},
            {
                "file": "gone.yaml",
                "document": None,
                "line": None,
                "message": "cannot be read: No such file or directory",
            },
        ],
        "summary": {
            "objects": 3,
            "allowed": 1,
            "warned": 1,
            "denied": 1,
            "findings": {"critical": 3, "high": 0, "medium": 0, "low": 0, "info": 0},
            "hidden": 0,
            "errors": 2,
            "ignored": 2,
            "ignoredFiles": ["x.yaml"],
        },
    }


def test_nothing() -> None:
    content = json.loads(rendered(EMPTY))
    assert (content["results"], content["errors"], content["summary"]["objects"]) == ([], [], 0)


def test_a_fix_is_told_as_a_patch() -> None:
    [result] = json.loads(rendered(FIXED))["results"]
    assert [found["fix"] for found in result["findings"]] == [[{"op": "remove", "path": "/spec/hostPID"}]]


def test_it_is_indented_and_the_same_every_time() -> None:
    assert rendered(FULL) == rendered(FULL)
    assert rendered(FULL).startswith('{\n  "version": "')
    assert rendered(FULL).endswith("\n  }\n}\n")


def test_words_are_those_of_the_decision() -> None:
    assert {str(verdict) for verdict in Verdict} == {"allow", "warn", "deny"}


INTO_THE_HOST = b"""\
{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {template: {spec: {hostPID: true, containers: [
  {name: a, image: alpine, command: [nsenter, -t, "1", -m, sh]}]}}}}
"""


def test_the_risk_is_told_with_exact_reasons() -> None:
    [result] = json.loads(rendered(judge([File("a.yaml", INTO_THE_HOST)], config.of_profile("recommended"))))["results"]
    risk = result["risk"]

    assert set(risk) == {"probability", "band", "action", "path", "reasons", "without", "overridden"}
    assert risk["path"] == "spec.template.spec"
    assert risk["overridden"] is None
    assert risk["without"] == ["host namespaces"]
    shares = sum(reason["contribution"] for reason in risk["reasons"])
    assert shares + classifier.shipped().model.intercept == pytest.approx(classifier.log_odds(risk["probability"]))
    assert [reason["contribution"] for reason in risk["reasons"]] == sorted(
        (reason["contribution"] for reason in risk["reasons"]), reverse=True
    )
    for reason in risk["reasons"]:
        feature = BY_NAME[reason["feature"]]
        assert reason == {
            "feature": feature.name,
            "value": reason["value"],
            "contribution": classifier.shipped().model.tables[feature.name][reason["value"]],
            "meaning": feature.meaning,
            "rules": list(feature.rules),
        }
