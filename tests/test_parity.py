"""One verdict everywhere: the application over TLS, and `podgate check` on YAML and on JSON, say the same of an object.

What is compared is what an API server sends: it writes a number that YAML spells `1.0` as `1` before a webhook sees it.
"""

import copy
import json
import random
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from certs.authority import Authority
from certs.reload import Sources
from policies import config, profile, registry
from policies.config import Policy
from policies.decision import Decision, Verdict
from policies.identity import Kind
from policies.path import render
from policies.rule import Rule
from tests.conformance.pods import random_pod
from tests.policies import examples
from tests.policies.examples import Examples, Good, Json
from tests.reviews import RECORDED, body, pod, review
from tests.webhook.serving import Wire, running
from webhook import pages
from webhook.admission import Admitted
from webhook.app import Front, Gate
from webhook.check import check
from webhook.metrics import Metrics
from webhook.protocol import Limits
from webhook.report import ExitCode, Report
from webhook.tls import CertificateWatch

EXAMPLES = Path(__file__).parent.parent / "manifests" / "examples"
BUNDLED = sorted(EXAMPLES.glob("*.yaml"))
POLICIES = {name: config.of_profile(name) for name in profile.names()}
#: About whom no rule has anything to say, as about nobody, who asks for files to be checked.
ADMINISTRATOR = {"username": "admin", "groups": ["system:masters"]}
every_profile = pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)


class Found(NamedTuple):
    """A finding, as people read it."""

    rule: str
    path: str
    message: str
    action: str

    @property
    def line(self) -> str:
        """How the webhook puts it."""
        return f"{self.rule}: {self.path} {self.message}. {registry.by_name()[self.rule].remediation}"


class Suspicion(NamedTuple):
    """What the classifier says; the line where it leads to something."""

    path: str
    probability: float
    action: str
    line: str


class Outcome(NamedTuple):
    """What becomes of an object, wherever it is judged."""

    verdict: str
    judged: str
    findings: tuple[Found, ...] = ()
    unreadable: str | None = None
    risk: Suspicion | None = None

    def denials(self) -> list[str]:
        found = [found.line for found in self.findings if found.action == "deny"]
        return [*found, *self._suspicion("deny")]

    def warnings(self) -> list[str]:
        found = [found.line for found in self.findings if found.action == "warn"]
        return [*self._suspicion("warn"), *found]

    def _suspicion(self, action: str) -> list[str]:
        return [self.risk.line] if self.risk is not None and self.risk.action == action else []


def outcome(decision: Decision) -> Outcome:
    findings = tuple(
        Found(reason.finding.rule.id, render(reason.finding.path), reason.finding.message, str(reason.action))
        for reason in decision.reasons
    )
    return Outcome(decision.verdict, decision.judged, findings, decision.unreadable, suspicion(decision))


def suspicion(decision: Decision) -> Suspicion | None:
    risk, action = decision.risk, decision.risk_action
    if risk is None:
        return None
    return Suspicion(render(risk.path), risk.probability, str(action), decision.risk_text if action else "")


# Over the wire.


@dataclass
class Application:
    """The application as it is served, and what it decided."""

    port: int
    client: ssl.SSLContext
    gate: Gate
    admitted: list[Admitted] = field(default_factory=list)

    def judge(self, objects: Iterable[Json], policy: Policy) -> Iterator[tuple[Outcome, Json]]:
        """What was decided of each object, and what the API server is told."""
        self.gate.policy = policy
        with Wire(self.port, self.client) as wire:
            for number, obj in enumerate(objects):
                self.admitted.clear()
                answer = wire.ask(body(review(obj, uid=f"uid-{number}", userInfo=ADMINISTRATOR)))
                assert answer.status == 200, answer.body
                response: Json = answer.json["response"]
                assert response["uid"] == f"uid-{number}"
                [admitted] = self.admitted
                yield outcome(admitted.decision), response


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder = tmp_path_factory.mktemp("tls")
    authority, metrics = Authority.create("parity", datetime.now(UTC)), Metrics()
    sources = Sources(folder / "tls.crt", folder / "tls.key", None)
    authority.server(["localhost"], datetime.now(UTC)).write(sources.cert, sources.key)
    context = CertificateWatch(sources, metrics, lambda: datetime.now(UTC)).keeper.context
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=authority.pair.cert.decode())
    served = Application(0, client, Gate(POLICIES["recommended"]))

    def observe(admitted: Admitted, policy: Policy, seconds: float) -> None:
        served.admitted.append(admitted)
        metrics.review(admitted, policy, seconds)

    with running(Front(served.gate, pages.build(), observe, metrics.error), Limits(), context) as server:
        served.port = server.port
        yield served


