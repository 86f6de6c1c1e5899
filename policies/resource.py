"""Any Kubernetes object, and what is inside it: for each kind, one row says where its pods are.

A kind without a row holds no pod. The API version does not matter: apps/v1, apps/v1beta2 and extensions/v1beta1 keep
the template in the same place.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import msgspec

from policies.path import Path, render
from policies.pod import Pod, PodMeta, PodSpec


class UnreadableObjectError(Exception):
    """An object that cannot be understood: it says where, and what was expected there."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(f"{render(path) or 'the object'} {problem}")
        self.path = path
        self.problem = problem


class Kind(NamedTuple):
    """What AdmissionReview calls a GroupVersionKind, without the version."""

    group: str
    kind: str


class PodPath(NamedTuple):
    """Where a kind keeps a pod: the path to the object with `metadata` and `spec`; `*` stands for every item.

    `containers` renames the lists of kinds that call their containers otherwise.
    """

    path: Path
    containers: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class FoundPod:
    """A pod inside an object, and where it was found."""

    pod: Pod
    prefix: Path
    renamed: Mapping[str, str]

    def path(self, path: Path) -> Path:
        """A path from the pod's root, as a path from the object's root."""
        if self.renamed and len(path) > 1 and path[1] in self.renamed:
            path = (path[0], self.renamed[str(path[1])], *path[2:])
        return self.prefix + path


@dataclass(frozen=True, slots=True)
class Resource:
    """An object as it is judged."""

    api_version: str
    kind: str
    namespace: str
    name: str
    pods: tuple[FoundPod, ...]


def _row(group: str, kind: str, *paths: str, **containers: str) -> tuple[Kind, tuple[PodPath, ...]]:
    found = tuple(PodPath(tuple(path.split(".")) if path else (), containers) for path in paths)
    return Kind(group, kind), found


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
# KubeVirt's VirtualMachine is not here: its template describes a machine, and the pod made for it is judged as a pod.
_THIRD_PARTY = dict(
    [
        _row("argoproj.io", "Rollout", "spec.template"),
        _row("apps.kruise.io", "CloneSet", "spec.template"),
        _row("apps.kruise.io", "StatefulSet", "spec.template"),
        _row("apps.kruise.io", "DaemonSet", "spec.template"),
        _row("apps.kruise.io", "AdvancedCronJob", "spec.template.jobTemplate.spec.template"),
        _row("apps.kruise.io", "BroadcastJob", "spec.template"),
        _row("serving.knative.dev", "Service", "spec.template"),
        _row("serving.knative.dev", "Configuration", "spec.template"),
        _row("serving.knative.dev", "Revision", ""),
        _row("apps.openshift.io", "DeploymentConfig", "spec.template"),
        _row("keda.sh", "ScaledJob", "spec.jobTargetRef.template"),
        _row("tekton.dev", "Task", "", containers="steps", initContainers="sidecars"),
        _row("tekton.dev", "ClusterTask", "", containers="steps", initContainers="sidecars"),
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
        _row("batch.volcano.sh", "Job", "spec.tasks.*.template"),
        _row("agents.x-k8s.io", "Sandbox", "spec.podTemplate"),
    ]
)

_KINDS = {**_THIRD_PARTY, **_BUILT_IN}
_MAX_PODS = 1_000


def read(obj: Mapping[str, Any], kind: Kind | None = None) -> Resource:
    """Read an object decoded from JSON or YAML.

    `kind` is what the API server says the object is; without it the object's own words count.
    Raises UnreadableObjectError when a field that is judged cannot be understood.
    """
    api_version, own_kind = _text(obj, "apiVersion"), _text(obj, "kind")
    kind = kind or Kind(api_version.rpartition("/")[0], own_kind)
    meta = _mapping(obj, ("metadata",))
    found = tuple(_pods(obj, kind))
    return Resource(api_version, own_kind, _text(meta, "namespace"), _text(meta, "name"), found)


