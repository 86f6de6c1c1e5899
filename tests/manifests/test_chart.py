"""The chart: the same objects as kustomize has, for values that say the same; and what it refuses."""

from __future__ import annotations

import copy
import importlib.util
import json
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import config

from .tools import MANIFESTS, Object, composed, named, objects, overlay, run

CHART = MANIFESTS / "chart"
VALUES = sorted(each.name for each in (CHART / "ci").iterdir())
#: What Helm's users expect on objects, and kustomize's do not have.
CHART_LABELS = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version")
EVERYTHING = ("cert-manager", "monitoring", "network-policy", "third-party")


def template(*flags: str) -> subprocess.CompletedProcess[str]:
    where = ("--namespace", "podgate-system")
    return run("helm", "template", "podgate", CHART, *where, *flags)


@cache
def _rendered(values: str) -> str:
    ran = template("--values", str(CHART / "ci" / values))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def rendered(values: str) -> list[Object]:
    return objects(_rendered(values))


def comparable(found: list[Object]) -> dict[tuple[str, str], Object]:
    """Objects by kind and name, without what is only said differently."""
    made = {}
    for each in copy.deepcopy(found):
        key = each["kind"], each["metadata"]["name"]
        for label in CHART_LABELS:
            each["metadata"].get("labels", {}).pop(label, None)
        if key == ("ConfigMap", "podgate-policy"):
            each["data"] = yaml.safe_load(each["data"]["policy.yaml"])
        if key == ("ConfigMap", "podgate-dashboard"):
            each["data"] = json.loads(each["data"]["podgate.json"])
        if key == ("Deployment", "podgate"):
            # What kustomize leaves of a list when its last element is taken away.
            only = each["spec"]["template"]["spec"]["containers"][0]
            only["env"] = only.get("env", [])
        made[key] = each
    # A chart cannot make the namespace that it is installed in.
    made.pop(("Namespace", "podgate-system"), None)
    return made


@pytest.mark.parametrize("name", ["dev", "observe", "enforce"])
def test_values_and_overlay_give_the_same_objects(name: str) -> None:
    assert comparable(rendered(f"{name}-values.yaml")) == comparable(overlay(name))


def test_values_and_overlay_with_every_component_give_the_same_objects(tmp_path: Path) -> None:
    assert comparable(rendered("everything-values.yaml")) == comparable(composed(tmp_path, "enforce", *EVERYTHING))


@pytest.mark.parametrize("values", VALUES)
def test_what_values_render_passes_podgate(values: str) -> None:
    program = Path(sys.executable).with_name("podgate")
    for flags in (["--profile", "pss-restricted"], []):
        ran = subprocess.run(
            [program, "check", *flags, "-"], input=_rendered(values), capture_output=True, text=True, check=False
        )
        assert ran.returncode == 0, ran.stdout


def test_own_names_reach_everywhere() -> None:
    found = rendered("provided-values.yaml")
    configuration = named(found, "ValidatingWebhookConfiguration", "gate")
    (only,) = configuration["webhooks"]

    assert {each["metadata"]["name"] for each in found} == {"gate", "gate-policy"}
    assert only["clientConfig"]["service"] == {
        "name": "gate",
        "namespace": "podgate-system",
        "path": "/validate",
        "port": 8443,
    }
    assert only["clientConfig"]["caBundle"]
    assert [each["name"] for each in only["matchConditions"]][-1] == "not-by-the-backup"
    first, second = only["namespaceSelector"]["matchExpressions"]
    assert first["values"] == ["podgate-system", "kube-system", "kube-public", "kube-node-lease", "tigera-operator"]
    assert second == {"key": "example.com/gate", "operator": "Exists"}
    assert configuration["metadata"]["annotations"] == {"admissions.enforcer/disabled": "true"}
    volumes = {each["name"]: each for each in named(found, "Deployment", "gate")["spec"]["template"]["spec"]["volumes"]}
    assert volumes["tls"]["secret"]["secretName"] == "gate-certificate"


def test_another_release_still_leaves_its_own_roles_alone() -> None:
    ran = template("--set", "fullnameOverride=gate")
    (entry,) = [
        each
        for each in named(objects(ran.stdout), "ValidatingWebhookConfiguration", "gate")["webhooks"]
        if each["name"] == "objects.podgate.dev"
    ]
    expressions = {each["name"]: each["expression"] for each in entry["matchConditions"]}
    assert "['gate', 'gate-breakglass', 'gate-certificates']" in expressions["not-our-own"]


def test_a_policy_as_a_text_is_taken_over_verbatim() -> None:
    said = yaml.safe_load((CHART / "ci" / "provided-values.yaml").read_text())["policy"]
    text = named(rendered("provided-values.yaml"), "ConfigMap", "gate-policy")["data"]["policy.yaml"]

    assert text.rstrip("\n") == said.rstrip("\n")
    assert config.parse(text).name == "default"


@pytest.mark.parametrize(
    ("flag", "said"),
    [
        ("webhook.failurePolicy=fail", "failurePolicy"),
        ("webhook.timeoutSeconds=60", "timeoutSeconds"),
        ("webhooks.failurePolicy=Fail", "webhooks"),
        ("certificates.mode=none", "mode"),
        ("replicas=3", "replicas"),
        ("autoscaling.minReplicas=0", "minReplicas"),
        ("image.digest=latest", "digest"),
        ("serve.port=70000", "port"),
        ("serve.extraArgs={log-level}", "extraArgs"),
        ("policy=", "policy"),
    ],
)
def test_values_that_are_none_are_refused(flag: str, said: str) -> None:
    ran = template("--set", flag)

    assert ran.returncode != 0
    assert said in ran.stderr
    assert "schema" in ran.stderr


def test_provided_certificates_need_what_the_api_server_trusts() -> None:
    ran = template("--set", "certificates.mode=provided")
    assert (ran.returncode, "certificates.caBundle is needed" in ran.stderr) == (1, True)


def test_lint_finds_nothing() -> None:
    ran = run("helm", "lint", "--strict", CHART)
    assert ran.returncode == 0, ran.stdout


def _pages() -> Any:
    spec = importlib.util.spec_from_file_location("podgate_docs_chart", MANIFESTS.parent / "docs" / "chart.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_readme_has_every_value() -> None:
    pages = _pages()
    rows = "".join(pages.readme(""))

    def leaves(value: Any, path: str) -> list[str]:
        if not isinstance(value, dict) or not value:
            return [path]
        return [each for key, below in value.items() for each in leaves(below, f"{path}.{key}".lstrip("."))]

    explained = set(pages._comments())
    for leaf in leaves(pages._values(), ""):
        parts = leaf.split(".")
        assert {".".join(parts[:count]) for count in range(1, len(parts) + 1)} & explained, f"{leaf} has no comment"
    assert rows.count("\n| `") == len(explained)
