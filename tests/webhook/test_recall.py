"""What comes from one template is judged once; and the verdict is the same as if it were judged each time."""

import copy
import itertools
import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

import policies.rules
from policies import api, config, kinds
from policies import resource as resources
from policies.config import Policy
from policies.engine import Engine, Evaluation
from policies.identity import TELLING_NAMES, Kind
from policies.resource import Resource
from tests.policies import examples
from tests.reviews import RECORDED, pod, privileged_pod, recorded, review
from webhook import recall
from webhook.admission import Admitted, Context, admit, consider
from webhook.asking import Plain
from webhook.recall import Recall, Specs

HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nmetadata: {name: x}\nspec:\n"
ALL = config.parse(HEAD + "  profile: all\n")
TOKEN = {"name": "kube-api-access-abcde", "projected": {"sources": []}}


def body(content: dict[str, Any]) -> bytes:
    """As the API server writes it: without spaces."""
    return json.dumps(content, separators=(",", ":")).encode()


def fleet(name: str = "web-x7k2p", volume: str = "kube-api-access-abcde", **request: Any) -> dict[str, Any]:
    """A pod of a ReplicaSet, as it comes to the webhook: its name and its token's volume are its own."""
    mount = {"name": volume, "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "readOnly": True}
    made = pod(
        spec={
            "containers": [{"name": "c", "image": "registry.example/web:1.2.3", "volumeMounts": [mount]}],
            "volumes": [TOKEN | {"name": volume}],
        }
    )
    made["metadata"] = {"name": name, "generateName": "web-"}
    return review(made, **request)


class Counted:
    """Counts what was remembered in time."""

    hits = 0

    def find(self, key: Any) -> Any:
        found = super().find(key)  # type: ignore[misc]  # of what this is mixed into
        self.hits += found is not None
        return found


class Counting(Counted, Recall):
    """Of decisions."""


class Sought(Counted, Specs):
    """Of what is known of a spec."""


def hits(*reviews: dict[str, Any], policy: Policy = ALL, most: int = recall.MOST) -> int:
    """How many of these, one after the other, are answered from memory; all as they are without a memory."""
    memory = Counting(most)
    for each in reviews:
        kept, judged = admit(body(each), policy, Context(recall=memory)), admit(body(each), policy)
        assert told(kept) == told(judged)
    return memory.hits


def told(admitted: Admitted) -> Any:
    """All that is said to the API server and to the log."""
    decision = admitted.decision
    risk = (decision.risk.log_odds, decision.risk.text) if decision.risk is not None else None
    return json.loads(admitted.body), msgspec.structs.replace(decision, risk=None), risk, admitted.policy


class TestWhatIsAlike:
    """The same pod, judged once."""

    def test_the_same_review_with_another_uid(self) -> None:
        assert hits(fleet(uid="one"), fleet(uid="two")) == 1

    def test_pods_of_a_replica_set(self) -> None:
        assert hits(fleet(), fleet("web-9q8w7", "kube-api-access-zz9zz"), fleet("web-00000")) == 2

    @pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet"])
    def test_what_makes_pods(self, kind: str) -> None:
        template = {"spec": fleet()["request"]["object"]["spec"]}
        made = {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "a"}, "spec": {"template": template}}
        assert hits(review(made), review(made | {"metadata": {"name": "b"}})) == 1

    @pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
    def test_what_is_denied_and_nobody_could_lift(self, mode: str) -> None:
        policy = config.parse(HEAD + f"  profile: pss-baseline\n  mode: {mode}\n")
        assert hits(review(privileged_pod()), review(privileged_pod()), policy=policy) == 1

    def test_fields_that_nobody_reads(self) -> None:
        other = fleet()
        other["request"]["object"]["metadata"] |= {"managedFields": [{}], "uid": "x", "creationTimestamp": None}
        other["request"]["object"]["status"] = {"phase": "Pending"}
        assert hits(fleet(), other) == 1

    def test_the_pod_itself_is_not_kept(self) -> None:
        memory = Context(recall=Recall())
        judged, kept = (admit(body(fleet()), ALL, memory).decision.risk for _ in range(2))
        assert judged is not None
        assert kept is not None
        assert (kept.text, kept.remedy(0.0)) == (judged.text, ())


