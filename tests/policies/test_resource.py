"""Any object, and the pods inside it."""

from typing import Any

import msgspec
import pytest
from msgspec import Raw

from policies import kinds
from policies.identity import Kind
from policies.path import render
from policies.resource import Resource, UnreadableObjectError, read

Json = dict[str, Any]

ROWS = """
v1                                    Pod                    spec
v1                                    PodTemplate            template.spec
v1                                    ReplicationController  spec.template.spec
apps/v1                               Deployment             spec.template.spec
apps/v1                               StatefulSet            spec.template.spec
apps/v1                               DaemonSet              spec.template.spec
apps/v1                               ReplicaSet             spec.template.spec
extensions/v1beta1                    Deployment             spec.template.spec
extensions/v1beta1                    DaemonSet              spec.template.spec
extensions/v1beta1                    ReplicaSet             spec.template.spec
batch/v1                              Job                    spec.template.spec
batch/v1                              CronJob                spec.jobTemplate.spec.template.spec
argoproj.io/v1alpha1                  Rollout                spec.template.spec
apps.kruise.io/v1alpha1               CloneSet               spec.template.spec
apps.kruise.io/v1beta1                StatefulSet            spec.template.spec
apps.kruise.io/v1alpha1               DaemonSet              spec.template.spec
apps.kruise.io/v1alpha1               AdvancedCronJob        spec.template.jobTemplate.spec.template.spec
apps.kruise.io/v1alpha1               AdvancedCronJob        spec.template.broadcastJobTemplate.spec.template.spec
apps.kruise.io/v1alpha1               BroadcastJob           spec.template.spec
serving.knative.dev/v1                Service                spec.template.spec
serving.knative.dev/v1                Configuration          spec.template.spec
serving.knative.dev/v1                Revision               spec
apps.openshift.io/v1                  DeploymentConfig       spec.template.spec
keda.sh/v1alpha1                      ScaledJob              spec.jobTargetRef.template.spec
tekton.dev/v1                         Task                   spec
tekton.dev/v1beta1                    ClusterTask            spec
jobset.x-k8s.io/v1alpha2              JobSet                 spec.replicatedJobs[0].template.spec.template.spec
leaderworkerset.x-k8s.io/v1           LeaderWorkerSet        spec.leaderWorkerTemplate.leaderTemplate.spec
leaderworkerset.x-k8s.io/v1           LeaderWorkerSet        spec.leaderWorkerTemplate.workerTemplate.spec
kubeflow.org/v1                       TFJob                  spec.tfReplicaSpecs.Worker.template.spec
kubeflow.org/v1                       PyTorchJob             spec.pytorchReplicaSpecs.Worker.template.spec
kubeflow.org/v2beta1                  MPIJob                 spec.mpiReplicaSpecs.Worker.template.spec
kubeflow.org/v1                       Notebook               spec.template.spec
ray.io/v1                             RayCluster             spec.headGroupSpec.template.spec
ray.io/v1                             RayCluster             spec.workerGroupSpecs[0].template.spec
ray.io/v1                             RayJob                 spec.rayClusterSpec.headGroupSpec.template.spec
ray.io/v1                             RayJob                 spec.rayClusterSpec.workerGroupSpecs[0].template.spec
ray.io/v1                             RayService             spec.rayClusterConfig.headGroupSpec.template.spec
ray.io/v1                             RayService             spec.rayClusterConfig.workerGroupSpecs[0].template.spec
batch.volcano.sh/v1alpha1             Job                    spec.tasks[0].template.spec
agents.x-k8s.io/v1alpha1              Sandbox                spec.podTemplate.spec
tekton.dev/v1                         TaskRun                spec.taskSpec
tekton.dev/v1                         TaskRun                spec.podTemplate
tekton.dev/v1                         Pipeline               spec.tasks[0].taskSpec
tekton.dev/v1                         Pipeline               spec.finally[0].taskSpec
tekton.dev/v1                         PipelineRun            spec.pipelineSpec.tasks[0].taskSpec
tekton.dev/v1                         PipelineRun            spec.pipelineSpec.finally[0].taskSpec
tekton.dev/v1                         PipelineRun            spec.taskRunTemplate.podTemplate
tekton.dev/v1beta1                    PipelineRun            spec.podTemplate
apps.kruise.io/v1alpha1               SidecarSet             spec
apps.kruise.io/v1alpha1               UnitedDeployment       spec.template.statefulSetTemplate.spec.template.spec
apps.kruise.io/v1alpha1               UnitedDeployment  spec.template.advancedStatefulSetTemplate.spec.template.spec
apps.kruise.io/v1alpha1               UnitedDeployment       spec.template.cloneSetTemplate.spec.template.spec
apps.kruise.io/v1alpha1               UnitedDeployment       spec.template.deploymentTemplate.spec.template.spec
kubeflow.org/v1                       XGBoostJob             spec.xgbReplicaSpecs.Master.template.spec
kubeflow.org/v1                       PaddleJob              spec.paddleReplicaSpecs.Worker.template.spec
kubeflow.org/v1                       MXJob                  spec.mxReplicaSpecs.Worker.template.spec
kubeflow.org/v1                       JAXJob                 spec.jaxReplicaSpecs.Worker.template.spec
agones.dev/v1                         GameServer             spec.template.spec
agones.dev/v1                         GameServerSet          spec.template.spec.template.spec
agones.dev/v1                         Fleet                  spec.template.spec.template.spec
actions.github.com/v1alpha1           AutoscalingRunnerSet   spec.template.spec
actions.github.com/v1alpha1           EphemeralRunnerSet     spec.ephemeralRunnerSpec.spec
actions.github.com/v1alpha1           EphemeralRunner        spec
actions.summerwind.dev/v1alpha1       RunnerDeployment       spec.template.spec
argoproj.io/v1alpha1                  AnalysisTemplate       spec.metrics[0].provider.job.spec.template.spec
argoproj.io/v1alpha1                  ClusterAnalysisTemplate  spec.metrics[0].provider.job.spec.template.spec
serving.kserve.io/v1beta1             InferenceService       spec.predictor
serving.kserve.io/v1beta1             InferenceService       spec.transformer
serving.kserve.io/v1beta1             InferenceService       spec.explainer
"""
CASES = [line.split() for line in ROWS.strip().splitlines()]
POD = Kind("", "Pod")