def holds_pods(kind: Kind) -> bool:
    """Whether objects of this kind hold pods."""
    return kind in _KINDS


def _pods(obj: Mapping[str, Any], kind: Kind) -> Iterator[FoundPod]:
    required = kind in _BUILT_IN
    count = 0
    for row in _KINDS.get(kind, ()):
        for prefix, holder in _walk(obj, (), row.path):
            if holder is None and not required:
                continue
            count += 1
            if count > _MAX_PODS:
                raise UnreadableObjectError(prefix, f"is one of more than {_MAX_PODS} pods in one object")
            yield _found(holder, prefix, row, kind)


def _walk(value: Any, prefix: Path, rest: Path) -> Iterator[tuple[Path, Any]]:
    if not rest or value is None:
        yield prefix + (() if value is not None or "*" in rest else rest), value
        return
    step, rest = rest[0], rest[1:]
    if step != "*":
        if not isinstance(value, dict):
            raise UnreadableObjectError(prefix, f"must be an object, not {_name(value)}")
        yield from _walk(value.get(step), (*prefix, step), rest)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _walk(item, (*prefix, key), rest)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _walk(item, (*prefix, index), rest)
    else:
        raise UnreadableObjectError(prefix, f"must be a list or an object, not {_name(value)}")


def _found(holder: Any, prefix: Path, row: PodPath, kind: Kind) -> FoundPod:
    if holder is None:
        raise UnreadableObjectError(prefix, f"is missing: without it this {kind.kind} cannot be judged")
    if not isinstance(holder, dict):
        raise UnreadableObjectError(prefix, f"must be an object, not {_name(holder)}")
    spec = holder.get("spec")
    if spec is None:
        raise UnreadableObjectError((*prefix, "spec"), f"is missing: without it this {kind.kind} cannot be judged")
    if row.containers and isinstance(spec, dict):
        spec = {**spec, **{name: spec.get(own) for name, own in row.containers.items()}}
    meta = _convert(holder.get("metadata") or {}, PodMeta, (*prefix, "metadata"), {})
    pod = Pod(_convert(spec, PodSpec, (*prefix, "spec"), row.containers), meta.annotations or {})
    return FoundPod(pod, prefix, row.containers)


T = TypeVar("T")

# What msgspec says: "Expected `bool`, got `str` - at `$.containers[0].securityContext.privileged`".
_MSGSPEC = re.compile(r"Expected `(?P<wanted>[^`]*)`, got `(?P<got>[^`]*)`(?: - at `(?P<at>[^`]*)`)?")
_MSGSPEC_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NAMES = {
    "object": "an object",
    "array": "a list",
    "str": "a string",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number with a fraction",
    "null": "null",
}


def _convert(value: Any, type_: type[T], at: Path, renamed: Mapping[str, str]) -> T:
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        match = _MSGSPEC.match(str(error))
        if match is None:
            raise UnreadableObjectError(at, f"cannot be read: {error}") from error
        steps = [
            renamed.get(key, key) if key else int(index) for key, index in _MSGSPEC_STEP.findall(match["at"] or "")
        ]
        wanted, got = match["wanted"].removesuffix(" | null"), match["got"]
        which = "must hold only values that are" if "[...]" in (match["at"] or "") else "must be"
        problem = f"{which} {_NAMES.get(wanted, wanted)}, not {_NAMES.get(got, got)}"
        raise UnreadableObjectError((*at, *steps), problem) from error


def _text(obj: Mapping[str, Any], key: str) -> str:
    value = obj.get(key)
    return value if isinstance(value, str) else ""


def _mapping(obj: Mapping[str, Any], path: Path) -> Mapping[str, Any]:
    value = obj.get(str(path[-1]))
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise UnreadableObjectError(path, f"must be an object, not {_name(value)}")
    return value


def _name(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number"}
    return names.get(type(value), "a number" if isinstance(value, float) else type(value).__name__)
