"""Every rule, driven by its own examples."""

import copy
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from policies import fix, registry, resource
from policies import patch as patching
from policies.engine import Finding
from policies.path import Path
from policies.resource import UnreadableObjectError
from policies.rule import Rule
from tests.policies import examples, messages
from tests.policies.examples import Bad, Examples, Good, Json

every_rule = pytest.mark.parametrize("rule", registry.load(), ids=examples.name)
every_good = pytest.mark.parametrize(("rule", "case"), examples.good(), ids=examples.name)
every_bad = pytest.mark.parametrize(("rule", "case"), examples.bad(), ids=examples.name)


class TestExampleFiles:
    @every_rule
    def test_both_lists_have_cases_and_no_two_share_a_name(self, rule: Rule) -> None:
        found = Examples.of(rule)
        names = [case.name for case in (*found.good, *found.bad)]
        assert found.good
        assert found.bad
        assert len(set(names)) == len(names)

    @every_rule
    def test_bad_cases_say_where(self, rule: Rule) -> None:
        for case in Examples.of(rule).bad:
            assert case.at, case.name
            assert len(set(case.at)) == len(case.at), case.name

    @pytest.mark.parametrize(
        "content", [{"good": [], "bad": [], "ugly": []}, {"good": [{"name": "a", "pod": {}, "pot": {}}]}]
    )
    def test_unknown_keys_are_refused(self, content: Json) -> None:
        with pytest.raises(msgspec.ValidationError, match="unknown field"):
            msgspec.convert(content, Examples)

    def test_every_file_belongs_to_a_rule(self) -> None:
        rules = {f"{rule.category}/{rule.id.replace('-', '_')}.yaml" for rule in registry.load()}
        assert {str(file.relative_to(examples.ROOT)) for file in examples.ROOT.glob("*/*.yaml")} == rules


@every_good
def test_good_is_silent(rule: Rule, case: Good) -> None:
    assert examples.paths(rule, case, examples.obj(case)) == []


@every_bad
def test_bad_fires_at_exactly_its_paths(rule: Rule, case: Bad) -> None:
    assert examples.paths(rule, case, examples.obj(case)) == case.at


# Moved to another list, containers are as bad as they were.


def _movable(case: Bad) -> bool:
    other = {"initContainers", "ephemeralContainers"} & (case.pod or {}).keys()
    return (
        case.pod is not None
        and case.anywhere
        and not other
        and any(path.startswith("spec.containers[") for path in case.at)
    )


def _moved(case: Bad, to: str, extra: Json) -> Json:
    obj = examples.obj(case)
    obj["spec"][to] = [{**container, **extra} for container in obj["spec"]["containers"]]
    obj["spec"]["containers"] = []
    return obj


@pytest.mark.parametrize(
    ("to", "extra", "called"),
    [
        ("initContainers", {}, "init container"),
        ("initContainers", {"restartPolicy": "Always"}, "sidecar container"),
        ("ephemeralContainers", {}, "ephemeral container"),
    ],
    ids=["init", "sidecar", "ephemeral"],
)
@pytest.mark.parametrize(
    ("rule", "case"),
    [(rule, case) for rule, case in examples.bad() if _movable(case)],
    ids=examples.name,
)
def test_bad_containers_of_every_kind_are_found(rule: Rule, case: Bad, to: str, extra: Json, called: str) -> None:
    obj = _moved(case, to, extra)
    found = examples.findings(rule, case, obj)
    assert examples.paths(rule, case, obj) == [path.replace("spec.containers[", f"spec.{to}[") for path in case.at]
    assert all(f"({called} " in finding.message for finding in found if to in finding.path)


@every_rule
def test_rules_about_containers_have_a_case_that_can_be_moved(rule: Rule) -> None:
    cases = examples.bad_pods(rule)
    about_containers = any(path.startswith("spec.containers[") for case in cases for path in case.at)
    assert any(map(_movable, cases)) == about_containers


# Wrapped in every kind of workload, a pod is as bad as it was.

