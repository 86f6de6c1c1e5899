"""What is read of each kind, and where the kinds that hold pods keep them: one row a kind.

The API version does not matter: apps/v1, apps/v1beta2 and extensions/v1beta1 keep the template in the same place.
"""

from dataclasses import dataclass
from typing import NamedTuple

from policies import objects
from policies.identity import Kind
from policies.objects import Object
from policies.pod import NAMES, Names


class Place(NamedTuple):
    """Where a kind keeps a pod: the path to what has the pod's spec, and its metadata; `*` stands for every item.

    `names` says what spec and containers are called there.
    """

    path: tuple[str, ...]
    names: Names = NAMES


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What is judged of a kind, and where it keeps its pods.

    `body` is the type that says what is read of the object besides pods. `optional`: it may as well name a pod that
    stands elsewhere.
    """

    places: tuple[Place, ...] = ()
    body: type[Object] = Object
    optional: bool = False


def _row(
    group: str, kind: str, *places: str | Place, body: type[Object] = Object, optional: bool = False
) -> tuple[Kind, Row]:
    at = tuple(_at(place) if isinstance(place, str) else place for place in places)
    return Kind(group, kind), Row(at, body, optional)


def _at(path: str, names: Names = NAMES) -> Place:
    return Place(tuple(path.split(".")) if path else (), names)


_BUILT_IN = dict(
    [
        _row("", "Pod", ""),
        _row("", "PodTemplate", "template"),
        _row("", "ReplicationController", "spec.template", body=objects.Workload),
        _row("apps", "Deployment", "spec.template", body=objects.Workload),
        _row("apps", "StatefulSet", "spec.template", body=objects.Workload),
        _row("apps", "DaemonSet", "spec.template", body=objects.Workload),
        _row("apps", "ReplicaSet", "spec.template", body=objects.Workload),
        _row("extensions", "Deployment", "spec.template", body=objects.Workload),
        _row("extensions", "DaemonSet", "spec.template", body=objects.Workload),
        _row("extensions", "ReplicaSet", "spec.template", body=objects.Workload),
        _row("batch", "Job", "spec.template", body=objects.Job),
        _row("batch", "CronJob", "spec.jobTemplate.spec.template", body=objects.CronJob),
    ]
)

# Kinds of other projects whose objects hold a whole pod template, or a pod's spec under a name of their own.
# docs/check.md says which describe a pod in words of their own and are not read: pods made for them are judged as pods.
_STEPS = Names("spec", "sidecars", "steps")
_TASK = Names("taskSpec", "sidecars", "steps")
_THIRD_PARTY = dict(
    [
        _row("argoproj.io", "Rollout", "spec.template", body=objects.Workload),
        _row("apps.kruise.io", "CloneSet", "spec.template", body=objects.Workload),
        _row("apps.kruise.io", "StatefulSet", "spec.template", body=objects.Workload),
        _row("apps.kruise.io", "DaemonSet", "spec.template", body=objects.Workload),
        _row(
            "apps.kruise.io",
            "AdvancedCronJob",
            "spec.template.jobTemplate.spec.template",
            "spec.template.broadcastJobTemplate.spec.template",
        ),
        _row("apps.kruise.io", "BroadcastJob", "spec.template"),
        _row("apps.kruise.io", "SidecarSet", ""),
        _row(
            "apps.kruise.io",
            "UnitedDeployment",
            "spec.template.statefulSetTemplate.spec.template",
            "spec.template.advancedStatefulSetTemplate.spec.template",
            "spec.template.cloneSetTemplate.spec.template",
            "spec.template.deploymentTemplate.spec.template",
            optional=True,
        ),
        _row("serving.knative.dev", "Service", "spec.template"),
        _row("serving.knative.dev", "Configuration", "spec.template"),
        _row("serving.knative.dev", "Revision", ""),
        _row("apps.openshift.io", "DeploymentConfig", "spec.template"),
        _row("keda.sh", "ScaledJob", "spec.jobTargetRef.template"),
        _row("tekton.dev", "Task", _at("", _STEPS)),
        _row("tekton.dev", "ClusterTask", _at("", _STEPS)),
        _row("tekton.dev", "TaskRun", _at("spec", _TASK), _at("spec", Names("podTemplate")), optional=True),
        _row("tekton.dev", "Pipeline", _at("spec.tasks.*", _TASK), _at("spec.finally.*", _TASK), optional=True),
        _row(
            "tekton.dev",
            "PipelineRun",
            _at("spec.pipelineSpec.tasks.*", _TASK),
            _at("spec.pipelineSpec.finally.*", _TASK),
            _at("spec.taskRunTemplate", Names("podTemplate")),
            _at("spec", Names("podTemplate")),
            optional=True,
        ),
        _row("jobset.x-k8s.io", "JobSet", "spec.replicatedJobs.*.template.spec.template"),
        _row(
            "leaderworkerset.x-k8s.io",
            "LeaderWorkerSet",
            "spec.leaderWorkerTemplate.leaderTemplate",
            "spec.leaderWorkerTemplate.workerTemplate",
        ),
        _row("kubeflow.org", "TFJob", "spec.tfReplicaSpecs.*.template"),
        _row("kubeflow.org", "PyTorchJob", "spec.pytorchReplicaSpecs.*.template"),
        _row("kubeflow.org", "MPIJob", "spec.mpiReplicaSpecs.*.template"),
        _row("kubeflow.org", "XGBoostJob", "spec.xgbReplicaSpecs.*.template"),
        _row("kubeflow.org", "PaddleJob", "spec.paddleReplicaSpecs.*.template"),
        _row("kubeflow.org", "MXJob", "spec.mxReplicaSpecs.*.template"),
        _row("kubeflow.org", "JAXJob", "spec.jaxReplicaSpecs.*.template"),
        _row("kubeflow.org", "Notebook", "spec.template"),
        _row("ray.io", "RayCluster", "spec.headGroupSpec.template", "spec.workerGroupSpecs.*.template"),
        _row(
            "ray.io",
            "RayJob",
            "spec.rayClusterSpec.headGroupSpec.template",
            "spec.rayClusterSpec.workerGroupSpecs.*.template",
        ),
        _row(
            "ray.io",
            "RayService",
            "spec.rayClusterConfig.headGroupSpec.template",
            "spec.rayClusterConfig.workerGroupSpecs.*.template",
        ),
        _row("batch.volcano.sh", "Job", "spec.tasks.*.template"),
        _row("agents.x-k8s.io", "Sandbox", "spec.podTemplate"),
        _row("agones.dev", "GameServer", "spec.template"),
        _row("agones.dev", "GameServerSet", "spec.template.spec.template"),
        _row("agones.dev", "Fleet", "spec.template.spec.template"),
        _row("actions.github.com", "AutoscalingRunnerSet", "spec.template"),
        _row("actions.github.com", "EphemeralRunnerSet", "spec.ephemeralRunnerSpec"),
        _row("actions.github.com", "EphemeralRunner", ""),
        _row("actions.summerwind.dev", "RunnerDeployment", "spec.template"),
        _row("argoproj.io", "AnalysisTemplate", "spec.metrics.*.provider.job.spec.template", optional=True),
        _row("argoproj.io", "ClusterAnalysisTemplate", "spec.metrics.*.provider.job.spec.template", optional=True),
        _row(
            "serving.kserve.io",
            "InferenceService",
            _at("spec", Names("predictor")),
            _at("spec", Names("transformer")),
            _at("spec", Names("explainer")),
            optional=True,
        ),
    ]
)

_WITHOUT_PODS = dict(
    [
        _row("", "Service", body=objects.Service),
        _row("", "ConfigMap", body=objects.ConfigMap),
        _row("", "Namespace", body=objects.Namespace),
        _row("", "ServiceAccount", body=objects.ServiceAccount),
        _row("", "PersistentVolume", body=objects.PersistentVolume),
        _row("networking.k8s.io", "Ingress", body=objects.Ingress),
        _row("extensions", "Ingress", body=objects.Ingress),
        _row("networking.k8s.io", "NetworkPolicy", body=objects.NetworkPolicy),
        _row("extensions", "NetworkPolicy", body=objects.NetworkPolicy),
        _row("rbac.authorization.k8s.io", "Role", body=objects.Role),
        _row("rbac.authorization.k8s.io", "ClusterRole", body=objects.Role),
        _row("rbac.authorization.k8s.io", "RoleBinding", body=objects.Binding),
        _row("rbac.authorization.k8s.io", "ClusterRoleBinding", body=objects.Binding),
        _row("policy", "PodDisruptionBudget", body=objects.PodDisruptionBudget),
        _row("autoscaling", "HorizontalPodAutoscaler", body=objects.HorizontalPodAutoscaler),
        _row("autoscaling", "Scale", body=objects.Scale),
        _row("extensions", "Scale", body=objects.Scale),
        _row("apps", "Scale", body=objects.Scale),
    ]
)

#: The row of every other kind: its metadata is judged.
ANY = Row()
_ROWS = {**_THIRD_PARTY, **_WITHOUT_PODS, **_BUILT_IN}
#: Kubernetes' own kinds by name alone: a file that says v1 of a Deployment is applied once its group is corrected.
_OWN = {kind.kind: row for kind, row in {**_WITHOUT_PODS, **_BUILT_IN}.items()}
_OWN_GROUPS = frozenset(kind.group for kind in (*_WITHOUT_PODS, *_BUILT_IN))


def holds_pods(kind: Kind) -> bool:
    """Whether objects of this kind hold pods."""
    return bool(row_of(kind).places)


def row_of(kind: Kind) -> Row:
    """What is judged of objects of this kind. Where a group of Kubernetes lacks it, the kind that is meant counts."""
    found = _ROWS.get(kind)
    if found is None and kind.group in _OWN_GROUPS:
        found = _OWN.get(kind.kind)
    return found if found is not None else ANY


def must_hold_pods(kind: Kind) -> bool:
    """Whether the API server refuses an object of this kind without a pod."""
    return kind in _BUILT_IN
