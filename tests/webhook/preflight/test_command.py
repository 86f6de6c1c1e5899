"""`podgate preflight`, against an API server that says what a test chooses."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from certs.authority import Authority
from tests.webhook.apiserver import ApiServer, Asked, api_server
from webhook import cli

OWN = "podgate-system"
NOW = datetime.now(UTC)
AUTHORITY = Authority.create("ours", NOW)
HOOKS = "/apis/admissionregistration.k8s.io/v1"
POLICY = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nmetadata: {name: mine}\nspec: {profile: pss-baseline}\n"
POD = {"containers": [{"name": "a", "image": "b", "securityContext": {"privileged": True}}]}
NAME = "kubernetes.io/metadata.name"
SYSTEM = ["kube-system", "kube-public", "kube-node-lease", OWN]


def configuration(**fields: Any) -> dict[str, Any]:
    hook = {
        "name": "pods.podgate.dev",
        "clientConfig": {
            "service": {"name": "podgate", "namespace": OWN},
            "caBundle": base64.b64encode(AUTHORITY.pair.cert).decode(),
        },
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
        "namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": SYSTEM}]},
        "matchConditions": [{"name": "mirror", "expression": "kubernetes.io/config.mirror"}],
    }
    meta = {"name": "podgate"}
    return {"kind": "ValidatingWebhookConfiguration", "metadata": meta, "webhooks": [{**hook, **fields}]}


def replica(name: str) -> dict[str, Any]:
    container = {"name": "webhook", "args": ["--port=8443"], "ports": [{"name": "https", "containerPort": 8443}]}
    status = {"conditions": [{"type": "Ready", "status": "True"}]}
    meta = {"name": name, "namespace": OWN, "labels": {"app": "podgate"}}
    return {"metadata": meta, "spec": {"containers": [container]}, "status": status}


def listed(*items: Any) -> dict[str, Any]:
    return {"items": list(items), "metadata": {}}


@pytest.fixture
def world() -> dict[str, Any]:
    """What the API server has, by path."""
    namespaces = [{"metadata": {"name": name, "labels": {NAME: name}}} for name in (*SYSTEM, "shop")]
    port = {"port": 443, "targetPort": "https"}
    service = {"metadata": {"name": "podgate"}, "spec": {"selector": {"app": "podgate"}, "ports": [port]}}
    own = f"/api/v1/namespaces/{OWN}"
    return {
        "/version": {"major": "1"},
        f"{HOOKS}/validatingwebhookconfigurations/podgate": configuration(),
        f"{HOOKS}/validatingwebhookconfigurations": listed(configuration()),
        f"{HOOKS}/mutatingwebhookconfigurations": listed(),
        "/api/v1/namespaces": listed(*namespaces),
        f"{own}/services/podgate": service,
        f"{own}/pods": listed(replica("a"), replica("b")),
        f"{own}/configmaps/podgate-policy": {"data": {"policy.yaml": POLICY}},
        "/api/v1/pods": listed({"metadata": {"name": "solo", "namespace": "shop"}, "spec": POD}),
    }


@pytest.fixture
def api(world: dict[str, Any]) -> Iterator[ApiServer]:
    def answer(asked: Asked) -> tuple[int, Any]:
        found = world.get(asked.path)
        if found is None:
            return 404, {}
        return (found, {}) if isinstance(found, int) else (200, found)

    with api_server() as found:
        found.answer = answer
        yield found


class Run:
    def __init__(self, api: ApiServer, folder: Path) -> None:
        self.kubeconfig = str(api.kubeconfig(folder))
        self.cert = folder / "tls.crt"
        self.cert.write_bytes(AUTHORITY.server([f"podgate.{OWN}.svc"], NOW).cert)

    def __call__(self, *args: str, given: str = "", shown: bool = True) -> Result:
        shows = ("--tls-cert", str(self.cert)) if shown else ()
        call = ("preflight", "--kubeconfig", self.kubeconfig, *shows, *args)
        return CliRunner().invoke(cli.group, call, input=given)

    def json(self, *args: str, given: str = "", shown: bool = True) -> Any:
        return json.loads(self("-o", "json", *args, given=given, shown=shown).stdout)


@pytest.fixture
def run(api: ApiServer, tmp_path: Path) -> Run:
    return Run(api, tmp_path)


def not_ok(found: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["result"]) for each in found["checks"] if each["result"] != "ok"]


def test_text(run: Run, api: ApiServer) -> None:
    found = run()

    assert (found.exit_code, found.stderr) == (1, "")
    lines = found.stdout.splitlines()
    assert lines[0] == f"cluster {api.address}, webhook configuration podgate"
    assert lines[2:10] == [
        "IF EVERY REPLICA WERE DOWN",
        "",
        "WEBHOOK            FAILURE POLICY   TIMEOUT   WHAT IT ASKS ABOUT   NAMESPACES",
        "pods.podgate.dev   Fail             10s       is refused           1 of 5",
        "",
        "pods.podgate.dev",
        "  asks about: create pods",
        "  in: shop",
    ]
    assert "ok              pods" in found.stdout.lower()
    assert "NAMESPACE   MODE      WORKLOADS   PODS     WORST" in lines
    assert lines[-1] == "0 workloads and 1 pod would be denied."


def test_nothing_is_wrong(run: Run, world: dict[str, Any]) -> None:
    world["/api/v1/pods"] = listed()
    found = run()

    assert found.exit_code == 0
    assert found.stdout.endswith("\nNothing would break, and nothing would be denied.\n")


def test_json(run: Run) -> None:
    found = run.json()

    assert not_ok(found) == []
    assert list(found) == ["version", "cluster", "configuration", "webhooks", "checks", "judged", "exitCode"]
    assert found["webhooks"] == [
        {
            "name": "pods.podgate.dev",
            "failurePolicy": "Fail",
            "timeoutSeconds": 10,
            "asksAbout": ["create pods"],
            "conditions": ["mirror"],
            "namespaces": ["shop"],
            "leftOut": sorted(SYSTEM),
        }
    ]
    judged = found["judged"]
    assert (judged["policy"]["name"], judged["policy"]["source"]) == ("mine", f"ConfigMap {OWN}/podgate-policy")
    assert [{**each, "worst": None} for each in judged["namespaces"]] == [
        {
            "namespace": "shop",
            "mode": "enforce",
            "workloads": {"judged": 0, "denied": 0},
            "pods": {"judged": 1, "denied": 1},
            "worst": None,
        }
    ]
    assert (len(judged["denied"]), judged["notListed"], found["exitCode"]) == (1, 0, 1)


def test_a_cluster_is_only_read_and_no_secret_is(run: Run, api: ApiServer) -> None:
    run()

    assert {each.method for each in api.asked} == {"GET"}
    assert [each.path for each in api.asked if "secret" in each.path] == []


def test_a_missing_right_is_never_fine(run: Run, world: dict[str, Any]) -> None:
    for path in list(world):
        if path != "/version":
            world[path] = 403
    found = run()

    assert found.exit_code == 1
    assert "NOT LOOKED AT   configuration   your account may not read /apis/admission" in found.stdout
    assert "NOT LOOKED AT   policy" in found.stdout
    assert found.stdout.endswith("\n3 things were not looked at.\n")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/namespaces", "namespaces"),
        (f"/api/v1/namespaces/{OWN}/services/podgate", "service"),
        (f"/api/v1/namespaces/{OWN}/pods", "pods"),
        (f"{HOOKS}/mutatingwebhookconfigurations", "other webhooks"),
        ("/api/v1/pods", "what runs"),
        (f"/apis/apps/v1/namespaces/{OWN}/deployments/podgate", "deployment"),
    ],
)
def test_each_thing_that_is_not_read_is_told(run: Run, world: dict[str, Any], path: str, name: str) -> None:
    world[path] = 403
    found = run.json()

    assert (name, "not looked at") in not_ok(found)
    assert found["exitCode"] == 1


def test_without_a_certificate_trust_is_not_looked_at(run: Run, world: dict[str, Any]) -> None:
    world["/api/v1/pods"] = listed()

    assert not_ok(run.json(shown=False)) == [("trust", "not looked at")]


def test_no_configuration(run: Run, world: dict[str, Any]) -> None:
    world.pop(f"{HOOKS}/validatingwebhookconfigurations/podgate")
    found = run.json()

    assert not_ok(found) == [("configuration", "wrong")]
    assert [each["name"] for each in found["judged"]["denied"]] == ["solo"]


def test_a_configuration_that_is_not_one(run: Run, world: dict[str, Any]) -> None:
    world[f"{HOOKS}/validatingwebhookconfigurations/podgate"] = {"webhooks": [{"name": None}]}

    assert not_ok(run.json()) == [("configuration", "wrong")]


@pytest.mark.parametrize(
    "policy", [{"data": None}, {"data": {"policy.yaml": "a: ["}}, {}], ids=["null", "broken", "no data"]
)
def test_a_policy_that_is_not_one(run: Run, world: dict[str, Any], policy: Any) -> None:
    world[f"/api/v1/namespaces/{OWN}/configmaps/podgate-policy"] = policy
    found = run.json()

    assert (not_ok(found), found["judged"]) == ([("policy", "wrong")], None)


def test_the_policy_of_a_deployment_that_names_another_one(run: Run, world: dict[str, Any]) -> None:
    container = {"args": ["--policy=/p/mine.yaml"], "volumeMounts": [{"name": "p", "mountPath": "/p"}]}
    spec = {"containers": [container], "volumes": [{"name": "p", "configMap": {"name": "mine"}}]}
    world[f"/apis/apps/v1/namespaces/{OWN}/deployments/podgate"] = {"spec": {"template": {"spec": spec}}}
    world[f"/api/v1/namespaces/{OWN}/configmaps/mine"] = {"data": {"mine.yaml": POLICY}}

    assert run.json()["judged"]["policy"]["source"] == f"ConfigMap {OWN}/mine"


def test_what_is_about_to_be_applied_counts_and_keeps_the_bundle_that_is_there(run: Run) -> None:
    coming = configuration(failurePolicy="Ignore", namespaceSelector={})
    del coming["webhooks"][0]["clientConfig"]["caBundle"]
    policy = {"kind": "ConfigMap", "metadata": {"name": "p"}, "data": {"policy.yaml": f"{POLICY}"}}
    found = run.json(
        "-f", "-", given="\n---\n".join(json.dumps({"apiVersion": "v1", **each}) for each in (coming, policy))
    )

    assert not_ok(found) == []
    assert found["webhooks"][0]["failurePolicy"] == "Ignore"
    assert len(found["webhooks"][0]["namespaces"]) == 5


def test_a_policy_file_counts_instead_of_the_one_that_is_there(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.replace("pss-baseline", "all"))
    found = run("--policy", str(tmp_path / "p.yaml"))

    assert (found.exit_code, f"of {tmp_path}/p.yaml, mode enforce" in found.stdout) == (0, True)


def test_tables_are_as_long_as_asked_for(run: Run, world: dict[str, Any]) -> None:
    world["/api/v1/pods"] = listed(
        *({"metadata": {"name": f"solo{i}", "namespace": "shop"}, "spec": POD} for i in range(5))
    )
    found = run("--top", "2")

    assert found.stdout.count("pod/solo") == 3  # two, and the worst of the namespace
    assert "and 3 objects more: --top shows them, -o json all that are listed\n" in found.stdout


def test_what_comes_from_the_cluster_cannot_write_to_the_terminal(run: Run, world: dict[str, Any]) -> None:
    world["/api/v1/pods"] = listed({"metadata": {"name": "a\x1b[2J\nb", "namespace": "shop"}, "spec": POD})
    world["/api/v1/namespaces"]["items"].append({"metadata": {"name": "x\x1b[2J", "labels": None}})

    assert "\x1b" not in run().stdout


@pytest.mark.parametrize(
    ("args", "given", "said"),
    [
        (["--policy", "/nowhere"], "", "/nowhere cannot be read"),
        (["--policy", "-"], "a: [", "stdin"),
        (["-f", "/nowhere"], "", "/nowhere"),
        (["-f", "-"], "a: [", "-:1"),
        (["-f", "-"], "kind: ConfigMap\napiVersion: v1\ndata: 5\n", "neither a webhook configuration podgate nor"),
        (["--tls-cert", "/nowhere"], "", "/nowhere cannot be read: no such file or directory"),
        (["--context", "none"], "", "the cluster cannot be reached: "),
        (["--top", "0"], "", "--top"),
        (["-o", "yaml"], "", "yaml"),
    ],
)
def test_calls_that_are_wrong(run: Run, args: list[str], given: str, said: str) -> None:
    found = run(*args, given=given, shown=False)

    assert (found.exit_code, found.stdout) == (2, "")
    assert said in found.stderr


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_cluster_that_refuses_everything_is_not_reached(run: Run, world: dict[str, Any], status: int) -> None:
    world["/version"] = status
    found = run()

    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr == f"Error: the cluster cannot be reached: the answer is HTTP {status}\n"


def test_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    found = CliRunner().invoke(cli.group, ("preflight",))

    assert (found.exit_code, found.stdout) == (2, "")
    assert found.stderr == "Error: there is no cluster: name a kubeconfig with --kubeconfig\n"


def test_several_kubeconfigs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", "/a:/b")
    found = CliRunner().invoke(cli.group, ("preflight",))

    assert found.exit_code == 2
    assert "`kubectl config view --flatten --minify` makes one of them" in found.stderr


def test_the_kubeconfig_of_the_environment(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", f"{run.kubeconfig}:")

    assert CliRunner().invoke(cli.group, ("preflight", "--tls-cert", str(run.cert))).exit_code == 1