WORKLOADS = [
    ("v1", "ReplicationController", "spec.template"),
    ("v1", "PodTemplate", "template"),
    ("apps/v1", "Deployment", "spec.template"),
    ("apps/v1", "StatefulSet", "spec.template"),
    ("apps/v1", "DaemonSet", "spec.template"),
    ("apps/v1", "ReplicaSet", "spec.template"),
    ("apps/v1beta1", "Deployment", "spec.template"),
    ("apps/v1beta1", "StatefulSet", "spec.template"),
    ("apps/v1beta2", "Deployment", "spec.template"),
    ("apps/v1beta2", "StatefulSet", "spec.template"),
    ("apps/v1beta2", "DaemonSet", "spec.template"),
    ("apps/v1beta2", "ReplicaSet", "spec.template"),
    ("extensions/v1beta1", "Deployment", "spec.template"),
    ("extensions/v1beta1", "DaemonSet", "spec.template"),
    ("extensions/v1beta1", "ReplicaSet", "spec.template"),
    ("batch/v1", "Job", "spec.template"),
    ("batch/v1", "CronJob", "spec.jobTemplate.spec.template"),
    ("batch/v1beta1", "CronJob", "spec.jobTemplate.spec.template"),
]


def _wrapped(template: Json, api_version: str, kind: str, prefix: str) -> Json:
    inner: Json = template
    for step in reversed(prefix.split(".")):
        inner = {step: inner}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "app"}, **inner}


@pytest.mark.parametrize(("api_version", "kind", "prefix"), WORKLOADS, ids=lambda value: value)
@every_rule
def test_bad_fires_in_every_workload_with_the_right_prefix(
    rule: Rule, api_version: str, kind: str, prefix: str
) -> None:
    for case in examples.bad_pods(rule):
        obj = _wrapped(case.template(), api_version, kind, prefix)
        assert examples.paths(rule, case, obj) == [f"{prefix}.{path}" for path in case.at], case.name


@every_rule
def test_nothing_is_changed(rule: Rule) -> None:
    found = Examples.of(rule)
    for case in (*found.good, *found.bad):
        obj = examples.obj(case)
        before = copy.deepcopy(obj)
        examples.findings(rule, case, obj)
        assert obj == before, case.name


# What a rule says.


@every_rule
def test_what_it_says_is_recorded(rule: Rule) -> None:
    assert list(messages.of(rule)) == messages.recorded(rule), f"if it is better now: python -m {messages.__name__}"


@every_bad
def test_messages_name_the_container_on_one_line_without_a_full_stop(rule: Rule, case: Bad) -> None:
    obj = examples.obj(case)
    containers = {(*pod.prefix, *found.at()): found for pod in resource.read(obj).pods for found in pod.pod.containers}
    for found in examples.findings(rule, case, obj):
        assert found.message
        assert found.message.isprintable()
        assert not found.message.endswith(".")
        named = [container for at, container in containers.items() if found.path[: len(at)] == at]
        assert all(found.message.endswith(f"({container})") for container in named)


@every_bad
def test_paths_lead_to_what_is_there_or_to_fields_that_are_missing(rule: Rule, case: Bad) -> None:
    obj = examples.obj(case)
    for found in examples.findings(rule, case, obj):
        missing = _missing_end(obj, found.path)
        assert len(missing) < max(2, len(found.path))
        assert all(isinstance(step, str) for step in missing)


def _missing_end(obj: Any, path: Path) -> Path:
    """The steps of a path that lead nowhere."""
    for position, step in enumerate(path):
        if isinstance(obj, dict) and step not in obj:
            return path[position:]
        obj = obj[step] if obj is not None else None
    return ()


@every_rule
def test_values_are_shown_short_and_on_one_line(rule: Rule) -> None:
    ugly = "a\n\u202e\x00b" * 10_000
    for case in Examples.of(rule).bad:
        for obj in _with(examples.obj(case), ugly, only=str):
            for found in _findings_if_readable(rule, case, obj):
                assert len(found.message) <= 300, case.name
                assert found.message.isprintable(), case.name


# What a rule would write instead.


@every_bad
def test_every_fix_silences_its_finding_and_brings_no_other(rule: Rule, case: Bad) -> None:
    obj = examples.obj(case)
    found = examples.findings(rule, case, obj)
    engine = case.engine(rule)
    judged = resource.read(obj, requester=case.requester, before=case.before)
    for finding in found:
        edits = engine.edits(judged, finding)
        if patch := fix.operations(obj, edits):
            assert fix.holds(obj, judged, found, [finding], patch, engine), (finding.path, patch)


@every_bad
def test_the_fixes_together_make_what_the_example_says(rule: Rule, case: Bad) -> None:
    if case.fixed is None:
        return
    obj = examples.obj(case)
    engine = case.engine(rule)
    judged = resource.read(obj, requester=case.requester, before=case.before)
    edits = [edit for found in engine.evaluate(judged).findings for edit in engine.edits(judged, found)]
    fixed = patching.apply(obj, fix.operations(obj, edits))
    assert (fixed if case.object is not None else fixed["spec"]) == case.fixed