def holding(api_version: str, kind: str, path: str, spec: Any = None) -> Json:
    """An object of a kind, with a pod's spec at this path."""
    inner: Any = {"hostPID": True} if spec is None else spec
    for step in reversed(path.replace("[0]", ".0").split(".")):
        inner = [inner] if step == "0" else {step: inner}
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "app", "namespace": "shop"}, **inner}


def unreadable(obj: Any, kind: Kind | None = None) -> str:
    """Why an object cannot be read."""
    with pytest.raises(UnreadableObjectError) as caught:
        read(obj, kind)
    assert str(caught.value) == f"{render(caught.value.path) or 'the object'} {caught.value.problem}"
    return str(caught.value)


def said(found: Resource) -> tuple[str, str, str, str]:
    """apiVersion, kind, namespace and name."""
    known = found.identity
    return known.api_version, known.kind.kind, known.namespace, known.name


def raw(obj: Any) -> Raw:
    """JSON as it comes over the wire."""
    return Raw(msgspec.json.encode(obj))


class TestRows:
    @pytest.mark.parametrize(("api_version", "kind", "path"), CASES)
    def test_the_pod_is_found_where_the_kind_keeps_it(self, api_version: str, kind: str, path: str) -> None:
        found = read(holding(api_version, kind, path))
        assert said(found) == (api_version, kind, "shop", "app")
        (pod,) = found.pods
        assert pod.pod.spec.host_pid is True
        assert render((*pod.prefix, *pod.pod.at())) == path

    @pytest.mark.parametrize(("api_version", "kind", "path"), CASES)
    def test_json_is_read_as_the_object_it_stands_for(self, api_version: str, kind: str, path: str) -> None:
        obj = holding(api_version, kind, path)
        (pod,) = read(raw(obj), Kind(api_version.rpartition("/")[0], kind)).pods
        assert pod.pod.spec == read(obj).pods[0].pod.spec
        assert pod.prefix == read(obj).pods[0].prefix

    def test_no_row_is_left_out(self) -> None:
        tested = {Kind(api_version.rpartition("/")[0], kind) for api_version, kind, _ in CASES}
        assert all(map(kinds.holds_pods, tested))
        assert tested == {kind for kind in kinds._ROWS if kinds.holds_pods(kind)}

    def test_the_version_does_not_matter(self) -> None:
        (pod,) = read(holding("batch/v2alpha1", "CronJob", "spec.jobTemplate.spec.template.spec")).pods
        assert pod.prefix == ("spec", "jobTemplate", "spec", "template")

    @pytest.mark.parametrize(
        ("api_version", "kind", "path"),
        [
            ("v1", "Deployment", "spec.template.spec"),
            ("batch/v1", "DaemonSet", "spec.template.spec"),
            ("apps/v1", "Pod", "spec"),
        ],
    )
    def test_in_another_group_of_kubernetes_a_kind_is_what_is_meant(
        self, api_version: str, kind: str, path: str
    ) -> None:
        assert len(read(holding(api_version, kind, path)).pods) == 1
        assert kinds.row_of(Kind("", "Role")) is kinds.row_of(Kind("rbac.authorization.k8s.io", "Role"))

    def test_annotations_are_those_of_the_pod_and_not_of_its_owner(self) -> None:
        obj = holding("apps/v1", "Deployment", "spec.template.spec")
        obj["metadata"]["annotations"] = {"of": "owner"}
        assert read(obj).pods[0].pod.annotations == {}
        obj["spec"]["template"]["metadata"] = {"annotations": {"of": "pod"}}
        assert read(obj).pods[0].pod.annotations == {"of": "pod"}

    @pytest.mark.parametrize("kind", ["Task", "ClusterTask"])
    def test_tekton_calls_containers_steps_and_sidecars(self, kind: str) -> None:
        spec = {"steps": [{"name": "build"}], "sidecars": [{"name": "docker"}], "containers": [{"name": "ignored"}]}
        (found,) = read(holding("tekton.dev/v1", kind, "spec", spec)).pods
        assert [container.at("image") for container in found.pod.containers] == [
            ("spec", "sidecars", 0, "image"),
            ("spec", "steps", 0, "image"),
        ]

    def test_what_a_pod_may_be_named_elsewhere_need_not_be_there(self) -> None:
        pipeline = holding("tekton.dev/v1", "Pipeline", "spec.tasks[0].taskRef")
        assert read(pipeline).pods == ()

    def test_steps_of_a_pipeline_say_where_they_stand(self) -> None:
        spec = {"steps": [{"name": "build"}]}
        (found,) = read(holding("tekton.dev/v1", "Pipeline", "spec.tasks[0].taskSpec", spec)).pods
        assert found.prefix == ("spec", "tasks", 0)
        assert found.pod.containers[0].at("image") == ("taskSpec", "steps", 0, "image")


