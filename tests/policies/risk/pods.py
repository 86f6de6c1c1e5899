"""Pods to be looked at, and what the classifier sees of them."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from policies import resource
from policies.identity import Kind
from policies.resource import Resource, UnreadableObjectError
from policies.risk import classifier
from policies.risk.features import Features
from policies.risk.observe import Observer
from tests.reviews import RECORDED

Json = dict[str, Any]
#: An image of which nothing is to be said: it has a purpose of its own, and a known publisher.
AGENT = "quay.io/cilium/cilium:v1.16.1"
_BUNDLED = Path(__file__).parents[3] / "manifests" / "examples"
#: The built-in workloads, and where each keeps its pod.
WORKLOADS = {
    ("v1", "ReplicationController"): "spec.template",
    ("v1", "PodTemplate"): "template",
    ("apps/v1", "Deployment"): "spec.template",
    ("apps/v1", "ReplicaSet"): "spec.template",
    ("apps/v1", "StatefulSet"): "spec.template",
    ("apps/v1", "DaemonSet"): "spec.template",
    ("batch/v1", "Job"): "spec.template",
    ("batch/v1", "CronJob"): "spec.jobTemplate.spec.template",
}


def workload(
    spec: Json, *, kind: tuple[str, str] = ("apps/v1", "Deployment"), annotations: dict[str, str] | None = None
) -> Json:
    """An object that makes pods of this spec. The image of a container that names none is that of an agent."""
    lists = {name: [_with_image(each) for each in spec[name]] for name in _LISTS if spec.get(name)}
    inside: Json = {"metadata": {"annotations": annotations or {}}, "spec": {**spec, **lists}}
    if kind == ("v1", "Pod"):
        return {"apiVersion": "v1", "kind": "Pod", **inside, "metadata": {"name": "x", **inside["metadata"]}}
    for step in reversed(WORKLOADS[kind].split(".")):
        inside = {step: inside}
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": {"name": "x"}, **inside}


_LISTS = ("containers", "initContainers", "ephemeralContainers")


def _with_image(container: Json | None) -> Json | None:
    return None if container is None else {"image": AGENT, **container}


def features(obj: Json, without: frozenset[str] = frozenset()) -> Features:
    """What is seen of the only pod of an object, in whichever of its containers."""
    [found] = resource.read(obj).pods
    return Observer.shipped().observe(found.pod, without)


def each(obj: Json) -> list[Features]:
    """What is seen of each container of the only pod of an object."""
    [found] = resource.read(obj).pods
    return Observer.shipped().each(found.pod)


def seen(*containers: Json | None, **spec: Any) -> Features:
    """What is seen of a pod with these containers, whatever looks after it."""
    return features(workload({"containers": list(containers), **spec}))


def log_odds(obj: Json) -> float:
    """How risky the shipped model finds the only pod of an object."""
    return classifier.shipped().riskiest(each(obj))[0]


def readable(obj: Json) -> Resource | None:
    try:
        return resource.read(obj)
    except UnreadableObjectError:
        return None


@cache
def real() -> dict[str, Json]:
    """Objects with a pod: the bundled examples, and what an API server sent once. By where they come from."""
    bundled = {
        f"{file.stem}-{number}": obj
        for file in sorted(_BUNDLED.glob("*.yaml"))
        for number, obj in enumerate(yaml.safe_load_all(file.read_text("utf-8")))
    }
    recorded = {file.stem: json.loads(file.read_bytes())["request"]["object"] for file in sorted(RECORDED.glob("*"))}
    every = {**bundled, **recorded}
    return {
        name: obj
        for name, obj in every.items()
        if obj and (found := readable(obj)) is not None and len(found.pods) == 1
    }


def pod_of(obj: Json) -> Json:
    """Where the pod of an object stands: its metadata and spec."""
    found = obj.get("spec", obj)
    if "containers" in found:
        return obj
    if obj["kind"] == "PodTemplate":
        return obj["template"]  # type: ignore[no-any-return]
    found = found["jobTemplate"]["spec"] if "jobTemplate" in found else found
    return found["template"]  # type: ignore[no-any-return]


def kind_of(api_version: str, kind: str) -> Kind:
    return Kind(api_version.rpartition("/")[0], kind)
