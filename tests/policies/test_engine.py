"""The engine runs rules over every pod of an object."""

from collections import Counter
from typing import Any

from policies import config, registry, resource
from policies.engine import MAX_FINDINGS, NOTHING, Engine, Evaluation, Finding
from policies.identity import Kind
from policies.standard import Level, Standard, Version

RULES = registry.by_name()
NEWEST = Standard(Level.BASELINE, Version(1, 37))
#: Rules that an empty pod does not break, and that look at nothing but pods.
PODS = [rule for rule in registry.load() if rule.level is Level.BASELINE]


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "app"}, "spec": {"containers": [], **spec}}


def evaluate(engine: Engine, obj: dict[str, Any]) -> Evaluation:
    return engine.evaluate(resource.read(obj))


def test_nothing_found_is_nothing() -> None:
    assert evaluate(Engine(PODS, NEWEST), pod()) is NOTHING


def test_no_rules_find_nothing() -> None:
    assert evaluate(Engine([], NEWEST), pod(hostPID=True)) is NOTHING


def test_findings_are_sorted_by_rule_whatever_the_order_of_the_rules() -> None:
    engine = Engine([RULES["privileged"], RULES["host-pid"], RULES["host-ipc"]], NEWEST)
    privileged = {"name": "web", "securityContext": {"privileged": True}}
    found = evaluate(engine, pod(containers=[privileged], hostPID=True, hostIPC=True))
    assert found.findings == (
        Finding(RULES["host-ipc"], ("spec", "hostIPC"), "is true"),
        Finding(RULES["host-pid"], ("spec", "hostPID"), "is true"),
        Finding(
            RULES["privileged"],
            ("spec", "containers", 0, "securityContext", "privileged"),
            'is true (container "web")',
        ),
    )


def test_rules_judge_against_the_engine_s_standard() -> None:
    obj = pod(securityContext={"sysctls": [{"name": "net.ipv4.tcp_rmem"}]})
    old = Engine([RULES["sysctls"]], Standard(Level.BASELINE, Version(1, 31)))
    assert len(evaluate(old, obj).findings) == 1
    assert evaluate(Engine([RULES["sysctls"]], NEWEST), obj) is NOTHING


def test_every_pod_of_an_object_is_judged() -> None:
    template = {"spec": {"containers": [], "hostPID": True}}
    job = {"template": {"spec": {"template": template}}}
    obj = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "spec": {"replicatedJobs": [job, job]}}
    found = evaluate(Engine([RULES["host-pid"]], NEWEST), obj)
    assert [finding.path for finding in found.findings] == [
        ("spec", "replicatedJobs", number, "template", "spec", "template", "spec", "hostPID") for number in (0, 1)
    ]


def test_an_object_without_pods_is_not_judged() -> None:
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "spec": {"hostPID": True}}
    assert evaluate(Engine(PODS, NEWEST), obj) is NOTHING


def test_a_rule_that_is_broken_without_end_is_found_a_thousand_times_and_hides_no_other() -> None:
    policy = config.of_profile("pss-baseline")
    many = {"capabilities": {"add": ["EVIL"] * 50_000}, "privileged": True}
    pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "app", "securityContext": many}] * 2}}
    findings = policy.engine.evaluate(resource.read(pod)).findings

    by_rule = Counter(found.rule.id for found in findings)
    assert by_rule == {"capabilities-added": MAX_FINDINGS, "privileged": 2}
    last = [found for found in findings if found.rule.id == "capabilities-added"][-1]
    assert last.message == 'adds EVIL (container "app"); there are more, which are not listed'


def test_as_many_as_are_listed_are_all() -> None:
    policy = config.of_profile("pss-baseline")

    def last(count: int) -> str:
        many = {"capabilities": {"add": ["EVIL"] * count}}
        obj = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [{"name": "app", "securityContext": many}]}}
        findings = policy.engine.evaluate(resource.read(obj)).findings
        assert len(findings) == MAX_FINDINGS
        return findings[-1].message

    assert last(MAX_FINDINGS) == 'adds EVIL (container "app")'
    assert last(MAX_FINDINGS + 1) == 'adds EVIL (container "app"); there are more, which are not listed'


def test_rules_are_about_what_their_first_parameter_is() -> None:
    everything = Engine(registry.load(), NEWEST)
    assert everything.concerns(Kind("", "Pod"))
    assert everything.concerns(Kind("example.com", "Anything"))
    services = Engine([RULES["external-ips"], RULES["host-pid"]], NEWEST)
    assert [services.concerns(Kind("", kind)) for kind in ("Service", "Pod", "ConfigMap")] == [True, True, False]
    spec = {"externalIPs": ["192.0.2.1"]}
    found = evaluate(services, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": spec})
    assert [finding.rule.id for finding in found.findings] == ["external-ips"]


def test_the_risk_is_not_assessed_where_somebody_says_so_and_rules_find_the_same() -> None:
    engine, found = config.of_profile("pss-baseline").engine, resource.read(pod(hostPID=True))
    whole, without = engine.evaluate(found), engine.evaluate(found, assess=False)

    assert whole.risk is not None
    assert without == Evaluation(whole.findings)


def test_what_is_of_concern_is_what_a_rule_or_the_classifier_looks_at() -> None:
    pods, services = Kind("apps", "Deployment"), Kind("", "Service")
    by_rules = Engine(PODS, NEWEST)
    assert (by_rules.concerns(pods), by_rules.concerns(services)) == (True, False)
    by_risk = Engine([], NEWEST, {}, config.of_profile("all").engine.assessor)
    assert (by_risk.concerns(pods), by_risk.concerns(services)) == (True, False)
    by_nobody = Engine([], NEWEST)
    assert (by_nobody.concerns(pods), by_nobody.concerns(services)) == (False, False)