def assert_told(response: Json, found: Outcome, policy: Policy) -> None:
    """That the answer, read by itself, says what was decided."""
    assert response["allowed"] is (found.verdict != Verdict.DENY)
    assert ("status" in response) is (found.verdict == Verdict.DENY)
    assert ("warnings" in response) is (found.verdict == Verdict.WARN)
    if found.unreadable is not None:
        message = f"{found.unreadable}. What cannot be understood is not let through."
        assert response["status"] == {"message": message, "reason": "Invalid", "code": 422, "status": "Failure"}
    elif found.verdict == Verdict.DENY:
        status = response["status"]
        assert (status["reason"], status["code"], status["status"]) == ("Forbidden", 403, "Failure")
        assert_lines(status["message"].split("\n"), found.denials())
    elif found.verdict == Verdict.WARN:
        assert_lines(response["warnings"], found.warnings(), cut_at=256)
    assert response["auditAnnotations"] == annotations(found, policy)


def annotations(found: Outcome, policy: Policy) -> dict[str, str]:
    wanted = {"decision": found.judged, "policy": f"{policy.name}@{policy.hash}"}
    if found.findings:
        wanted["rules"] = ",".join(dict.fromkeys(finding.rule for finding in found.findings))
    if found.risk is not None:
        wanted |= {"risk": f"{found.risk.probability:.3f}", "model": policy.model}
    if found.unreadable is not None:
        wanted["error"] = found.unreadable
    return wanted


def assert_lines(lines: list[str], wanted: list[str], cut_at: int = 100_000) -> None:
    """All lines, or the first of them and how many more there are; each whole, or as much of it as fits."""
    if (more := re.fullmatch(r"\.\.\. and (\d+) more", lines[-1])) is not None:
        lines = lines[:-1]
        assert len(lines) + int(more[1]) == len(wanted)
        wanted = wanted[: len(lines)]
    assert len(lines) == len(wanted)
    for line, text in zip(lines, wanted, strict=True):
        if len(text) <= cut_at:
            assert line == text
        else:
            assert len(line) <= cut_at
            assert text.startswith(line.removesuffix("..."))


# In files.


def as_json(objects: Iterable[Json]) -> str:
    return "\n".join(map(json.dumps, objects))


class _Dumper(yaml.CSafeDumper):
    """Puts into quotes what PyYAML takes for a word and kubectl does not."""


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("[yYnN]"), [*"yYnN"])


def as_yaml(objects: Iterable[Json]) -> str:
    text: str = yaml.dump_all(objects, Dumper=_Dumper, explicit_start=True, allow_unicode=True, sort_keys=False)
    return text


def judge_file(file: Path, policy: Policy) -> tuple[dict[int, Outcome], Report]:
    """What becomes of each document, by its number.

    What the command calls an error is what the webhook denies: neither lets through what cannot be understood.
    """
    report = check([str(file)], policy)
    found = {result.source.document: outcome(result.decision) for result in report.results}
    for result in report.results:
        assert tuple(located.reason for located in result.findings) == result.decision.reasons
    for error in report.errors:
        assert error.document is not None
        assert error.document not in found
        found[error.document] = Outcome(Verdict.DENY, Verdict.DENY, unreadable=error.message)
    return found, report


def assert_parity(
    application: Application,
    policy: Policy,
    objects: Mapping[str, Json],
    folder: Path,
    to_yaml: Callable[[Iterable[Json]], str] = as_yaml,
) -> dict[str, Outcome]:
    """That the webhook, the command on YAML and the command on JSON agree; what they agree on, by name."""
    over_http: dict[str, Outcome] = {}
    for name, (found, response) in zip(objects, application.judge(objects.values(), policy), strict=True):
        over_http[name] = found
        if policy.engine.concerns(Kind(*_group_and_kind(objects[name]))):
            assert_told(response, found, policy)
        else:
            assert response == {"uid": response["uid"], "allowed": True}
    for suffix, text in {"yaml": to_yaml(objects.values()), "json": as_json(objects.values())}.items():
        file = folder / f"objects.{suffix}"
        file.write_text(text, "utf-8")
        in_file, report = judge_file(file, policy)
        assert {name: in_file.get(number) for number, name in enumerate(objects, 1)} == over_http, suffix
        assert len(in_file) == len(objects)
        assert (report.policy.name, report.policy.hash) == (policy.name, policy.hash)
        assert report.exit_code is exit_code(over_http.values())
    return over_http


