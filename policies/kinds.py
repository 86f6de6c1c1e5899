"""Which kinds hold pods, and where: one row a kind.

The API version does not matter: apps/v1, apps/v1beta2 and extensions/v1beta1 keep the template in the same place.
"""

from dataclasses import dataclass
from typing import NamedTuple

from policies.pod import LISTS


class Kind(NamedTuple):
    """What AdmissionReview calls a GroupVersionKind, without the version."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}"[:200] if self.group else self.kind[:200]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Where a kind keeps its pods: paths to what has `metadata` and `spec`, where `*` stands for every item.

    `lists` is what the kind calls its lists of init, regular and ephemeral containers.
    """

    paths: tuple[tuple[str, ...], ...]
    lists: tuple[str, str, str] = LISTS


def _row(group: str, kind: str, *paths: str, lists: tuple[str, str, str] = LISTS) -> tuple[Kind, Row]:
    return Kind(group, kind), Row(tuple(tuple(path.split(".")) if path else () for path in paths), lists)


_BUILT_IN = dict(
    [
        _row("", "Pod", ""),
        _row("", "PodTemplate", "template"),
        _row("", "ReplicationController", "spec.template"),
        _row("apps", "Deployment", "spec.template"),
        _row("apps", "StatefulSet", "spec.template"),
        _row("apps", "DaemonSet", "spec.template"),
        _row("apps", "ReplicaSet", "spec.template"),
        _row("extensions", "Deployment", "spec.template"),
        _row("extensions", "DaemonSet", "spec.template"),
        _row("extensions", "ReplicaSet", "spec.template"),
        _row("batch", "Job", "spec.template"),
        _row("batch", "CronJob", "spec.jobTemplate.spec.template"),
    ]
)

# Kinds of other projects whose objects hold a whole pod template (or a pod's spec under their own `spec`).
# Not here are kinds that describe a pod in words of their own, such as KubeVirt's VirtualMachine, Argo's Workflow or
# Tekton's PipelineRun: the pods made for them are judged as pods.
_TEKTON = ("sidecars", "steps", "ephemeralContainers")
_THIRD_PARTY = dict(
    [
        _row("argoproj.io", "Rollout", "spec.template"),
        _row("apps.kruise.io", "CloneSet", "spec.template"),
        _row("apps.kruise.io", "StatefulSet", "spec.template"),
        _row("apps.kruise.io", "DaemonSet", "spec.template"),
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

#: The row of every kind that holds no pods.
NO_PODS = Row(())
_ROWS = {**_THIRD_PARTY, **_BUILT_IN}


def holds_pods(kind: Kind) -> bool:
    """Whether objects of this kind hold pods."""
    return kind in _ROWS


def row_of(kind: Kind) -> Row:
    """Where objects of this kind keep their pods; a row without paths for a kind that holds none."""
    return _ROWS.get(kind, NO_PODS)


def must_hold_pods(kind: Kind) -> bool:
    """Whether the API server refuses an object of this kind without a pod."""
    return kind in _BUILT_IN
