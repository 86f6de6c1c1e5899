"""What the overlays install: levels that differ where they should, and promises that hold in each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import config, kinds
from policies.identity import SYSTEM_NAMESPACES, Kind
from webhook.metrics import Metrics
from webhook.settings import Settings

from .tools import MANIFESTS, OVERLAYS, Object, composed, kustomized, named, overlay

COMPONENTS = sorted(each.name for each in (MANIFESTS / "components").iterdir())
PODGATE = Path(sys.executable).with_name("podgate")


def checked(text: str, *flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PODGATE, "check", *flags, "-"], input=text, capture_output=True, text=True, check=False)


def webhooks(found: list[Object]) -> dict[str, Any]:
    return {each["name"]: each for each in named(found, "ValidatingWebhookConfiguration")["webhooks"]}


def container(found: list[Object]) -> Object:
    (only,) = named(found, "Deployment")["spec"]["template"]["spec"]["containers"]
    return dict(only)


def policy_of(found: list[Object]) -> config.Policy:
    return config.parse(named(found, "ConfigMap", "podgate-policy")["data"]["policy.yaml"])


@pytest.mark.parametrize(
    ("name", "mode", "pods"),
    [("dev", "audit", "Ignore"), ("observe", "audit", "Ignore"), ("enforce", "enforce", "Fail")],
)
def test_an_overlay_is_a_mode_and_what_happens_when_nobody_answers(name: str, mode: str, pods: str) -> None:
    found = overlay(name)

    data = yaml.safe_load(named(found, "ConfigMap", "podgate-policy")["data"]["policy.yaml"])
    assert data["spec"]["mode"] == mode
    assert {key: each["failurePolicy"] for key, each in webhooks(found).items()} == {
        "pods.podgate.dev": pods,
        "objects.podgate.dev": "Ignore",
    }


@pytest.mark.parametrize("name", OVERLAYS)
def test_podgate_passes_podgate(name: str) -> None:
    text = kustomized(MANIFESTS / "overlays" / name)

    restricted = checked(text, "--profile", "pss-restricted")
    assert (restricted.returncode, restricted.stdout.count("denied")) == (0, 0), restricted.stdout
    assert checked(text).returncode == 0, checked(text).stdout


@pytest.mark.parametrize("name", OVERLAYS)
def test_nobody_is_locked_out(name: str) -> None:
    for each in webhooks(overlay(name)).values():
        (excluded,) = each["namespaceSelector"]["matchExpressions"]
        assert (excluded["key"], excluded["operator"]) == ("kubernetes.io/metadata.name", "NotIn")
        assert set(excluded["values"]) == {"podgate-system", *SYSTEM_NAMESPACES}
        assert "objectSelector" not in each, "labels are their author's: an object could leave itself out"
        assert each["timeoutSeconds"] <= 5
        assert each["sideEffects"] == "None"
        assert each["matchPolicy"] == "Equivalent"
        assert "not-break-glass" in [condition["name"] for condition in each["matchConditions"]]
        for rule in each["rules"]:
            assert set(rule["operations"]) == {"CREATE", "UPDATE"}, "a deletion must never wait for a webhook"
            assert "*" not in rule["apiGroups"]
            assert not {"*", "*/*", "nodes", "events", "secrets"} & set(rule["resources"])


def _plural(kind: Kind) -> str:
    name = kind.kind.lower()
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}es" if name.endswith(("s", "x")) else f"{name}s"


def test_every_kind_that_is_read_is_asked_about(tmp_path: Path) -> None:
    found = webhooks(composed(tmp_path, "enforce", "third-party"))
    asked = {
        (group, resource.partition("/")[0], each["name"])
        for each in found.values()
        for rule in each["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
    }
    entries = {"pods.podgate.dev": kinds._BUILT_IN, "third-party.podgate.dev": kinds._THIRD_PARTY}
    entries["objects.podgate.dev"] = kinds._WITHOUT_PODS
    for entry, rows in entries.items():
        for kind in rows:
            # The group extensions is not served any more, and a Scale is a subresource of what is scaled.
            if kind.group != "extensions" and kind.kind != "Scale":
                assert (kind.group, _plural(kind), entry) in asked


@pytest.mark.parametrize("name", OVERLAYS)
def test_what_is_mounted_and_told_fits_the_program(name: str) -> None:
    found = overlay(name)
    only = container(found)
    command, *flags = only["args"]

    assert command == "serve"
    told = dict(flag.removeprefix("--").split("=", 1) for flag in flags)
    assert {key.replace("-", "_") for key in told} <= set(Settings.model_fields)
    ports = {port["name"]: str(port["containerPort"]) for port in only["ports"]}
    assert ports == {"https": told["port"], "ops": told["ops-port"]}
    mounts = {each["name"]: each["mountPath"] for each in only["volumeMounts"]}
    assert Path(told["tls-cert"]).parent == Path(told["tls-key"]).parent == Path(mounts["tls"])
    assert told["policy"] == f"{mounts['policy']}/policy.yaml"
    spec = named(found, "Deployment")["spec"]["template"]["spec"]
    assert spec["terminationGracePeriodSeconds"] >= float(told["drain-seconds"]) + 10
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize("name", OVERLAYS)
def test_selectors_find_the_pods_and_the_service_is_the_one_that_is_called(name: str) -> None:
    found = overlay(name)
    deployment = named(found, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    budget = named(found, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"]
    for selector in (
        named(found, "Service")["spec"]["selector"],
        budget,
        deployment["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= labels.items()
    (port,) = named(found, "Service")["spec"]["ports"]
    for each in webhooks(found).values():
        assert each["clientConfig"]["service"] == {
            "name": "podgate",
            "namespace": "podgate-system",
            "path": "/validate",
            "port": port["port"],
        }


def test_two_replicas_at_least_except_to_try_it() -> None:
    for name in ("observe", "enforce"):
        found = overlay(name)
        assert named(found, "HorizontalPodAutoscaler")["spec"]["minReplicas"] == 2
        assert "replicas" not in named(found, "Deployment")["spec"]
    dev = overlay("dev")
    assert named(dev, "Deployment")["spec"]["replicas"] == 1
    assert "HorizontalPodAutoscaler" not in [each["kind"] for each in dev]


@pytest.mark.parametrize("name", OVERLAYS)
def test_policies_are_policies(name: str) -> None:
    assert policy_of(overlay(name)).name == "default"


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_component_goes_with_every_overlay(component: str, tmp_path: Path) -> None:
    for number, name in enumerate(OVERLAYS):
        folder = tmp_path / str(number)
        folder.mkdir()
        # Certificates of our own are in every overlay.
        found = composed(folder, name, *([] if component == "self-signed" else [component]))
        assert checked(yaml.safe_dump_all(found)).returncode == 0


def test_cert_manager_takes_the_place_of_our_own_certificates(tmp_path: Path) -> None:
    found = composed(tmp_path, "enforce", "cert-manager")

    assert not [each for each in found if each["metadata"]["name"] == "podgate-certificates"]
    assert "Secret" not in [each["kind"] for each in found]
    leaf = named(found, "Certificate")
    mounted = {each["name"]: each for each in named(found, "Deployment")["spec"]["template"]["spec"]["volumes"]}
    assert leaf["spec"]["secretName"] == mounted["tls"]["secret"]["secretName"]
    annotations = named(found, "ValidatingWebhookConfiguration")["metadata"]["annotations"]
    assert annotations["cert-manager.io/inject-ca-from"] == f"podgate-system/{leaf['metadata']['name']}"
    service = named(found, "Service")["metadata"]
    assert f"{service['name']}.{service['namespace']}.svc" in leaf["spec"]["dnsNames"]


def test_provided_certificates_leave_nothing_of_our_own(tmp_path: Path) -> None:
    found = composed(tmp_path, "enforce", "provided")

    assert not [each for each in found if each["metadata"]["name"] in ("podgate-certificates", "podgate-tls")]
    assert container(found).get("env", []) == []
    (tls,) = [each for each in _volumes(found) if each["name"] == "tls"]
    assert (tls["secret"]["secretName"], "emptyDir" in tls) == ("podgate-tls", False)


def test_certificates_of_our_own_are_kept_where_the_rights_are() -> None:
    found = overlay("enforce")
    (given,) = container(found)["env"]
    (secret,), (lease,) = ([each for each in found if each["kind"] == kind] for kind in ("Secret", "Lease"))
    role = named(found, "Role", "podgate-certificates")
    (tls,) = [each for each in _volumes(found) if each["name"] == "tls"]
    (mount,) = [each for each in container(found)["volumeMounts"] if each["name"] == "tls"]

    assert given == {"name": "PODGATE_MANAGED_CERTIFICATES", "value": "podgate-system/podgate-tls"}
    for each in (secret, lease, role):
        assert each["metadata"]["namespace"] == "podgate-system"
    names = [secret["metadata"]["name"], lease["metadata"]["name"]]
    assert [rule["resourceNames"] for rule in role["rules"]] == [[name] for name in names] == [["podgate-tls"]] * 2
    assert (tls["emptyDir"]["medium"], mount.get("readOnly", False)) == ("Memory", False)
    assert "data" not in secret, "applying again would empty it"


def _volumes(found: list[Object]) -> list[Object]:
    return list(named(found, "Deployment")["spec"]["template"]["spec"]["volumes"])


def test_the_plain_files_pass_where_nothing_can_be_rendered() -> None:
    ran = subprocess.run([PODGATE, "check", MANIFESTS / "base" / "deployment.yaml"], capture_output=True, check=False)
    assert ran.returncode == 0


def test_everything_is_labelled_so_that_it_can_be_found_and_removed(tmp_path: Path) -> None:
    names = [each for each in COMPONENTS if each not in ("self-signed", "cert-manager", "provided")]
    for each in [*composed(tmp_path, "enforce", *names), *overlay("observe")]:
        assert each["metadata"]["labels"]["app.kubernetes.io/part-of"] == "podgate", each["metadata"]["name"]


def test_rights_are_those_that_are_used_and_no_more() -> None:
    found = overlay("enforce")
    rules = [rule for each in found if each["kind"] in ("ClusterRole", "Role") for rule in each["rules"]]
    for rule in rules:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        if "secrets" in rule["resources"] or {"update", "patch"} & set(rule["verbs"]):
            assert rule["resourceNames"], "what may be changed is named"
    assert not [rule for rule in rules if "secrets" in rule["resources"] and "create" in rule["verbs"]]


def test_every_right_is_in_the_page_about_installing() -> None:
    page = (MANIFESTS.parent / "docs" / "install.md").read_text()
    _, _, section = page.partition("## Rights\n")
    rows = [line.split("|")[1:4] for line in section.partition("\n## ")[0].splitlines() if line.startswith("| `")]
    told = {tuple(tuple(sorted(re.findall(r"`([^`]+)`", cell))) for cell in row) for row in rows}
    given = set()
    for each in overlay("enforce"):
        for rule in each.get("rules", []) if each["kind"] in ("ClusterRole", "Role") else []:
            groups = [group for group in rule["apiGroups"] if group]
            what = [f"{resource}.{group}" for resource in rule["resources"] for group in groups or [""]]
            what = [each.rstrip(".") for each in what]
            given.add((tuple(sorted(what)), tuple(rule.get("resourceNames", [])), tuple(sorted(rule["verbs"]))))

    assert told == given


def _headings(page: Path) -> set[str]:
    titles = [line.lstrip("# ") for line in page.read_text().splitlines() if line.startswith("#")]
    return {re.sub(r"[^\w -]", "", title).strip().lower().replace(" ", "-") for title in titles}


def test_every_alert_has_a_runbook(tmp_path: Path) -> None:
    (group,) = named(composed(tmp_path, "enforce", "monitoring"), "PrometheusRule")["spec"]["groups"]
    for alert in group["rules"]:
        page, _, heading = alert["annotations"]["runbook_url"].partition("#")
        assert heading in _headings(MANIFESTS.parent / page), alert["alert"]
        assert alert["labels"]["severity"] in ("warning", "critical")


def test_links_to_headings_lead_to_headings() -> None:
    docs = MANIFESTS.parent / "docs"
    for page in (docs / "install.md", docs / "troubleshoot.md"):
        for target, heading in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", page.read_text()):
            assert heading in _headings(docs / target if target else page), f"{page.name}: {target}#{heading}"


def test_alerts_and_dashboard_ask_for_metrics_that_there_are(tmp_path: Path) -> None:
    found = composed(tmp_path, "enforce", "monitoring")
    (group,) = named(found, "PrometheusRule")["spec"]["groups"]
    board = json.loads(named(found, "ConfigMap", "podgate-dashboard")["data"]["podgate.json"])
    asked = [rule["expr"] for rule in group["rules"]]
    asked += [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    known = set()
    for family in Metrics().registry.collect():
        suffixes = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "info": ["_info"]}
        known |= {family.name + suffix for suffix in suffixes.get(family.type, [""])}
    named_ = {name for text in asked for name in re.findall(r"podgate_\w+", text)}
    assert named_ - known == set()
