"""The same attack in other clothes: what an attacker can change at no cost, and whether it still is found.

Each function returns a changed copy of an object. None of them takes away what the attack needs.
"""

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy
from shlex import join
from typing import Any

from policies.risk.training.dataset import DISGUISED, Row, of_object
from policies.risk.training.synthetic import pod_spec, tidied

Json = dict[str, Any]
_PRIVATE = "registry.corp.example/platform/service:3.2.1"
_PUBLISHED = "registry.k8s.io/kube-proxy:v1.34.1"
_HARMLESS = {"name": "web", "image": "ghcr.io/acme/storefront:2.4.1", "ports": [{"containerPort": 8080}]}


def wrapped(obj: Json) -> Json:
    """The pod in a Deployment."""
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": deepcopy(pod_spec(obj))}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def in_init_containers(obj: Json) -> Json:
    """Everything that runs, before a harmless container."""
    changed = deepcopy(obj)
    spec = pod_spec(changed)
    spec["initContainers"] = [*(spec.get("initContainers") or []), *spec["containers"]]
    spec["containers"] = [dict(_HARMLESS)]
    return changed


def padded(obj: Json) -> Json:
    """Five harmless containers before it, with everything that careful authors write."""
    changed = deepcopy(obj)
    spec = pod_spec(changed)
    careful = {"resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, "securityContext": {"runAsNonRoot": True}}
    spec["containers"] = [*({**_HARMLESS, **careful, "name": f"web-{n}"} for n in range(5)), *spec["containers"]]
    return changed


def encoded(obj: Json) -> Json:
    """Each command as base64 that a shell decodes and runs."""
    changed = deepcopy(obj)
    for container in _containers(changed):
        words = [str(word) for word in [*(container.get("command") or []), *(container.get("args") or [])]]
        if words:
            hidden = b64encode(join(words).encode()).decode()
            container["command"], container["args"] = ["sh", "-c"], [f"echo {hidden} | base64 -d | sh"]
    return changed


def mirrored(obj: Json) -> Json:
    """Each image in a private registry, under its own name."""
    changed = deepcopy(obj)
    for container in _containers(changed):
        container["image"] = f"registry.corp.example/mirror/{str(container['image']).rpartition('/')[2]}"
    return changed


def private(obj: Json) -> Json:
    """Each image under a name in a registry of one's own."""
    return _renamed(obj, _PRIVATE)


def published(obj: Json) -> Json:
    """Each image under the name of a well-known publisher's, to which nobody else can push."""
    return _renamed(obj, _PUBLISHED)


def _renamed(obj: Json, image: str) -> Json:
    changed = deepcopy(obj)
    for container in _containers(changed):
        container["image"] = image
    return changed


def _containers(obj: Json) -> list[Json]:
    spec = pod_spec(obj)
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def _quiet(obj: Json) -> Json:
    return private(wrapped(tidied(obj)))


#: What is done to an attack, by what is said of it.
DISGUISES: Mapping[str, Callable[[Json], Json]] = {
    "as it is": deepcopy,
    "tidied: tags, limits, probes, labels": tidied,
    "wrapped in a Deployment": wrapped,
    "moved to init containers": in_init_containers,
    "padded with five harmless containers": padded,
    "commands hidden in base64": encoded,
    "images mirrored in a private registry, under their names": mirrored,
    "images renamed into a private registry": private,
    "images named like a known publisher's (who would have to be breached)": published,
    "tidied, in a Deployment, in a private registry, all at once": _quiet,
}

#: What the model learns from as well, each alone: what costs an attacker least.
LEARNED = (wrapped, in_init_containers, private)


def rows(attacks: Iterable[tuple[Row, Mapping[str, Any]]]) -> Iterator[Row]:
    """Marked copies of dangerous rows, with their objects, in each of these disguises, and nearly the same as they."""
    for row, obj in attacks:
        for change in LEARNED:
            source = f"{row.repository}@{DISGUISED}:{row.source.partition('@')[2]}/{change.__name__}"
            yield of_object(change(dict(obj)), source, True, DISGUISED, row.cluster, row.family)