OTHERS: dict[str, dict[str, Any]] = {
    "who asks": {"userInfo": {"username": "eve"}},
    "the groups of who asks": {"userInfo": {"username": "alice", "groups": ["dev"]}},
    "the namespace": {"namespace": "another"},
    "the subresource": {"subResource": "ephemeralcontainers"},
}


class TestWhatDiffers:
    """Judged anew."""

    @pytest.mark.parametrize("request_", OTHERS.values(), ids=list(OTHERS))
    def test_in_the_request(self, request_: dict[str, Any]) -> None:
        assert hits(fleet(), fleet(**request_)) == 0

    @pytest.mark.parametrize(
        "meta",
        [
            {"labels": {"a": "b"}},
            {"annotations": {"a": "b"}},
            {"namespace": "another"},
            {"generateName": "other-"},
            {"resourceVersion": "1"},
            {"ownerReferences": [{"kind": "ReplicaSet", "name": "web", "controller": True}]},
            {"name": ""},
        ],
        ids=lambda meta: next(iter(meta)),
    )
    def test_in_the_metadata(self, meta: dict[str, Any]) -> None:
        other = fleet()
        other["request"]["object"]["metadata"] |= meta
        assert hits(fleet(), other) == 0

    @pytest.mark.parametrize("name", sorted(TELLING_NAMES))
    def test_a_name_that_tells(self, name: str) -> None:
        assert hits(fleet(), fleet(name), fleet(name)) == 1

    def test_in_the_spec(self) -> None:
        other = fleet()
        other["request"]["object"]["spec"]["containers"][0]["image"] = "registry.example/web:1.2.4"
        assert hits(fleet(), other) == 0

    def test_an_update(self) -> None:
        made = fleet()["request"]["object"]
        assert hits(fleet(), review(made, old=made), review(made, old=made)) == 0

    def test_a_volume_of_that_name_that_is_another_s(self) -> None:
        one, two = fleet(), fleet(volume="kube-api-access-zzzzz")
        for each, image in ((one, "kube-api-access-abcde"), (two, "kube-api-access-zzzzz")):
            each["request"]["object"]["spec"]["containers"][0]["image"] = image
        assert hits(one, two) == 0

    def test_what_stands_where_the_random_name_stood(self) -> None:
        other = fleet(volume="\0")
        assert hits(fleet(), other) == 0


class TestWhatIsNotKept:
    """Time and other people have a say in it."""

    @pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
    def test_a_denial_that_asks_for_an_override(self, mode: str) -> None:
        policy = config.parse(HEAD + f"  profile: pss-baseline\n  mode: {mode}\n")
        asks = privileged_pod()
        asks["metadata"]["annotations"] = {"podgate.dev/override-reason": "none"}
        assert hits(review(asks), review(asks), policy=policy) == 0

    @pytest.mark.parametrize("mode", ["enforce", "warn", "audit"])
    def test_a_denial_of_what_a_controller_makes(self, mode: str) -> None:
        policy = config.parse(HEAD + f"  profile: pss-baseline\n  mode: {mode}\n")
        made = privileged_pod()
        made["metadata"]["ownerReferences"] = [{"kind": "ReplicaSet", "name": "web", "uid": "1", "controller": True}]
        account = {"username": "system:serviceaccount:kube-system:replicaset-controller"}
        assert hits(review(made, userInfo=account), review(made, userInfo=account), policy=policy) == 0
        # Whoever else says so is nobody's controller, and no owner is asked.
        assert hits(review(made), review(made), policy=policy) == 1

    def test_what_asks_for_an_override(self) -> None:
        asks = fleet()
        asks["request"]["object"]["metadata"]["annotations"] = {"podgate.dev/override": "run-as-non-root"}
        assert hits(asks, asks) == 0

    def test_what_cannot_be_understood(self) -> None:
        odd = fleet()
        odd["request"]["object"]["spec"]["containers"] = "none"
        assert hits(odd, odd) == 0

    def test_what_there_was_no_time_to_look_at(self) -> None:
        memory = Counting()
        for _ in range(2):
            consider(body(fleet()), ALL, Context(recall=memory), spared=("risk",))
        assert memory.hits == 0

    def test_a_policy_that_is_no_longer_in_force(self) -> None:
        other = config.parse(HEAD + "  profile: all\n")
        memory = Counting()
        for policy in (ALL, other, ALL):
            admit(body(fleet()), policy, Context(recall=memory))
        assert memory.hits == 0

    def test_anything_where_there_is_no_memory(self) -> None:
        assert hits(fleet(), fleet(), most=0) == 0

    def test_objects_without_pods(self) -> None:
        service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"type": "ClusterIP"}}
        assert hits(review(service), review(service)) == 0


