"""What is read of a kind besides its pods. Where each keeps its pods is told by test_resource."""

import pytest

from policies import kinds, objects
from policies.identity import Kind
from policies.kinds import ANY, Place
from policies.objects import Object
from policies.pod import NAMES

BODIES: dict[type[Object], str] = {
    objects.Workload: (
        "/ReplicationController apps/Deployment apps/StatefulSet apps/DaemonSet apps/ReplicaSet extensions/Deployment "
        "extensions/DaemonSet extensions/ReplicaSet argoproj.io/Rollout apps.kruise.io/CloneSet "
        "apps.kruise.io/StatefulSet apps.kruise.io/DaemonSet"
    ),
    objects.Job: "batch/Job",
    objects.CronJob: "batch/CronJob",
    objects.Service: "/Service",
    objects.ConfigMap: "/ConfigMap",
    objects.Namespace: "/Namespace",
    objects.ServiceAccount: "/ServiceAccount",
    objects.PersistentVolume: "/PersistentVolume",
    objects.Ingress: "networking.k8s.io/Ingress extensions/Ingress",
    objects.NetworkPolicy: "networking.k8s.io/NetworkPolicy extensions/NetworkPolicy",
    objects.Role: "rbac.authorization.k8s.io/Role rbac.authorization.k8s.io/ClusterRole",
    objects.Binding: "rbac.authorization.k8s.io/RoleBinding rbac.authorization.k8s.io/ClusterRoleBinding",
    objects.PodDisruptionBudget: "policy/PodDisruptionBudget",
    objects.HorizontalPodAutoscaler: "autoscaling/HorizontalPodAutoscaler",
    objects.Scale: "autoscaling/Scale extensions/Scale apps/Scale",
}
#: Objects of these may name a pod that stands elsewhere.
OPTIONAL = (
    "apps.kruise.io/UnitedDeployment tekton.dev/TaskRun tekton.dev/Pipeline tekton.dev/PipelineRun "
    "argoproj.io/AnalysisTemplate argoproj.io/ClusterAnalysisTemplate serving.kserve.io/InferenceService"
)


def kind(text: str) -> Kind:
    return Kind(*text.split("/"))


def every(texts: str) -> set[Kind]:
    return {kind(text) for text in texts.split()}


@pytest.mark.parametrize(("body", "texts"), BODIES.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_what_is_read_of_it(body: type[Object], texts: str) -> None:
    assert {found for found, row in kinds._ROWS.items() if row.body is body} == every(texts)


def test_of_all_others_only_metadata_is_read() -> None:
    assert {row.body for row in kinds._ROWS.values()} == {*BODIES, Object}
    assert kinds.row_of(Kind("example.com", "Pod")) is ANY
    assert (ANY.places, ANY.body, ANY.optional) == ((), Object, False)


def test_which_need_not_hold_the_pods_that_they_are_about() -> None:
    assert {found for found, row in kinds._ROWS.items() if row.optional} == every(OPTIONAL)


@pytest.mark.parametrize(
    ("text", "must"),
    [
        ("/Pod", True),
        ("batch/CronJob", True),
        ("extensions/ReplicaSet", True),
        ("/Service", False),
        ("argoproj.io/Rollout", False),
        ("/Deployment", False),
        ("example.com/Pod", False),
    ],
)
def test_only_kubernetes_own_kinds_must_hold_a_pod(text: str, *, must: bool) -> None:
    assert kinds.must_hold_pods(kind(text)) is must


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("/Deployment", "apps/Deployment"),
        ("batch/Ingress", "networking.k8s.io/Ingress"),
        ("policy/Pod", "/Pod"),
        ("rbac.authorization.k8s.io/Job", "batch/Job"),
        ("autoscaling/Role", "rbac.authorization.k8s.io/Role"),
        ("networking.k8s.io/Service", "/Service"),
        ("extensions/CronJob", "batch/CronJob"),
        ("apps/PodDisruptionBudget", "policy/PodDisruptionBudget"),
    ],
)
def test_a_kind_of_kubernetes_in_another_of_its_groups_is_what_is_meant(text: str, meant: str) -> None:
    assert kinds.row_of(kind(text)).body is kinds.row_of(kind(meant)).body
    assert kinds.holds_pods(kind(text)) is kinds.holds_pods(kind(meant))


@pytest.mark.parametrize("text", ["/Rollout", "apps/CloneSet", "tekton.dev/Pod", "example.com/Deployment"])
def test_kinds_and_groups_of_others_are_taken_at_their_word(text: str) -> None:
    assert kinds.row_of(kind(text)) is ANY


def test_a_pod_is_its_own_place() -> None:
    assert kinds.row_of(Kind("", "Pod")).places == (Place((), NAMES),)