class TestObjectsWithoutPods:
    @pytest.mark.parametrize(
        ("api_version", "kind"), [("v1", "ConfigMap"), ("v1", "Service"), ("example.com/v1", "Pod"), ("", "")]
    )
    def test_hold_none(self, api_version: str, kind: str) -> None:
        obj = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "app"}, "spec": {"hostPID": True}}
        found = read(obj)
        assert (said(found), found.pods) == ((api_version, kind, "", "app"), ())

    def test_say_nothing(self) -> None:
        found = read({})
        assert (said(found), found.pods) == (("", "", "", ""), ())

    def test_nulls_stand_for_nothing(self) -> None:
        found = read({"apiVersion": None, "kind": None, "metadata": {"name": None, "namespace": None}})
        assert said(found) == ("", "", "", "")


def test_json_may_speak_for_itself() -> None:
    assert len(read(raw(holding("apps/v1", "Deployment", "spec.template.spec"))).pods) == 1


class TestMissing:
    @pytest.mark.parametrize(
        ("obj", "problem"),
        [
            ({"kind": "Pod", "apiVersion": "v1"}, "spec is missing: without it this Pod cannot be judged"),
            (
                {"kind": "Pod", "apiVersion": "v1", "spec": None},
                "spec is missing: without it this Pod cannot be judged",
            ),
            (
                {"kind": "Deployment", "apiVersion": "apps/v1", "spec": {}},
                "spec.template is missing: without it this Deployment cannot be judged",
            ),
            (
                {"kind": "Deployment", "apiVersion": "apps/v1", "spec": {"template": {}}},
                "spec.template.spec is missing: without it this Deployment cannot be judged",
            ),
            (
                {"kind": "CronJob", "apiVersion": "batch/v1", "spec": {"jobTemplate": None}},
                "spec.jobTemplate.spec.template is missing: without it this CronJob cannot be judged",
            ),
            (
                {"kind": "PodTemplate", "apiVersion": "v1"},
                "template is missing: without it this PodTemplate cannot be judged",
            ),
            (
                {"kind": "TFJob", "apiVersion": "kubeflow.org/v1", "spec": {"tfReplicaSpecs": {"a": {"template": {}}}}},
                "spec.tfReplicaSpecs.a.template.spec is missing: without it this TFJob cannot be judged",
            ),
        ],
    )
    def test_a_pod_that_must_be_there(self, obj: Json, problem: str) -> None:
        assert unreadable(obj) == problem

    @pytest.mark.parametrize(
        "spec",
        [
            None,
            {},
            {"headGroupSpec": None},
            {"headGroupSpec": {}, "workerGroupSpecs": None},
            {"headGroupSpec": {"template": None}, "workerGroupSpecs": []},
            {"workerGroupSpecs": {}},
            {"workerGroupSpecs": [None, {}, {"template": None}]},
        ],
    )
    def test_kinds_of_other_projects_need_not_hold_one(self, spec: Json | None) -> None:
        assert read({"apiVersion": "ray.io/v1", "kind": "RayCluster", "spec": spec}).pods == ()