def _group_and_kind(obj: Json) -> tuple[str, str]:
    return obj["apiVersion"].rpartition("/")[0], obj["kind"]


def exit_code(outcomes: Iterable[Outcome]) -> ExitCode:
    found = list(outcomes)
    if any(each.unreadable is not None for each in found):
        return ExitCode.BAD_INPUT
    return ExitCode.DENIED if any(each.verdict == Verdict.DENY for each in found) else ExitCode.ALLOWED


def test_the_profiles_are_these() -> None:
    assert list(POLICIES) == ["all", "cis", "nsa", "pss-baseline", "pss-restricted", "recommended"]


# The examples that come with Podgate.


@every_profile
@pytest.mark.parametrize("file", BUNDLED, ids=lambda file: file.stem)
def test_a_bundled_example_is_judged_alike(
    file: Path, policy: Policy, application: Application, tmp_path: Path
) -> None:
    text = file.read_text("utf-8")
    objects = {f"{number}: {obj['kind']}": obj for number, obj in enumerate(yaml.safe_load_all(text), 1)}

    # The YAML is the file as it is, with its comments.
    assert_parity(application, policy, objects, tmp_path, lambda _: text)


def test_there_are_bundled_examples_of_every_verdict() -> None:
    found, _ = zip(*(judge_file(file, POLICIES["recommended"]) for file in BUNDLED), strict=True)
    assert {each.verdict for outcomes in found for each in outcomes.values()} == {"allow", "warn", "deny"}


# The examples of the rules.


def wrapped(case: Good) -> dict[str, Json]:
    """The pod of an example, and workloads that make it; or the object that the example is."""
    if case.object is not None:
        return {"object": case.object}
    template, head = case.template(), {"metadata": {"name": "app", "namespace": "default"}}
    job = {"spec": {"template": template}}
    return {
        "Pod": examples.obj(case),
        "Deployment": {"apiVersion": "apps/v1", "kind": "Deployment", **head, "spec": {"template": template}},
        "CronJob": {"apiVersion": "batch/v1", "kind": "CronJob", **head, "spec": {"jobTemplate": job}},
    }


def objects_of(rule: Rule) -> dict[str, Json]:
    found = Examples.of(rule)
    cases = [*(("good", case) for case in found.good), *(("bad", case) for case in found.bad)]
    made = {f"{sort}: {case.name}: {kind}": obj for sort, case in cases for kind, obj in wrapped(case).items()}
    return {name: obj for name, obj in made.items() if is_sent(obj)}


def is_sent(obj: Json) -> bool:
    """Whether an API server would ever send it: it knows the kind, and writes quantities in few digits."""
    return bool(obj.get("apiVersion") and obj.get("kind")) and re.search(r"\d{100}", json.dumps(obj)) is None


@every_profile
@pytest.mark.parametrize("rule", registry.load(), ids=examples.name)
def test_examples_of_a_rule_are_judged_alike(
    rule: Rule, policy: Policy, application: Application, tmp_path: Path
) -> None:
    agreed = assert_parity(application, policy, objects_of(rule), tmp_path)

    if policy.actions.get(rule.id):
        # They agree on findings, and not on finding nothing.
        found = {
            name.split(": ")[-1] for name, each in agreed.items() if rule.id in {one.rule for one in each.findings}
        }
        assert found >= kinds_where_it_is_found(rule)


def kinds_where_it_is_found(rule: Rule) -> set[str]:
    """By a policy that sets no options, of somebody who creates the object."""
    plain = [
        case
        for case in Examples.of(rule).bad
        if not (case.options or case.before or case.requester or case.level) and case.version == "latest"
    ]
    kinds = {"Pod", "Deployment", "CronJob"} if any(case in plain for case in examples.bad_pods(rule)) else set()
    return kinds | ({"object"} if any(case.object is not None for case in plain) else set())


