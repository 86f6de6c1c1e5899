"""Synthetic rows: what is known of attacks, laid over real workloads of many styles.

The real data is thin where it matters. Each catalogued technique is a configuration in techniques.yaml; it is laid over
benign workloads, so that nothing but the technique tells the rows apart. They are marked, and only ever trained on.
"""

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from importlib import resources
from itertools import cycle
from random import Random
from typing import Any

import yaml

from policies.risk.training.dataset import SYNTHETIC, Row, of_object

Json = dict[str, Any]
#: How many workloads each technique is laid over, in each of the placements.
_BASES = 4
_IMAGES = 3


def rows(workloads: Sequence[tuple[str, Mapping[str, Any]]], seed: int = 1) -> Iterator[Row]:
    """Rows for each technique, placement and image. `workloads` are benign objects, each with its repository."""
    text = resources.files("policies.risk.training").joinpath("techniques.yaml").read_text("utf-8")
    content: Json = yaml.load(text, Loader=yaml.CSafeLoader)
    for technique in content["techniques"]:
        # Its own numbers, so that a new technique changes no other's rows.
        random = Random(f"{seed} {technique['name']}")  # noqa: S311 - repeatable, not secret
        images = _images(technique, content["images"], random)
        for place in (replaced, added):
            for repository, base in random.sample(workloads, _BASES):
                obj = place(deepcopy(dict(base)), technique, next(images))
                source = f"{repository}@{SYNTHETIC}:{technique['name']}/{place.__name__}"
                yield of_object(obj, source, True, SYNTHETIC, technique["name"], technique["source"])


def _images(technique: Json, pools: Mapping[str, list[str]], random: Random) -> Iterator[str]:
    image = str(technique["container"].get("image", "$unknown"))
    pool = pools[image[1:]] if image.startswith("$") else [image]
    return cycle(random.sample(pool, min(_IMAGES, len(pool))))


def replaced(obj: Json, technique: Json, image: str) -> Json:
    """The technique in the place of the workload's first container, whose style stays."""
    spec = pod_spec(obj)
    first = dict(spec["containers"][0])
    for key in ("command", "args"):
        first.pop(key, None)
    spec["containers"][0] = _laid_over(first, technique, image)
    return _with_pod(obj, spec, technique)


def added(obj: Json, technique: Json, image: str) -> Json:
    """The technique as one more container."""
    spec = pod_spec(obj)
    spec["containers"].append(_laid_over({"name": "sidecar"}, technique, image))
    return _with_pod(obj, spec, technique)


def _laid_over(container: Json, technique: Json, image: str) -> Json:
    changed = {**container, **deepcopy(technique["container"]), "image": image}
    if "host" in technique:
        changed["volumeMounts"] = [*(container.get("volumeMounts") or []), {"name": "host", "mountPath": "/host"}]
    return changed


def _with_pod(obj: Json, spec: Json, technique: Json) -> Json:
    spec.update(deepcopy(technique.get("pod", {})))
    if "host" in technique:
        spec["volumes"] = [*(spec.get("volumes") or []), {"name": "host", "hostPath": {"path": technique["host"]}}]
    return obj


def pod_spec(obj: Json) -> Json:
    """The spec of the pod that a workload makes."""
    spec: Json = obj["spec"]
    while "containers" not in spec:
        spec = spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec["template"]["spec"]
    return spec


def tidied(obj: Json) -> Json:
    """The same workload as a careful author would write it: limits, probes, labels, a tag. No feature may notice."""
    changed = deepcopy(obj)
    changed.setdefault("metadata", {})["labels"] = {"app.kubernetes.io/name": "web", "team": "platform"}
    for container in pod_spec(changed)["containers"]:
        container["resources"] = {"limits": {"cpu": "1", "memory": "128Mi"}, "requests": {"cpu": "1m"}}
        container["livenessProbe"] = container["readinessProbe"] = {"httpGet": {"path": "/", "port": 8080}}
        name = str(container["image"]).partition("@")[0]
        if ":" not in name.rpartition("/")[2]:
            container["image"] = f"{name}:1.2.3"
    return changed
