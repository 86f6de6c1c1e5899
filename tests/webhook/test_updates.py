"""Updates of what was there before, as properties over real manifests: only what gets worse is held against them."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from policies import config, registry
from policies.decision import Verdict
from policies.engine import Evaluation, Finding
from policies.resource import UnreadableObjectError
from tests.policies import examples
from tests.policies.examples import Examples
from tests.reviews import body, review
from webhook.admission import Admitted, admit
from webhook.updates import with_values

Json = dict[str, Any]
POLICY = config.of_profile("recommended")
BUNDLED = sorted((Path(__file__).parents[2] / "manifests" / "examples").glob("*.yaml"))


def manifests() -> list[Json]:
    """The bundled manifests, and every bad example of a rule, in a Deployment where it is a pod."""
    found: list[Json] = [document for file in BUNDLED for document in yaml.safe_load_all(file.read_text()) if document]
    for rule in registry.load():
        for case in Examples.of(rule).bad:
            if case.pod is not None:
                meta = {"name": "app", "namespace": "shop"}
                spec = {"replicas": 3, "template": case.template()}
                found.append({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta, "spec": spec})
            elif case.before is None and case.object is not None:
                found.append(examples.obj(case))
    return found


OBJECTS = manifests()


def verdict(new: Json, old: Json) -> Verdict:
    return admit(body(review(new, old=old)), POLICY).decision.verdict


def changed(old: Json, how: str) -> Json:
    """An update that nobody may be kept from."""
    new = copy.deepcopy(old)
    meta = new["metadata"] = new.get("metadata") or {}
    if how == "finalizers":
        meta["finalizers"] = []
    elif how == "labels":
        meta["labels"] = {**(meta.get("labels") or {}), "changed": "true"}
    elif how == "deletion":
        meta["deletionTimestamp"] = "2026-11-24T00:00:00Z"
    elif how == "status":
        new["status"] = {"phase": "Running"}
    elif how == "scale" and isinstance(new.get("spec"), dict) and "replicas" in new["spec"]:
        new["spec"]["replicas"] = 0
    return new


@pytest.mark.parametrize("how", ["nothing", "finalizers", "labels", "deletion", "status", "scale"])
def test_harmless_updates_always_pass(how: str) -> None:
    for old in OBJECTS:
        assert verdict(changed(old, how), old) is Verdict.ALLOW, (how, old)


PRIVILEGED = {"name": "new", "image": "registry.example.com/x:1", "securityContext": {"privileged": True}}


def pod_spec(obj: Json) -> Json | None:
    spec = obj.get("spec")
    while isinstance(spec, dict) and "containers" not in spec:
        inner = spec.get("jobTemplate") or spec.get("template")
        spec = inner.get("spec") if isinstance(inner, dict) else None
    return spec if isinstance(spec, dict) else None


@settings(max_examples=60, deadline=None)
@given(old=st.sampled_from([obj for obj in OBJECTS if pod_spec(obj) is not None]), first=st.booleans())
def test_what_an_update_adds_is_denied_whatever_was_there_before(old: Json, first: bool) -> None:
    new = copy.deepcopy(old)
    spec = pod_spec(new)
    assert spec is not None
    containers = spec["containers"] or []
    spec["containers"] = [PRIVILEGED, *containers] if first else [*containers, PRIVILEGED]
    assert verdict(new, old) is Verdict.DENY


@settings(max_examples=60, deadline=None)
@given(old=st.sampled_from(OBJECTS), new=st.sampled_from(OBJECTS))
def test_an_update_never_fares_worse_than_a_creation(old: Json, new: Json) -> None:
    created = admit(body(review(new)), POLICY).decision
    kept = {**old, "apiVersion": new["apiVersion"], "kind": new["kind"]}
    updated = admit(body(review(new, old=kept)), POLICY).decision
    order = [Verdict.ALLOW, Verdict.WARN, Verdict.DENY]
    assert order.index(updated.verdict) <= order.index(created.verdict)


def spelled(new: Json, old: Json, how: str) -> bytes:
    """The review of an update; where the old object is `spelled out`, no byte of its spec is the new one's."""
    sent = body(review(new, old=None))
    written = json.dumps(old, indent=1 if how == "spelled out" else None).encode()
    return sent.replace(b'"oldObject": null', b'"oldObject": ' + written).replace(b'"CREATE"', b'"UPDATE"')


@pytest.mark.parametrize("how", ["nothing", "finalizers", "labels", "deletion", "status", "scale"])
def test_what_is_kept_byte_for_byte_is_what_is_the_same(how: str) -> None:
    for old in OBJECTS:
        new = changed(old, how)
        same, other = (admit(spelled(new, old, written), POLICY) for written in ("alike", "spelled out"))
        assert same.decision.verdict is other.decision.verdict is Verdict.ALLOW
        assert told(same) == told(other)


def told(admitted: Admitted) -> list[tuple[str, str, bool]]:
    return [(reason.text, reason.action.name, reason.existing) for reason in admitted.decision.reasons]


def test_below_what_is_kept_no_value_is_told_and_nothing_is_decoded() -> None:
    rule = next(rule for rule in registry.load() if rule.id == "privileged")
    inside = Finding(rule, ("spec", "template", "spec", "containers", 0, "securityContext", "privileged"), "is true")
    beside = Finding(rule, ("spec", "template", "metadata", "annotations"), "is odd")
    kept = [("spec", "template", "spec")]
    assert with_values(Evaluation((inside,)), Raw(b"no JSON"), kept) == Evaluation((inside,))
    obj = Raw(b'{"spec":{"template":{"metadata":{"annotations":{"b":1,"a":2}}}}}')
    found = with_values(Evaluation((inside, beside)), obj, kept).findings
    assert [each.value for each in found] == [b"", b'{"a":2,"b":1}']
    with pytest.raises(UnreadableObjectError):
        with_values(Evaluation((inside, beside)), Raw(b"no JSON"), kept)