class TestNamespace:
    """Its labels change the policy that holds in it."""

    def test_labels_that_change(self) -> None:
        labels: dict[str, dict[str, str]] = {"shop": {}}

        class Known(Plain):
            def labels(self, name: str) -> dict[str, str]:
                return labels[name]

        memory = Counting()
        context = Context(namespaces=Known(), recall=memory)
        asked = body(fleet(namespace="shop"))
        assert admit(asked, ALL, context).body == admit(asked, ALL, context).body
        assert memory.hits == 1
        labels["shop"] = {"pod-security.kubernetes.io/enforce": "restricted"}
        assert json.loads(admit(asked, ALL, context).body)["response"]["allowed"] is False
        assert memory.hits == 1


class TestBounds:
    """The memory has an end."""

    def test_the_number(self) -> None:
        each = [fleet(namespace=f"n{number}") for number in range(3)]
        assert hits(*each, *each, most=3) == 3
        assert hits(*each, *each, most=2) == 0

    def test_the_latest_stay(self) -> None:
        one, two, three = (fleet(namespace=f"n{number}") for number in range(3))
        assert hits(one, two, one, three, one, most=2) == 2

    def test_the_size_of_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recall, "MOST_BYTES_EACH", 1_000)
        assert hits(fleet(), fleet()) == 0

    def test_the_size_of_who_asks_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recall, "MOST_BYTES_EACH", 60_000)
        asked = fleet(userInfo={"username": "a" * 70_000})
        assert hits(asked, asked) == 0

    def test_the_size_of_all(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(recall, "MOST_BYTES", 20_000)
        each = [fleet(namespace=f"n{number}") for number in range(9)]
        assert hits(*each, *each) == 0
        assert hits(each[0], each[0]) == 1

    def test_at_the_size_of_one_and_of_all_and_one_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        memory = Recall()
        admit(body(fleet()), ALL, Context(recall=memory))
        size = memory._latest._bytes
        for name, many in (("MOST_BYTES_EACH", 1), ("MOST_BYTES", 1)):
            monkeypatch.setattr(recall, name, size)
            assert hits(fleet(), fleet()) == many
            monkeypatch.setattr(recall, name, size - 1)
            assert hits(fleet(), fleet()) == 0
            monkeypatch.undo()


def read(obj: dict[str, Any], kind: Kind | None = None) -> Resource:
    encoded = msgspec.Raw(json.dumps(obj, separators=(",", ":")).encode())
    return resources.read(encoded, kind)


def known(*objects: dict[str, Any], memory: Sought | None = None, engine: Engine = ALL.engine) -> int:
    """Of how many of these, one after the other, something was known by their spec; what is found is the same."""
    memory = Sought() if memory is None else memory
    before = memory.hits
    for each in objects:
        found, sought = engine.evaluate(read(each), memory=memory), engine.evaluate(read(each))
        assert found.findings == sought.findings
        assert said(found) == said(sought)
    return memory.hits - before


def said(evaluation: Evaluation) -> Any:
    risk = evaluation.risk
    return None if risk is None else (risk.path, risk.log_odds, risk.text, risk.remedy(0.0), risk.remedy(0.02))


def labelled(number: int, **spec: Any) -> dict[str, Any]:
    """A pod like others, but for a label."""
    made = pod(spec={"hostNetwork": True, "containers": [{"name": "c", "image": "ubuntu"}], **spec})
    return made | {"metadata": {"name": "a", "labels": {"number": str(number)}}}


class TestSpecs:
    """What follows from a pod's spec alone is not sought again."""

    def test_what_comes_twice_is_kept_and_known_the_third_time(self) -> None:
        assert known(labelled(1)) == 0
        assert known(labelled(1), labelled(2)) == 0
        assert known(labelled(1), labelled(2), labelled(3), labelled(4)) == 2

    @pytest.mark.parametrize(
        "other",
        [
            labelled(3, hostPID=True),
            {**labelled(3), "kind": "PodTemplate", "template": labelled(3)},
            {
                **labelled(3),
                "metadata": {"name": "a", "ownerReferences": [{"kind": "Job", "name": "a", "controller": True}]},
            },
        ],
        ids=["another spec", "in another kind", "made by a controller"],
    )
    def test_what_differs_is_looked_at(self, other: dict[str, Any]) -> None:
        assert known(labelled(1), labelled(2), other) == 0

    def test_policies_do_not_mix(self) -> None:
        memory = Sought()
        other = config.parse(HEAD + "  profile: pss-baseline\n").engine
        assert known(labelled(1), labelled(2), memory=memory) == 0
        assert known(labelled(3), memory=memory, engine=other) == 0
        assert known(labelled(3), memory=memory) == 1

    def test_rules_that_look_beyond_the_spec_look_each_time(self) -> None:
        memory = Sought()
        assert known(labelled(1), labelled(2), memory=memory) == 0
        for meta in META:
            known({**labelled(3), "metadata": {"name": "a", **meta}}, memory=memory)
        made = [meta for meta in META if meta.get("ownerReferences", [{}])[0].get("controller")]
        assert memory.hits == len(META) - len(made)

    def test_the_volume_of_the_token_has_another_name_each_time(self) -> None:
        pods = [fleet(volume=f"kube-api-access-{number:05}")["request"]["object"] for number in range(3)]
        assert known(*pods) == 1

    def test_where_that_name_would_be_told_nothing_is_kept(self) -> None:
        pods = [fleet(volume=f"kube-api-access-{number:05}")["request"]["object"] for number in range(3)]
        for each in pods:
            each["spec"]["volumes"][0] = {"name": each["spec"]["volumes"][0]["name"], "hostPath": {"path": "/"}}
        assert known(*pods) == 0

    def test_objects_with_several_pods_and_what_was_no_json(self) -> None:
        template = {"template": {"spec": labelled(1)["spec"]}}
        jobs = {"replicatedJobs": [{"name": "a", "template": {"spec": template}}] * 2}
        several = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "metadata": {"name": "a"}, "spec": jobs}
        assert known(several, several, several) == 0
        memory = Sought()
        for _ in range(3):
            ALL.engine.evaluate(resources.read(labelled(1)), memory=memory)
        assert memory.hits == 0

    def test_without_time_for_the_risk_nothing_is_kept(self) -> None:
        memory = Sought()
        for _ in range(3):
            ALL.engine.evaluate(read(labelled(1)), assess=False, memory=memory)
        assert known(labelled(1), memory=memory) == 0

    def test_updates_are_told_what_was_there(self) -> None:
        memory = Recall()
        memory.specs = Sought()
        reviews = [review(labelled(number), old=labelled(number - 1)) for number in (1, 2, 3)]
        for each in reviews:
            assert told(admit(body(each), ALL, Context(recall=memory))) == told(admit(body(each), ALL))
        assert memory.specs.hits == 4

    def test_examples_of_all_rules_with_other_metadata(self) -> None:
        memory, metas = Sought(), itertools.cycle(META)
        for _, case in [*examples.good(), *examples.bad()]:
            obj = examples.obj(case)
            if obj.get("kind"):
                # Twice to be known, and then two of them in turn.
                others = [{}, {}, next(metas), next(metas)]
                known(*({**obj, "metadata": {**(obj.get("metadata") or {}), **meta}} for meta in others), memory=memory)
        assert memory.hits > 500

    def test_the_number_of_specs(self) -> None:
        each = [labelled(0, hostname=f"n{number}") for number in range(3)]
        assert known(*each, *each, *each, memory=Sought(3)) == 3
        assert known(*each, *each, *each, memory=Sought(2)) == 0
        assert known(*each, *each, *each, memory=Sought(0)) == 0

    def test_a_spec_at_the_size_of_one_and_one_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        memory = Sought()
        known(labelled(1), labelled(2), memory=memory)
        size = memory._latest._bytes
        monkeypatch.setattr(recall, "MOST_BYTES_EACH", size)
        assert known(labelled(1), labelled(2), labelled(3)) == 1
        monkeypatch.setattr(recall, "MOST_BYTES_EACH", size - 1)
        assert known(labelled(1), labelled(2), labelled(3)) == 0

    def test_another_policy_begins_with_nothing(self) -> None:
        memory = Recall()
        memory.specs = Sought()
        for each in (1, 2):
            admit(body(review(labelled(each))), ALL, Context(recall=memory))
        admit(body(review(labelled(3))), config.parse(HEAD + "  profile: all\n"), Context(recall=memory))
        admit(body(review(labelled(3))), ALL, Context(recall=memory))
        assert memory.specs.hits == 0