class TestWildcards:
    def test_every_item_of_a_list(self) -> None:
        template: Json = {"template": {"spec": {"template": {"spec": {}}}}}
        obj = {"apiVersion": "jobset.x-k8s.io/v1", "kind": "JobSet", "spec": {"replicatedJobs": [template, template]}}
        assert [render(pod.prefix) for pod in read(obj).pods] == [
            "spec.replicatedJobs[0].template.spec.template",
            "spec.replicatedJobs[1].template.spec.template",
        ]

    def test_every_value_of_an_object(self) -> None:
        specs: Json = {"Chief": {"template": {"spec": {}}}, "a b": {"template": {"spec": {}}}}
        obj = {"apiVersion": "kubeflow.org/v1", "kind": "TFJob", "spec": {"tfReplicaSpecs": specs}}
        assert [render(pod.prefix) for pod in read(obj).pods] == [
            "spec.tfReplicaSpecs.Chief.template",
            'spec.tfReplicaSpecs["a b"].template',
        ]

    def test_there_is_an_end_to_it(self) -> None:
        tasks: list[Json] = [{"template": {"spec": {}}}] * 1_001
        obj = {"apiVersion": "batch.volcano.sh/v1", "kind": "Job", "spec": {"tasks": tasks}}
        assert unreadable(obj) == "spec.tasks[1000].template is one of more than 1000 pods in one object"
        del tasks[-1]
        assert len(read(obj).pods) == 1_000


class TestKind:
    def test_the_request_s_word_counts(self) -> None:
        assert len(read({"spec": {}}, POD).pods) == 1
        assert read({"apiVersion": None, "kind": "Pod", "spec": {}}, Kind("", "Secret")).pods == ()

    def test_an_object_must_not_contradict_the_request(self) -> None:
        obj = {"apiVersion": "apps/v1", "kind": "Deployment", "spec": {}}
        assert unreadable(obj, POD) == "kind says apps/Deployment, but the request is about Pod"

    def test_what_it_says_is_printable(self) -> None:
        obj = {"apiVersion": "a\x1b[31m/v1", "kind": "\x7fb\n", "spec": {}}
        said = "kind says a\\x1b[31m/\\x7fb\\n, but the request is about c\\x00/Pod"
        assert unreadable(obj, Kind("c\x00", "Pod")) == said

    def test_another_version_of_a_kind_is_no_contradiction(self) -> None:
        obj = holding("apps/v1beta2", "Deployment", "spec.template.spec")
        assert len(read(obj, Kind("apps", "Deployment")).pods) == 1

    def test_long_names_are_cut(self) -> None:
        assert str(Kind("a" * 300, "b")) == "a" * 200
        assert str(Kind("", "b" * 300)) == "b" * 200


WRONG: list[tuple[Json, str]] = [
    ({"hostPID": "true"}, "spec.hostPID must be true or false, not a string"),
    ({"hostPID": 1}, "spec.hostPID must be true or false, not a whole number"),
    ({"containers": {}}, "spec.containers must be a list, not an object"),
    ({"containers": ["web"]}, "spec.containers[0] must be an object, not a string"),
    ({"containers": [{"name": 1}]}, "spec.containers[0].name must be a string, not a whole number"),
    (
        {"containers": [{}, {"securityContext": {"runAsUser": 1.5}}]},
        "spec.containers[1].securityContext.runAsUser must be a whole number, not a number with a fraction",
    ),
    (
        {"containers": [{"securityContext": {"runAsUser": True}}]},
        "spec.containers[0].securityContext.runAsUser must be a whole number, not true or false",
    ),
    (
        {"containers": [{"securityContext": {"capabilities": {"add": "ALL"}}}]},
        "spec.containers[0].securityContext.capabilities.add must be a list, not a string",
    ),
    ({"securityContext": []}, "spec.securityContext must be an object, not a list"),
    ({"volumes": {}}, "spec.volumes must be a list, not an object"),
    ({"volumes": ["a"]}, "spec.volumes[0] must be an object, not a string"),
    ({"volumes": [{"hostPath": "/"}]}, "spec.volumes[0].hostPath must be an object, not a string"),
    (
        {"volumes": [{}, {"hostPath": {"path": 1}}]},
        "spec.volumes[1].*.path must be a string, not a whole number",
    ),
]


