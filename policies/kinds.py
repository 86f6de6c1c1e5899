"""What is read of each kind, and where the kinds that hold pods keep them: one row a kind.

The API version does not matter: apps/v1, apps/v1beta2 and extensions/v1beta1 keep the template in the same place.
"""

from dataclasses import dataclass

from policies import objects
from policies.identity import Kind
from policies.objects import Object
from policies.pod import LISTS


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What is judged of a kind, and where it keeps its pods.

    `paths` lead to what has `metadata` and `spec` of a pod; `*` stands for every item. `body` is the type that says
    what else is read of the object. `lists` is what the kind calls its lists of init, regular and ephemeral containers.
    """

    paths: tuple[tuple[str, ...], ...] = ()
    body: type[Object] = Object
    lists: tuple[str, str, str] = LISTS


def _row(
    group: str, kind: str, *paths: str, body: type[Object] = Object, lists: tuple[str, str, str] = LISTS
) -> tuple[Kind, Row]:
    return Kind(group, kind), Row(tuple(tuple(path.split(".")) if path else () for path in paths), body, lists)


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

# Kinds of other projects whose objects hold a whole pod template (or a pod's spec under their own `spec`).
# Not here are kinds that describe a pod in words of their own, such as KubeVirt's VirtualMachine, Argo's Workflow or
# Tekton's PipelineRun: the pods made for them are judged as pods.
_TEKTON = ("sidecars", "steps", "ephemeralContainers")
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
        _row("serving.knative.dev", "Service", "spec.template"),
        _row("serving.knative.dev", "Configuration", "spec.template"),
        _row("serving.knative.dev", "Revision", ""),
        _row("apps.openshift.io", "DeploymentConfig", "spec.template"),
        _row("keda.sh", "ScaledJob", "spec.jobTargetRef.template"),
        _row("tekton.dev", "Task", "", lists=_TEKTON),
        _row("tekton.dev", "ClusterTask", "", lists=_TEKTON),
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


def holds_pods(kind: Kind) -> bool:
    """Whether objects of this kind hold pods."""
    return bool(row_of(kind).paths)


def row_of(kind: Kind) -> Row:
    """What is judged of objects of this kind."""
    return _ROWS.get(kind, ANY)


def must_hold_pods(kind: Kind) -> bool:
    """Whether the API server refuses an object of this kind without a pod."""
    return kind in _BUILT_IN
