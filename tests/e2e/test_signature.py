"""What a signature covers reads the same in a manifest and in the object that a real API server makes of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec import Raw
from msgspec import json as encoding

from policies import config, covered, registry, resource
from policies.overrides import Override
from tests.policies import examples
from webhook.updates import with_values

from .cluster import Cluster

Json = dict[str, Any]
POLICY = config.of_profile("all")
# The server sets what these rules ask for, or moves it to another field: they find other things then, and what they
# find can only be signed as the server makes it.
MOVED = frozenset({"image-pull-policy", "service-account-default", "service-account-deprecated-field"})
EVERY = Override(frozenset({rule.id for rule in registry.load()} - MOVED), "", datetime.now(UTC), "", ())
_AT_ONCE = 50


def _objects() -> Iterator[Json]:
    """An object of every bad example, named; without those that nobody writes: nulls, unknown fields."""
    for index, (_, case) in enumerate(examples.bad()):
        obj = copy.deepcopy(examples.obj(case))
        meta = obj.get("metadata") or {}
        meta.pop("ownerReferences", None)
        obj["metadata"] = {**meta, "name": f"example-{index}", "namespace": "signing"}
        if not any(word in json.dumps(obj) for word in ("null", "holographic")):
            yield obj


def _made(cluster: Cluster, objects: list[Json]) -> Iterator[Json]:
    """What the server would make of these objects, without those that it refuses."""
    listed = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    options = ("--dry-run=server", "--validate=ignore", "--output=json")
    answer = cluster.kubectl("create", *options, "--filename=-", stdin=listed, timeout=120.0).stdout.strip()
    if not answer and len(objects) > 1:  # one that cannot be decoded spoils them all
        half = len(objects) // 2
        yield from _made(cluster, objects[:half])
        yield from _made(cluster, objects[half:])
    while answer:
        found, end = json.JSONDecoder().raw_decode(answer)
        answer = answer[end:].strip()
        yield from found["items"] if found["kind"] == "List" else [found]


def _covered(obj: Json) -> list[list[Any]]:
    found = resource.read(obj)
    evaluation = with_values(POLICY.engine.evaluate(found), Raw(encoding.encode(obj)))
    return covered.covered(EVERY, found, evaluation.findings)


def test_defaults_change_nothing_that_is_covered(cluster: Cluster) -> None:
    cluster.create_namespace("signing")
    given = {obj["metadata"]["name"]: obj for obj in _objects()}
    every = list(given.values())
    parts = [every[start : start + _AT_ONCE] for start in range(0, len(every), _AT_ONCE)]
    made = [obj for part in parts for obj in _made(cluster, part)]
    differ = {
        obj["metadata"]["name"]: (before, after)
        for obj in made
        if (before := _covered(given[obj["metadata"]["name"]])) != (after := _covered(obj))
    }

    assert len(made) > 100
    assert differ == {}