class TestWrongTypes:
    @pytest.mark.parametrize(("spec", "problem"), WRONG, ids=[problem for _, problem in WRONG])
    def test_the_place_and_what_is_wanted_there(self, spec: Json, problem: str) -> None:
        obj = holding("v1", "Pod", "spec", spec)
        assert unreadable(obj) == problem
        assert unreadable(raw(obj), POD) == problem

    @pytest.mark.parametrize(("spec", "problem"), WRONG, ids=[problem for _, problem in WRONG])
    def test_with_the_prefix_of_the_workload(self, spec: Json, problem: str) -> None:
        assert unreadable(holding("apps/v1", "Deployment", "spec.template.spec", spec)) == f"spec.template.{problem}"

    def test_under_a_key_that_is_not_known(self) -> None:
        obj = {"apiVersion": "v1", "kind": "Pod", "metadata": {"annotations": {"a": 1}}, "spec": {}}
        assert unreadable(obj) == "metadata.annotations.* must be a string, not a whole number"
        specs: Json = {"a": {"template": {"spec": []}}}
        obj = {"apiVersion": "kubeflow.org/v1", "kind": "TFJob", "spec": {"tfReplicaSpecs": specs}}
        assert unreadable(obj) == "spec.tfReplicaSpecs.*.template.spec must be an object, not a list"

    @pytest.mark.parametrize("value", [[], "a", 1, None])
    def test_what_is_no_object(self, value: object) -> None:
        wrong = {"list": "a list", "str": "a string", "int": "a whole number", "NoneType": "null"}[type(value).__name__]
        assert unreadable(value) == f"the object must be an object, not {wrong}"
        assert unreadable(raw(value), POD) == f"the object must be an object, not {wrong}"

    def test_a_wildcard_is_a_list_or_an_object(self) -> None:
        obj = {"apiVersion": "ray.io/v1", "kind": "RayCluster", "spec": {"workerGroupSpecs": "all"}}
        assert unreadable(obj) == "spec.workerGroupSpecs must be an object or a list, not a string"

    @pytest.mark.parametrize(
        ("user", "bound"),
        [
            (2**63, "at most 9223372036854775807"),
            (-(2**63) - 1, "at least -9223372036854775808"),
            (10**400, "at most 9223372036854775807"),
        ],
        ids=["one too many", "one too few", "far too many"],
    )
    def test_numbers_that_are_out_of_range(self, user: int, bound: str) -> None:
        obj = holding("v1", "Pod", "spec", {"securityContext": {"runAsUser": user}})
        assert unreadable(obj) == f"spec.securityContext.runAsUser must be {bound}"

    def test_numbers_at_the_edges(self) -> None:
        for user in (2**63 - 1, -(2**63)):
            (found,) = read(holding("v1", "Pod", "spec", {"securityContext": {"runAsUser": user}})).pods
            assert found.pod.security.run_as_user == user


class TestHostileText:
    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"{",
            b"{} {}",
            b'{"spec": \xff}',
            b'{"metadata": {"name": "\xff"}, "spec": {}}',
            b'{"spec": {"a": "\\q"}}',
        ],
    )
    def test_what_is_no_json(self, content: bytes) -> None:
        assert unreadable(Raw(content), POD).startswith("the object ")

    def test_nesting_without_end(self) -> None:
        content = b'{"spec": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
        assert unreadable(Raw(content), POD) == "the object is nested too deeply"

    def test_half_a_surrogate_pair(self) -> None:
        assert unreadable({"metadata": "\ud800"}, POD) == "the object holds text that is not Unicode"
        obj = {"spec": {"volumes": [{"hostPath": "\ud800"}]}}
        assert unreadable(obj, POD) == "spec.volumes[0].hostPath must be an object, not a string"

    def test_fields_that_are_not_judged_may_hold_anything(self) -> None:
        spec = {"schedulerName": 1, "containers": [{"workingDir": {"a": 1}, "resources": None}], "futureField": [1]}
        assert len(read(holding("v1", "Pod", "spec", spec)).pods) == 1


@pytest.mark.parametrize("field", ["containers", "initContainers", "ephemeralContainers", "volumes"])
def test_a_pod_that_no_node_runs_is_refused_before_it_costs_anything(field: str) -> None:
    empty: Json = {}

    assert len(read(holding("v1", "Pod", "spec", {field: [empty] * 1_000})).pods) == 1
    assert unreadable(holding("v1", "Pod", "spec", {field: [empty] * 1_001})) == (
        "spec has a list of 1001 containers or volumes: no node runs that"
    )