# Random pods.

SEEDS = [range(start, start + 50) for start in range(0, 200, 50)]


@every_profile
@pytest.mark.parametrize("seeds", SEEDS, ids=lambda seeds: f"seeds-{seeds[0]}-to-{seeds[-1]}")
def test_random_pods_are_judged_alike(seeds: range, policy: Policy, application: Application, tmp_path: Path) -> None:
    pods = {f"seed {seed}": random_pod(random.Random(seed)) for seed in seeds}
    agreed = assert_parity(application, policy, pods, tmp_path)

    assert len({found.findings for found in agreed.values()}) > 1
    assert all(found.unreadable is None for found in agreed.values())


# What a real API server sent: with everything that it fills in.

#: With options, entries and thresholds of its own, as somebody would write it.
OWN = config.parse(
    """apiVersion: podgate.dev/v1alpha1
kind: GatePolicy
metadata: {name: own}
spec:
  profile: all
  rules:
    image-registry: {action: deny, options: {allow: [registry.example.com/team]}}
    host-path: {action: "off"}
    run-as-non-root-missing: {action: audit}
  classifier: {warnAt: 0.05, denyAt: 0.5}
"""
)


def unasked(obj: Json) -> Json:
    """Without its overrides: whether one counts depends on the time and on who asks, and is no finding."""
    meta = obj["metadata"]
    kept = {key: text for key, text in meta.get("annotations", {}).items() if not key.startswith("podgate.dev/")}
    return {**obj, "metadata": {**meta, "annotations": kept}}


@pytest.mark.parametrize("policy", [*POLICIES.values(), OWN], ids=[*POLICIES, "own"])
def test_what_an_api_server_sent_is_judged_alike(policy: Policy, application: Application, tmp_path: Path) -> None:
    sent = {file.stem: json.loads(file.read_bytes())["request"] for file in sorted(RECORDED.glob("create-*.json"))}
    objects = {name: unasked(request["object"]) for name, request in sent.items()}
    agreed = assert_parity(application, policy, objects, tmp_path)

    assert len(agreed) > 20
    assert any(each.findings for each in agreed.values())
    assert sum(each.risk is not None for each in agreed.values()) > 10
    if policy is OWN:
        assert {found.action for each in agreed.values() for found in each.findings} == {"deny", "warn", "audit"}
        assert {each.risk.action for each in agreed.values() if each.risk is not None} >= {"warn"}


@pytest.mark.parametrize("name", ["recommended", "pss-restricted"])
def test_the_program_prints_what_the_webhook_decides(name: str, application: Application, tmp_path: Path) -> None:
    """The whole of it: `podgate check -o json` in a process of its own."""
    policy = POLICIES[name]
    objects = [obj for file in BUNDLED for obj in yaml.safe_load_all(file.read_text("utf-8"))]
    over_http = [found for found, _ in application.judge(objects, policy)]
    file = tmp_path / "objects.yaml"
    file.write_text(as_yaml(objects), "utf-8")
    command = [sys.executable, "-m", "webhook.cli", "check", "-o", "json", "--profile", name, str(file)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    told = json.loads(ran.stdout)

    assert ran.returncode == exit_code(over_http)
    assert told["policy"] == {"name": policy.name, "hash": policy.hash}
    assert len(told["results"]) == len(over_http)
    for result, found in zip(told["results"], over_http, strict=True):
        assert result["decision"] == found.judged
        listed = [tuple(each[key] for key in ("rule", "path", "message", "action")) for each in result["findings"]]
        wanted = [(each.rule, each.path, f"{each.path} {each.message}", each.action) for each in found.findings]
        assert listed == wanted
        risk = result["risk"]
        assert (risk and risk["probability"]) == (found.risk and pytest.approx(found.risk.probability, abs=1e-6))


# Objects that cannot be understood, and objects without pods.


def deployment(template: object) -> Json:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": template}}


def cron_job(**container: Any) -> Json:
    template = {"spec": {"containers": [{"name": "app", **container}]}}
    spec = {"jobTemplate": {"spec": {"template": template}}}
    return {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}, "spec": spec}