@every_rule
def test_a_rule_that_fixes_shows_it(rule: Rule) -> None:
    assert any(case.fixed is not None for case in Examples.of(rule).bad) == (rule.fixer is not None)


# Whatever an object holds, a rule raises nothing of its own.

HOSTILE: list[object] = [
    None, "", "a", 0, 1, -1, 1.5, 2**31, 2**63, 10**400, True, False, [], [None], [[]], [{}], {}, {"": None},
    {"a": {"a": {}}}, "\ud800", "\x00",
]  # fmt: skip


def _findings_if_readable(rule: Rule, case: Good, obj: Json) -> tuple[Finding, ...]:
    try:
        return examples.findings(rule, case, obj)
    except UnreadableObjectError:
        return ()


def _with(obj: Any, value: object, only: type = object) -> Iterator[Any]:
    """Copies of an object in each of which one thing is replaced by the value."""
    items = list(obj.items()) if isinstance(obj, dict) else list(enumerate(obj)) if isinstance(obj, list) else []
    for key, item in items:
        replaced = copy.copy(obj)
        if isinstance(item, only) and key not in ("apiVersion", "kind"):
            replaced[key] = value
            yield copy.copy(replaced)
        for below in _with(item, value, only):
            replaced[key] = below
            yield copy.copy(replaced)


@every_rule
def test_hostile_and_null_values_raise_nothing_but_unreadable(rule: Rule) -> None:
    for case in Examples.of(rule).bad:
        for value in HOSTILE:
            for obj in _with(examples.obj(case), value):
                _findings_if_readable(rule, case, obj)


# The rules of the Pod Security Standards.

STANDARD = """
apparmor                       baseline    high      v1.0
capabilities-added             baseline    high      v1.0
capabilities-added-strict      restricted  medium    v1.22  capabilities-added
capabilities-drop-all-missing  restricted  medium    v1.22
host-ipc                       baseline    high      v1.0
host-network                   baseline    high      v1.0
host-path                      baseline    high      v1.0
host-pid                       baseline    high      v1.0
host-port                      baseline    medium    v1.0
host-probe                     baseline    medium    v1.34
privilege-escalation           restricted  medium    v1.8
privileged                     baseline    critical  v1.0
proc-mount                     baseline    high      v1.0
run-as-non-root-missing        restricted  medium    v1.0
run-as-user-zero               restricted  high      v1.23
seccomp-unconfined             baseline    high      v1.0
seccomp-unset                  restricted  medium    v1.19  seccomp-unconfined
selinux                        baseline    high      v1.0
sysctls                        baseline    high      v1.0
volume-types                   restricted  medium    v1.0   host-path
windows-host-process           baseline    critical  v1.0
"""


def test_the_rules_of_the_standard_are_these() -> None:
    found = [
        [rule.id, str(rule.level), str(rule.severity), str(rule.since), *rule.replaces]
        for rule in registry.load()
        if rule.level is not None
    ]
    assert found == [line.split() for line in STANDARD.strip().splitlines()]


@every_rule
def test_rules_say_where_they_come_from(rule: Rule) -> None:
    assert rule.references
    assert len(set(rule.references)) == len(rule.references)
    if rule.level is not None:
        assert rule.references[0].startswith(f"PSS {rule.level}: ")


REFERENCE = re.compile(
    r"CIS (GKE )?\d+(\.\d+)+|CVE-\d{4}-\d{4,}|KEP-\d+|MITRE ATT&CK T\d{4}(\.\d{3})?"
    r"|(?!CIS |CVE|KEP|MITRE)[A-Za-z].{5,}"
)


@every_rule
def test_references_can_be_looked_up(rule: Rule) -> None:
    assert [each for each in rule.references if not REFERENCE.fullmatch(each)] == []


def test_titles_are_phrases_and_no_two_rules_share_one() -> None:
    titles = [rule.title for rule in registry.load()]
    assert [title for title in titles if not re.fullmatch(r"[A-Za-z/].{5,60}[^.]", title)] == []
    assert len(set(titles)) == len(titles)


@every_rule
def test_a_remediation_is_a_sentence(rule: Rule) -> None:
    assert re.fullmatch(r"[A-Z].{15,}\.", rule.remediation)
