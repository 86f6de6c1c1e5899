"""What would happen with every replica down."""

from typing import Any

import pytest

from tests.manifests.tools import MANIFESTS
from webhook.preflight import configuration, outage
from webhook.preflight.configuration import Configuration
from webhook.preflight.report import Check, Result

OWN = "podgate-system"
SYSTEM = ("kube-system", "kube-public", "kube-node-lease", OWN)
NAMESPACES = {name: {outage.NAME_LABEL: name} for name in (*SYSTEM, "shop", "bank")}
LEFT_OUT = {"matchExpressions": [{"key": outage.NAME_LABEL, "operator": "NotIn", "values": list(SYSTEM)}]}
PODS = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE", "UPDATE"]}
MIRROR = {"name": "mirror", "expression": "!('kubernetes.io/config.mirror' in object.metadata.annotations)"}


def of(called: str = "podgate", /, **fields: Any) -> Configuration:
    hook = {"name": "pods.podgate.dev", "rules": [PODS], "namespaceSelector": LEFT_OUT, "matchConditions": [MIRROR]}
    return configuration.read({"metadata": {"name": called}, "webhooks": [{**hook, **fields}]})


def looked(found: Configuration) -> dict[str, tuple[Result, str]]:
    return {each.name: (each.result, each.text) for each in outage.checks(found, OWN, NAMESPACES)}


def not_ok(found: Configuration) -> set[str]:
    return {name for name, (result, _) in looked(found).items() if result is not Result.OK}


def test_what_is_narrow_lets_the_cluster_live() -> None:
    assert not_ok(of()) == set()


def test_what_fails_open_breaks_nothing() -> None:
    everything = {**PODS, "apiGroups": ["*"], "resources": ["*/*"], "operations": ["*"]}

    assert not_ok(of(failurePolicy="Ignore", rules=[everything], namespaceSelector={}, matchConditions=[])) == set()


@pytest.mark.parametrize("name", SYSTEM)
def test_a_namespace_that_is_not_left_out(name: str) -> None:
    others = [each for each in SYSTEM if each != name]
    selector = {"matchExpressions": [{"key": outage.NAME_LABEL, "operator": "NotIn", "values": others}]}
    found = looked(of(namespaceSelector=selector))

    what = "Podgate's own pods" if name == OWN else "pods of the cluster itself"
    assert found[f"namespace {name}"] == (
        Result.WRONG,
        f"{what} are refused when nobody answers (pods.podgate.dev): leave the namespace out by namespaceSelector",
    )
    assert not_ok(of(namespaceSelector=selector)) == {f"namespace {name}"}


def test_a_namespace_that_is_not_there_is_taken_by_its_name() -> None:
    assert outage.labels_of("new", NAMESPACES) == {outage.NAME_LABEL: "new"}
    assert "namespace kube-node-lease" not in {
        each.name for each in outage.checks(of(), OWN, {}) if each.result is not Result.OK
    }


@pytest.mark.parametrize(
    ("group", "resources", "name"),
    [
        ("coordination.k8s.io", ["leases"], "leases"),
        ("", ["nodes/status"], "nodes"),
        ("certificates.k8s.io", ["*"], "certificate signing requests"),
        ("events.k8s.io", ["events"], "events"),
        ("", ["pods/binding"], "status and binding of pods"),
        ("discovery.k8s.io", ["endpointslices"], "endpoints"),
        ("authentication.k8s.io", ["tokenreviews"], "tokens and access reviews"),
        ("flowcontrol.apiserver.k8s.io", ["*"], "what a control plane brings up"),
    ],
)
def test_what_a_cluster_lives_on(group: str, resources: list[str], name: str) -> None:
    rules = [{**PODS, "apiGroups": [group], "resources": resources, "operations": ["*"]}]
    sure, unsure = of(rules=rules, matchConditions=[]), of(rules=rules)

    assert not_ok(sure) == {name}
    assert looked(sure)[name][0] is Result.WRONG
    assert looked(sure)[name][1].startswith("refused when nobody answers (pods.podgate.dev), and ")
    assert looked(unsure)[name][0] is Result.UNSEEN
    assert "whether its matchConditions leave them out, only the API server knows. If not: " in looked(unsure)[name][1]


def test_evictions_by_deleting_pods_are_seen() -> None:
    assert not_ok(of(rules=[{**PODS, "operations": ["DELETE"]}], matchConditions=[])) == {"status and binding of pods"}


def test_static_pods_and_long_waits_are_noted() -> None:
    found = looked(of(matchConditions=[], timeoutSeconds=30))

    assert {name for name, (result, _) in found.items() if result is Result.NOTE} == {"static pods", "pods.podgate.dev"}
    assert found["pods.podgate.dev"][1] == "waits 30 s for each request while nobody answers: 10 are plenty"


def test_the_way_out_names_the_configuration() -> None:
    assert "`kubectl delete validatingwebhookconfiguration other`" in looked(of("other"))["the way out"][1]


def test_who_is_asked_about() -> None:
    (found,) = outage.held(of(failurePolicy="Ignore", timeoutSeconds=5), NAMESPACES)

    assert (found.failure_policy, found.timeout_seconds) == ("Ignore", 5)
    assert (found.asks_about, found.conditions) == (("create, update pods",), ("mirror",))
    assert (found.namespaces, found.left_out) == (("bank", "shop"), tuple(sorted(SYSTEM)))


def neighbour(**fields: Any) -> list[Check]:
    return list(outage.neighbours(of(), OWN, [of("other", name="x.example.com", **fields)], NAMESPACES))


def client(namespace: str) -> dict[str, Any]:
    return {"service": {"name": "other", "namespace": namespace}}


def test_two_that_wait_for_each_other() -> None:
    (found,) = neighbour(namespaceSelector={}, clientConfig=client("shop"))

    assert (found.name, found.result) == ("other/x.example.com", Result.WRONG)
    assert found.text.endswith("Leave shop out of ours, or podgate-system out of theirs")


def test_one_that_our_replicas_wait_for() -> None:
    for fields in ({"clientConfig": client("kube-system")}, {"clientConfig": {"url": "https://x"}}, {}):
        (found,) = neighbour(namespaceSelector={}, **fields)
        assert found.result is Result.NOTE


@pytest.mark.parametrize(
    "fields",
    [
        {"clientConfig": client("shop")},
        {"namespaceSelector": {}, "failurePolicy": "Ignore"},
        {"namespaceSelector": {}, "rules": []},
    ],
    ids=["leaves us out", "fails open", "asks about something else"],
)
def test_neighbours_that_do_not_matter(fields: dict[str, Any]) -> None:
    assert [each.result for each in neighbour(**fields)] == [Result.OK]


def test_our_own_manifests_break_nothing() -> None:
    import yaml  # noqa: PLC0415

    (found,) = [
        each for each in yaml.safe_load_all((MANIFESTS / "base" / "webhook.yaml").read_text()) if "webhooks" in each
    ]
    for hook in found["webhooks"]:
        hook["failurePolicy"] = "Fail"

    assert not_ok(configuration.read(found)) == set()