#: Metadata that rules look at, and that they do not.
META: list[dict[str, Any]] = [
    {},
    {"labels": {"a": "b"}},
    {"labels": {"app": "helm", "name": "tiller"}},
    {"namespace": "kube-system"},
    {"namespace": "default"},
    {"resourceVersion": "1"},
    {"annotations": {f"container.apparmor.security.beta.kubernetes.io/{name}": "unconfined" for name in ("c", "app")}},
    {"annotations": {"seccomp.security.alpha.kubernetes.io/pod": "unconfined"}},
    {"annotations": {"kubernetes.io/config.mirror": "1"}},
    {"ownerReferences": [{"kind": "Job", "name": "a", "controller": True}]},
    {"ownerReferences": [{"kind": "ReplicaSet", "name": "a", "controller": True}]},
    {"ownerReferences": [{"kind": "ReplicaSet", "name": "a"}]},
    {"name": "tiller-deploy"},
]


class TestNothingElseIsRead:
    """What a verdict follows from is in the key."""

    def test_the_metadata_is_all_that_is_read_of_it(self) -> None:
        read = {field.encode_name for field in msgspec.structs.fields(api.ObjectMeta)}
        assert {field.encode_name for field in msgspec.structs.fields(recall._Meta)} == read

    def test_rules_read_no_name_of_what_holds_pods_but_those_that_tell(self) -> None:
        folder = Path(policies.rules.__file__).parent
        reads = {file.stem: re.findall(r"identity\.name\b.*", file.read_text()) for file in folder.rglob("*.py")}
        assert {rule: lines for rule, lines in reads.items() if lines} == {
            # of a Service, a ServiceAccount or a ConfigMap
            "default_namespace": ["identity.name) not in _ITS_OWN and identity.kind.kind not in _TRACES:"],
            # of a Namespace
            "namespace_psa_label": ["identity.name in SYSTEM_NAMESPACES:"],
            "tiller": [
                "identity.name in TELLING_NAMES and (resource.pods or isinstance(resource.body, Service)):",
                'identity.name}, the name that Helm 2 gives it")',
            ],
        }

    @pytest.mark.parametrize("name", [file.stem for file in sorted(RECORDED.glob("*.json"))])
    def test_recorded_reviews_are_answered_alike(self, name: str) -> None:
        first = recorded(name)
        second = copy.deepcopy(first)
        second["request"]["uid"] = "another"
        assert hits(first, second) in (0, 1)

    def test_examples_of_all_rules_are_answered_alike(self) -> None:
        memory = Counting()
        cases = [case for _, case in [*examples.good(), *examples.bad()]]
        objects = [(obj, case.before) for case in cases if (obj := examples.obj(case)).get("kind")]
        for obj, before in objects * 2:
            sent = body(review(obj, old=before))
            context = Context(recall=memory)
            assert told(admit(sent, ALL, context)) == told(admit(sent, ALL))
        assert memory.hits > 200

    def test_what_is_read_at_the_top_of_an_object(self) -> None:
        assert resources.fields_read(kinds.row_of(Kind("", "Pod"))) == {"apiVersion", "kind", "metadata", "spec"}
        assert "template" in resources.fields_read(kinds.row_of(Kind("", "PodTemplate")))