UNREADABLE: dict[str, tuple[Json, str]] = {
    "privileged-is-a-string": (
        pod(securityContext={"privileged": "true"}),
        "spec.containers[0].securityContext.privileged must be true or false, not a string",
    ),
    "a-user-is-a-string": (
        pod(securityContext={"runAsUser": "0"}),
        "spec.containers[0].securityContext.runAsUser must be a whole number, not a string",
    ),
    "a-port-has-a-fraction": (
        pod(ports=[{"hostPort": 1.5}]),
        "spec.containers[0].ports[0].hostPort must be a whole number, not a number with a fraction",
    ),
    "containers-are-an-object": (pod(spec={"containers": {}}), "spec.containers must be a list, not an object"),
    "a-container-is-a-number": (
        pod(spec={"containers": [7]}),
        "spec.containers[0] must be an object, not a whole number",
    ),
    "volumes-are-a-string": (pod(spec={"volumes": "host"}), "spec.volumes must be a list, not a string"),
    "the-host-network-is-a-number": (
        pod(spec={"hostNetwork": 1}),
        "spec.hostNetwork must be true or false, not a whole number",
    ),
    "a-spec-is-a-list": ({**pod(), "spec": []}, "spec must be an object, not a list"),
    "a-spec-is-missing": (
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}},
        "spec is missing: without it this Pod cannot be judged",
    ),
    "metadata-is-a-string": ({**pod(), "metadata": "a"}, "metadata must be an object, not a string"),
    "a-name-is-a-number": ({**pod(), "metadata": {"name": 5}}, "metadata.name must be a string, not a whole number"),
    "an-annotation-is-true": (
        {**pod(), "metadata": {"name": "a", "annotations": {"a/b": True}}},
        "metadata.annotations.* must be a string, not true or false",
    ),
    "a-template-is-null": (deployment(None), "spec.template is missing: without it this Deployment cannot be judged"),
    "a-template-has-no-spec": (
        deployment({"metadata": {}}),
        "spec.template.spec is missing: without it this Deployment cannot be judged",
    ),
    "deep-inside-a-cron-job": (
        cron_job(ports="80"),
        "spec.jobTemplate.spec.template.spec.containers[0].ports must be a list, not a string",
    ),
}


@every_profile
@pytest.mark.parametrize(("obj", "complaint"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_understood_is_complained_of_in_the_same_words(
    obj: Json, complaint: str, policy: Policy, application: Application, tmp_path: Path
) -> None:
    agreed = assert_parity(application, policy, {"it": obj}, tmp_path)

    assert agreed == {"it": Outcome(Verdict.DENY, Verdict.DENY, unreadable=complaint)}


@every_profile
def test_objects_without_pods_are_allowed_alike(policy: Policy, application: Application, tmp_path: Path) -> None:
    meta = {"name": "a", "namespace": "shop"}
    objects: dict[str, Json] = {
        "ConfigMap": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"spec": "x"}},
        "Service": {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"type": "ClusterIP"}},
        "another group": {
            "apiVersion": "example.com/v1",
            "kind": "Pod",
            "metadata": meta,
            "spec": {"hostNetwork": True},
        },
    }
    agreed = assert_parity(application, policy, objects, tmp_path)

    assert agreed == dict.fromkeys(objects, Outcome(Verdict.ALLOW, Verdict.ALLOW))


# Whatever is put in the place of whatever an object holds.

ODD: list[object] = [
    None,
    "",
    "x",
    "true",
    "0",
    "\u202e\n\x00",
    0,
    -1,
    1.5,
    True,
    False,
    [],
    {},
    [None],
    [[]],
    [{}],
    {"": None},
]


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if path and path[-1] not in ("apiVersion", "kind"):
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in items:
        yield from places(item, (*path, step))


def replaced(obj: Json, path: tuple[str | int, ...], odd: object) -> Json:
    changed: Any = copy.deepcopy(obj)
    holder = changed
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = copy.deepcopy(odd)
    found: Json = changed
    return found


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_an_odd_value_anywhere_is_judged_alike(odd: object, application: Application, tmp_path: Path) -> None:
    [node_agent] = yaml.safe_load_all((EXAMPLES / "node-agent.yaml").read_text("utf-8"))
    objects = {render(path): replaced(node_agent, path, odd) for path in places(node_agent)}
    agreed = assert_parity(application, POLICIES["pss-restricted"], objects, tmp_path)

    assert len(agreed) > 30
