"""Signed overrides: a good one counts, and whatever was copied, widened, prolonged or moved does not."""

import copy
import re
from base64 import b64encode, urlsafe_b64decode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw, json
from msgspec.structs import replace

from policies import config, covered, overrides, resource, signature
from policies.config import PolicyError
from policies.engine import Finding
from policies.keys import Key, PublicKey
from policies.overrides import EXPIRES, REASON, RULES, SIGNATURE, TICKET, Limits, Override
from policies.risk.classifier import Classifier, Model, ModelError, sealed, shipped
from policies.signature import Keys, compile_keys, fingerprint, model_statement, statements, verify, verify_model
from tests.policies.risk import models
from webhook.updates import with_values

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
POLICY = config.of_profile("all")
CHANGED = (
    "does not have the signature of team as it stands: the object, its place, what it says or what it covers has "
    "changed since"
)
Json = dict[str, Any]


def public(key: Ed25519PrivateKey) -> str:
    return b64encode(key.public_key().public_bytes_raw()).decode()


KEYS = compile_keys([Key("team", public(PRIVATE)), Key("other", public(OTHER))])


def agent(**spec: Any) -> Json:
    """A DaemonSet that ships logs, and asks for what it needs."""
    container = {
        "name": "agent",
        "image": "registry.example.com/agent:1.4",
        "volumeMounts": [{"name": "logs", "mountPath": "/logs"}],
        "securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}},
        "resources": {"limits": {"cpu": "0.5", "memory": "64Mi"}},
    }
    volumes = [{"name": "tmp", "emptyDir": {}}, {"name": "logs", "hostPath": {"path": "/var/log"}}]
    asked = {
        RULES: "capabilities-added, host-path, host-path-writable",
        REASON: "reads the node's logs",
        EXPIRES: "2026-12-14T00:00:00Z",
        TICKET: "OPS-7",
    }
    pod = {"containers": [container], "volumes": volumes, **spec}
    meta: Json = {"name": "agent", "namespace": "logging", "annotations": asked}
    template = {"metadata": {"labels": {"app": "agent"}}, "spec": pod}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": {"template": template}}


Read = tuple[Override, resource.Resource, tuple[Finding, ...]]


def read(obj: Json) -> Read:
    """An object's override, and what was found there."""
    found = resource.read(obj)
    override = overrides.of(found, Limits(), NOW)[0]
    assert isinstance(override, Override), override
    evaluation = with_values(POLICY.engine.evaluate(found), Raw(json.encode(obj)))
    return override, found, evaluation.findings


def annotations(obj: Json) -> Json:
    """Where the override stands."""
    own: Json = obj["metadata"]["annotations"]
    return own if RULES in own else obj["spec"]["template"]["metadata"]["annotations"]


def signed(obj: Json, name: str = "team", key: Ed25519PrivateKey = PRIVATE) -> Json:
    obj = copy.deepcopy(obj)
    document = statements(*read(obj))[0]
    annotations(obj)[SIGNATURE] = signature.annotation(name, key.sign(document))
    return obj


def problem(obj: Json, keys: Keys = KEYS, now: datetime = NOW) -> str | None:
    return verify(keys, *read(obj), now)


def pod_of(obj: Json) -> Json:
    found: Json = obj["spec"]["template"]["spec"]
    return found


def container_of(obj: Json) -> Json:
    found: Json = pod_of(obj)["containers"][0]
    return found


#: What the API server fills in (k8s.io/kubernetes/pkg/apis/*/v1/defaults.go), and what it does not.
DEFAULTS: list[tuple[str, object, object]] = [
    ("apiGroup", "rbac.authorization.k8s.io", "example.com"),
    ("cachingMode", "ReadWrite", "ReadOnly"),
    ("defaultMode", 0o644, 0o777),
    ("dnsPolicy", "ClusterFirst", "Default"),
    ("enableServiceLinks", True, False),
    ("failureThreshold", 3, 4),
    ("imagePullPolicy", "Always", "Never"),
    ("imagePullPolicy", "IfNotPresent", "Never"),
    ("iscsiInterface", "default", "eth0"),
    ("periodSeconds", 10, 11),
    ("procMount", "Default", "Unmasked"),
    ("protocol", "TCP", "UDP"),
    ("replicas", 1, 2),
    ("resources", {}, {"claims": [{"name": "a"}]}),
    ("restartPolicy", "Always", "Never"),
    ("schedulerName", "default-scheduler", "another"),
    ("scheme", "HTTP", "HTTPS"),
    ("securityContext", {}, {"privileged": True}),
    ("serviceAccount", "default", "root"),
    ("serviceAccountName", "default", "root"),
    ("successThreshold", 1, 2),
    ("terminationGracePeriodSeconds", 30, 31),
    ("terminationMessagePath", "/dev/termination-log", "/etc"),
    ("terminationMessagePolicy", "File", "FallbackToLogsOnError"),
    ("timeoutSeconds", 1, 2),
]


class TestGood:
    def test_as_it_was_signed(self) -> None:
        assert problem(signed(agent())) is None

    def test_what_is_signed_is_written_down(self) -> None:
        override, found, findings = read(agent())
        digest = covered.digest(covered.covered(override, found, findings))

        assert statements(override, found, findings) == [
            b'{"covers":"' + digest.encode() + b'","expires":"2026-12-14T00:00:00Z","generateName":"","group":"apps",'
            b'"kind":"DaemonSet","name":"agent","namespace":"logging","podgate":"override/v1","prefix":"",'
            b'"reason":"reads the node\'s logs","rules":["capabilities-added","host-path","host-path-writable"],'
            b'"ticket":"OPS-7"}'
        ]

    def test_a_ticket_that_is_not_named_is_signed_as_none(self) -> None:
        obj = agent()
        del annotations(obj)[TICKET]
        assert json.decode(statements(*read(obj))[0])["ticket"] == ""

    def test_what_is_covered_is_written_down(self) -> None:
        pod = ["spec", "template", "spec"]
        logs = {"hostPath": {"path": "/var/log"}}

        assert covered.covered(*read(agent())) == [
            [
                "capabilities-added",
                [*pod, *["containers", "securityContext", "capabilities", "add"]],
                "SYS_PTRACE",
                None,
            ],
            ["host-path", [*pod, "volumes", "hostPath"], {"path": "/var/log"}, None],
            ["host-path-writable", [*pod, "containers", "volumeMounts", "readOnly"], None, [logs]],
        ]

    @pytest.mark.parametrize(
        "change",
        [
            lambda obj: container_of(obj).update(image="registry.example.com/agent:1.5"),
            lambda obj: pod_of(obj)["volumes"].reverse(),
            lambda obj: pod_of(obj)["containers"].insert(0, {"name": "quiet", "image": "registry.example.com/a:1"}),
            lambda obj: obj["metadata"].update(labels={"a": "b"}),
            lambda obj: annotations(obj).update(
                {"other": "x", RULES: "host-path-writable,host-path,capabilities-added"}
            ),
            lambda obj: annotations(obj).update({EXPIRES: "2026-12-14T02:00:00+02:00"}),
            lambda obj: obj.update(apiVersion="apps/v1beta2", status={}),
        ],
        ids=["image", "order", "harmless-container", "labels", "order-of-rules", "zone", "version"],
    )
    def test_what_it_does_not_cover_may_change(self, change: Callable[[Json], object]) -> None:
        obj = signed(agent())
        change(obj)
        assert problem(obj) is None

    def test_what_the_api_server_fills_in_changes_nothing(self) -> None:
        obj = signed(agent())
        obj["metadata"] |= {"uid": "7", "creationTimestamp": "2026-11-24T00:00:00Z", "managedFields": []}
        pod_of(obj)["volumes"][1]["hostPath"]["type"] = ""
        pod_of(obj).update(restartPolicy="Always", dnsPolicy="ClusterFirst", securityContext={})
        container_of(obj).update(terminationMessagePath="/dev/termination-log", imagePullPolicy="IfNotPresent")
        container_of(obj)["resources"] = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "500m"}}
        assert problem(obj) is None

    @pytest.mark.parametrize(("name", "default", "other"), DEFAULTS, ids=str)
    def test_a_default_is_as_good_as_nothing_and_another_value_is_not(
        self, name: str, default: object, other: object
    ) -> None:
        def plain(value: object) -> Any:
            return covered.plain(json.encode({"a": 1, name: value}), ("spec",))

        assert plain(default) == plain(None) == {"a": 1}
        assert plain(other) == {"a": 1, name: other}

    def test_a_quantity_that_was_found_itself_is_read_as_one(self) -> None:
        path = ("spec", "containers", 0, "resources", "limits", "cpu")
        assert covered.plain(b'"500m"', path) == covered.plain(b"0.5", path) == "0.5"
        assert covered.plain(b'"500m"', ("limits", "resources", "cpu")) == "500m"

    def test_a_default_of_another_field_is_none(self) -> None:
        assert covered.plain(b'{"a": "Always", "replicas": true, "hostNetwork": true}', ("spec",)) == {
            "a": "Always",
            "replicas": True,
            "hostNetwork": True,
        }

    def test_what_is_signed_is_utf_8_with_sorted_keys_and_without_blanks(self) -> None:
        assert covered.encoded({"b": ["é", "\ud800"], "a": 1}) == b'{"a":1,"b":["\xc3\xa9","\xed\xa0\x80"]}'

    def test_a_long_reason_counts_to_its_end(self) -> None:
        obj = agent()
        annotations(obj)[REASON] = "a" * 300 + "b"
        obj = signed(obj)
        assert problem(obj) is None
        annotations(obj)[REASON] = "a" * 300 + "c"
        assert problem(obj) == CHANGED


def _add_volume(obj: Json) -> None:
    pod_of(obj)["volumes"].append({"name": "etc", "hostPath": {"path": "/etc"}})


def _move_to_template(obj: Json) -> None:
    obj["spec"]["template"]["metadata"]["annotations"] = obj["metadata"]["annotations"]
    obj["metadata"]["annotations"] = {}


TAMPERED: dict[str, Callable[[Json], object]] = {
    "copied-to-another-namespace": lambda obj: obj["metadata"].update(namespace="shop"),
    "copied-to-no-namespace": lambda obj: obj["metadata"].update(namespace=None),
    "copied-to-another-name": lambda obj: obj["metadata"].update(name="agent2"),
    "copied-to-another-kind": lambda obj: obj.update(kind="Deployment"),
    "copied-to-another-group": lambda obj: obj.update(apiVersion="extensions/v1beta1"),
    "named-by-the-server": lambda obj: obj["metadata"].update(name=None, generateName="agent"),
    "moved-to-the-template": _move_to_template,
    "rule-added": lambda obj: annotations(obj).update({RULES: annotations(obj)[RULES] + ",host-pid"}),
    "rule-taken-away": lambda obj: annotations(obj).update({RULES: "host-path"}),
    "prolonged": lambda obj: annotations(obj).update({EXPIRES: "2026-12-15T00:00:00Z"}),
    "prolonged-by-a-microsecond": lambda obj: annotations(obj).update({EXPIRES: "2026-12-14T00:00:00.000001Z"}),
    "other-reason": lambda obj: annotations(obj).update({REASON: "reads the node's log"}),
    "other-ticket": lambda obj: annotations(obj).update({TICKET: "OPS-8"}),
    "no-ticket": lambda obj: annotations(obj).pop(TICKET),
    "ticket-for-reason": lambda obj: annotations(obj).update({REASON: "OPS-7", TICKET: "reads the node's log"}),
    "another-host-path": lambda obj: pod_of(obj)["volumes"][1]["hostPath"].update(path="/etc"),
    "a-host-path-more": _add_volume,
    "another-capability": lambda obj: container_of(obj)["securityContext"]["capabilities"].update(add=["SYS_ADMIN"]),
    "a-capability-more": lambda obj: container_of(obj)["securityContext"]["capabilities"]["add"].append("SYS_ADMIN"),
    "the-same-again": lambda obj: container_of(obj)["volumeMounts"].append({"name": "logs", "mountPath": "/more"}),
    "a-finding-less": lambda obj: container_of(obj)["volumeMounts"][0].update(readOnly=True),
    "in-an-init-container": lambda obj: pod_of(obj).update(initContainers=pod_of(obj)["containers"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TAMPERED)
def test_what_was_tampered_with_does_not_count(name: str) -> None:
    obj = signed(agent())
    TAMPERED[name](obj)
    assert problem(obj) == CHANGED


def test_a_mount_covers_the_volume_that_is_mounted() -> None:
    obj = agent()
    annotations(obj)[RULES] = "host-path-writable"
    obj = signed(obj)
    assert problem(obj) is None
    pod_of(obj)["volumes"][1]["hostPath"]["path"] = "/"
    assert problem(obj) == CHANGED


def test_a_mount_covers_no_volume_that_is_not_mounted_there() -> None:
    obj = agent()
    annotations(obj)[RULES] = "host-path-writable"
    container_of(obj)["volumeMounts"].append({"name": "more", "mountPath": "/more", "readOnly": True})
    pod_of(obj)["volumes"].append({"name": "more", "hostPath": {"path": "/var/lib"}})
    obj = signed(obj)
    pod_of(obj)["volumes"][2]["hostPath"]["path"] = "/"
    assert problem(obj) is None


class TestBindings:
    @staticmethod
    def binding(**changes: Any) -> Json:
        asked = {RULES: "rbac-cluster-admin-binding", REASON: "installs", EXPIRES: "2026-12-01T00:00:00Z"}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
        subjects = [{"kind": "ServiceAccount", "name": "tiller", "namespace": "kube-tools"}]
        meta = {"name": "tiller", "annotations": asked}
        made: Json = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding", "metadata": meta}
        return made | {"roleRef": role, "subjects": subjects} | changes

    def test_cover_who_is_bound(self) -> None:
        obj = signed(self.binding())
        assert problem(obj) is None
        obj["subjects"][0]["name"] = "mallory"
        assert problem(obj) == CHANGED

    def test_may_name_the_group_that_the_server_fills_in(self) -> None:
        users = [{"kind": "User", "name": "ada"}]
        obj = signed(self.binding(subjects=users))
        obj["subjects"][0]["apiGroup"] = "rbac.authorization.k8s.io"
        assert problem(obj) is None


class TestGeneratedNames:
    @staticmethod
    def job(name: str | None, base: str | None = "load-") -> Json:
        obj = agent() | {"apiVersion": "batch/v1", "kind": "Job"}
        obj["metadata"] |= {"name": name, "generateName": base}
        return obj

    def test_are_signed_by_what_they_are_made_of(self) -> None:
        text = signed(self.job(None))["metadata"]["annotations"][SIGNATURE]

        def found(name: str | None, base: str | None = "load-") -> str | None:
            obj = self.job(name, base)
            obj["metadata"]["annotations"][SIGNATURE] = text
            return problem(obj)

        assert (found(None), found("load-x7k2p")) == (None, None)
        assert {found("load-x7k2p", None), found("other-x7k2p"), found("load-x", "load-x")} == {CHANGED}

    @pytest.mark.parametrize(
        ("name", "base", "said"),
        [
            ("load", None, [("load", "")]),
            (None, "load-", [("", "load-")]),
            ("load-x7k2p", "load-", [("load-x7k2p", ""), ("", "load-")]),
            ("other", "load-", [("other", "")]),
            (None, None, [("", "")]),
        ],
    )
    def test_what_an_object_may_be_called_is_written_down(
        self, name: str | None, base: str | None, said: list[tuple[str, str]]
    ) -> None:
        found = [json.decode(each) for each in statements(*read(self.job(name, base)))]
        assert [(each["name"], each["generateName"]) for each in found] == said

    def test_are_cut_by_the_server(self) -> None:
        base = "a" * 63
        obj = signed(self.job(None, base))
        obj["metadata"]["name"] = "a" * 58 + "x7k2p"
        assert problem(obj) is None

    def test_a_name_counts_where_there_is_one(self) -> None:
        obj = signed(self.job("load-1"))
        assert problem(obj) is None
        obj["metadata"]["name"] = "load-2"
        assert problem(obj) == CHANGED

    def test_a_star_in_a_name_is_a_star(self) -> None:
        obj = signed(self.job("load-*", None))
        obj["metadata"] |= {"name": "load-x", "generateName": "load-"}
        assert problem(obj) == CHANGED


class TestTemplates:
    def test_an_override_of_a_template_covers_that_pod(self) -> None:
        obj = agent()
        _move_to_template(obj)
        obj = signed(obj)
        assert problem(obj) is None
        obj["metadata"]["annotations"] = obj["spec"]["template"]["metadata"]["annotations"]
        assert problem(obj) == CHANGED


class TestRisk:
    @staticmethod
    def risky() -> Json:
        obj = agent()
        annotations(obj)[RULES] = "risk"
        return signed(obj)

    def test_covers_what_the_classifier_knows(self) -> None:
        obj = self.risky()
        assert problem(obj) is None
        pod_of(obj)["hostPID"] = True
        assert problem(obj) == CHANGED

    def test_does_not_cover_what_it_does_not_know(self) -> None:
        obj = self.risky()
        container_of(obj)["livenessProbe"] = {"tcpSocket": {"port": 80}}
        assert problem(obj) is None


class TestKeys:
    def test_of_another_name_do_not_count(self) -> None:
        said = "is signed with the key nobody, which the policy does not know"
        assert problem(signed(agent(), "nobody")) == said

    def test_do_not_sign_for_each_other(self) -> None:
        assert problem(signed(agent(), "other", OTHER)) is None
        assert problem(signed(agent(), "team", OTHER)) == CHANGED

    def test_can_be_revoked(self) -> None:
        keys = compile_keys([Key("team", public(PRIVATE)), Key("other", public(OTHER))], ["team"])
        assert problem(signed(agent()), keys) == "is signed with the key team, which is revoked"
        assert problem(signed(agent(), "other", OTHER), keys) is None

    def test_end(self) -> None:
        keys = compile_keys([Key("team", public(PRIVATE), "2026-11-24T13:00:00+01:00")])
        assert problem(signed(agent()), keys) == "is signed with the key team, which has ended"
        assert problem(signed(agent()), keys, NOW - timedelta(seconds=1)) is None

    def test_one_signature_can_be_revoked(self) -> None:
        obj = signed(agent())
        one = fingerprint(annotations(obj)[SIGNATURE])
        keys = compile_keys([Key("team", public(PRIVATE))], [one])
        assert problem(obj, keys) == "is signed, but this signature is revoked"

    def test_an_override_ends(self) -> None:
        obj = signed(agent())
        assert problem(obj, now=datetime(2026, 12, 14, tzinfo=UTC)) == "has ended"

    @pytest.mark.parametrize("pem", [True, False], ids=["pem", "base64"])
    def test_are_written_in_two_ways(self, pem: bool) -> None:
        text = PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        keys = compile_keys([Key("team", f"\n{text}" if pem else f"{public(PRIVATE)}\n")])
        assert problem(signed(agent()), keys) is None
        assert signature.written(keys.known["team"].public) == public(PRIVATE)


NO_TIME = "notAfter of a is not a time with a zone: write one as in 2027-12-31T00:00:00Z"
SAME = "a and b are the same key: revoking one would leave the other"
NO_SUCH = '"b" is revoked, but it is neither the id of a key nor a fingerprint: sha256: and 64 digits'
NO_KEY = "a is not an Ed25519 key: write the base64 of its 32 bytes, or PEM"
EC = generate_private_key(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    ("keys", "revoked", "said"),
    [
        ([Key("", public(PRIVATE))], [], '"" is not the id of a key: letters, digits, dots, dashes, underscores'),
        ([Key("a:b", public(PRIVATE))], [], '"a:b" is not the id of a key: letters, digits, dots, dashes, underscores'),
        ([Key("a", public(PRIVATE)), Key("a", public(OTHER))], [], "two keys are called a"),
        ([Key("a", public(PRIVATE)), Key("b", public(PRIVATE))], [], SAME),
        ([Key("a", "")], [], NO_KEY),
        ([Key("a", "x" * 43)], [], NO_KEY),
        ([Key("a", "é" * 44)], [], NO_KEY),
        ([Key("a", "A" * 100_000)], [], NO_KEY),
        ([Key("a", b64encode(bytes(31)).decode())], [], NO_KEY),
        ([Key("a", EC.decode())], [], NO_KEY),
        ([Key("a", "-----BEGIN PUBLIC KEY-----\nA")], [], NO_KEY),
        ([Key("a", b64encode(bytes(32)).decode())], [], "a is a weak key: anybody can sign with it"),
        ([Key("a", public(PRIVATE), "soon")], [], NO_TIME),
        ([Key("a", public(PRIVATE), "2027-01-01")], [], NO_TIME),
        ([Key("a", public(PRIVATE))], ["b"], NO_SUCH),
    ],
)  # fmt: skip
def test_keys_that_cannot_be_used_are_refused_in_words(keys: list[Key], revoked: list[str], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        compile_keys(keys, revoked)


def test_too_many_keys_and_revocations_are_refused() -> None:
    many = [Key(f"k{each}", public(Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32))) for each in range(101)]
    with pytest.raises(ValueError, match="more than 100 keys"):
        compile_keys(many)
    with pytest.raises(ValueError, match="more than 10,000 signatures are revoked: revoke the key instead"):
        compile_keys([], (f"sha256:{index:064x}" for index in range(10_001)))


def test_as_many_keys_and_revocations_as_there_may_be() -> None:
    """One more of each is refused: test_too_many_keys_and_revocations_are_refused."""
    many = [Key(f"k{each}", public(Ed25519PrivateKey.from_private_bytes(bytes([each]) * 32))) for each in range(100)]
    found = compile_keys(many, (f"sha256:{index:064x}" for index in range(10_000)))
    assert (len(found.known), len(found.revoked)) == (100, 10_000)


SMALL_ORDER = [  # RFC 8032, section 5.1: y of the points of order 1, 2, 4 and 8, and not reduced (p and p + 1)
    "0100000000000000000000000000000000000000000000000000000000000000",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


@pytest.mark.parametrize("sign", [0x00, 0x80], ids=["positive", "negative"])
@pytest.mark.parametrize("point", SMALL_ORDER, ids=lambda text: text[:8])
def test_no_point_of_small_order_is_a_key(point: str, sign: int) -> None:
    raw = bytearray.fromhex(point)
    raw[31] |= sign
    with pytest.raises(ValueError, match="a is a weak key: anybody can sign with it"):
        signature.public_key(b64encode(raw).decode(), "a")


def test_a_weak_key_is_one_that_anybody_signs_with() -> None:
    """Some message has the signature of R = 1, S = 0 under a key of small order: nothing secret is needed for it."""
    forged = bytes([1, *[0] * 63])
    raw = bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")
    key = Ed25519PublicKey.from_public_bytes(raw)
    assert any(signature._made(key, forged, bytes([index])) for index in range(100))
    with pytest.raises(ValueError, match="weak"):
        signature.public_key(b64encode(raw).decode(), "a")


@pytest.mark.parametrize(
    ("key", "message", "made"),
    [
        (
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
    ],
    ids=["test-1", "test-2", "test-3"],
)
def test_signatures_of_rfc_8032(key: str, message: str, made: str) -> None:
    known = signature.public_key(b64encode(bytes.fromhex(key)).decode(), "a")
    assert signature._made(known, bytes.fromhex(made), bytes.fromhex(message))
    assert not signature._made(known, bytes.fromhex(made), bytes.fromhex(message) + b"x")


class TestGarbage:
    @pytest.mark.parametrize(
        "text",
        ["", "team", "team:", ":x", *(f"team:{'A' * count}" for count in (85, 87)), f"team:{'A' * 85}B", "x" * 10**6],
    )
    def test_is_no_signature(self, text: str) -> None:
        override, found, findings = read(agent())
        assert verify(KEYS, replace(override, signature=text), found, findings, NOW) == "is not signed"

    @pytest.mark.parametrize("text", ["team", "team:" + "A" * 86 + "=", "x" * 10**6, "te am:" + "A" * 86])
    def test_is_refused_where_it_is_read(self, text: str) -> None:
        obj = agent()
        annotations(obj)[SIGNATURE] = text
        (refused,) = overrides.of(resource.read(obj), Limits(), NOW)
        assert str(refused) == (
            'metadata.annotations["podgate.dev/override-signature"] is not KEY:SIGNATURE, '
            "as `podgate override sign` writes it"
        )

    @pytest.mark.parametrize("raw", [bytes(64), b"\xff" * 64, bytes([1, *[0] * 63])])
    def test_of_the_right_length_does_not_count(self, raw: bytes) -> None:
        override, found, findings = read(agent())
        text = signature.annotation("team", raw)
        assert verify(KEYS, replace(override, signature=text), found, findings, NOW) == CHANGED

    def test_a_larger_s_is_refused(self) -> None:
        """RFC 8032, 5.1.7: else each signature would have a second form, which is not revoked."""
        raw = PRIVATE.sign(statements(*read(agent()))[0])
        order = 2**252 + 27742317777372353535851937790883648493
        larger = raw[:32] + (int.from_bytes(raw[32:], "little") + order).to_bytes(32, "little")
        override, found, findings = read(agent())
        text = signature.annotation("team", larger)
        assert verify(KEYS, replace(override, signature=text), found, findings, NOW) == CHANGED


class TestBounds:
    def test_as_much_as_is_vouched_for(self) -> None:
        """One finding more, or one byte, is not."""

        def found(volumes: int, path: str = "/var/log") -> str | None:
            obj = agent()
            annotations(obj)[RULES] = "host-path"
            pod_of(obj)["volumes"] = [{"name": f"v{index}", "hostPath": {"path": path}} for index in range(volumes)]
            override, there, findings = read(obj)
            try:
                covered.covered(override, there, findings)
            except covered.TooMuchError as error:
                return str(error)
            return None

        assert (found(500), found(501)) == (None, "covers more than 500 findings")
        room = (1 << 20) - len(json.encode({"path": ""}))
        assert (found(1, "/".ljust(room, "a")), found(1, "/".ljust(room + 1, "a"))) == (
            None,
            "covers more than 1024 KiB",
        )

    def test_more_findings_than_anybody_reads(self) -> None:
        obj = signed(agent())
        volumes = [{"name": f"v{index}", "hostPath": {"path": "/var/log"}} for index in range(covered.MOST + 1)]
        pod_of(obj)["volumes"] = volumes
        assert problem(obj) == "covers more than 500 findings"

    def test_more_bytes(self) -> None:
        obj = signed(agent())
        pod_of(obj)["volumes"][1]["hostPath"]["path"] = "/" + "a" * (1 << 20)
        assert problem(obj) == "covers more than 1024 KiB"

    @pytest.mark.parametrize(
        "value",
        [b"{", b"[" * 5000 + b"]" * 5000, b'{"a":' * 900 + b"1" + b"}" * 900],
        ids=["no-json", "too-deep", "deep"],
    )
    def test_values_that_are_hard_to_read(self, value: bytes) -> None:
        override, found, findings = read(signed(agent()))
        spoilt = [replace(each, value=value) for each in findings]
        assert verify(KEYS, override, found, spoilt, NOW) in (CHANGED, "covers what is nested too deeply, or no JSON")

    def test_text_that_is_half_a_character(self) -> None:
        obj = signed(agent())
        annotations(obj)[REASON] = "\ud800"
        override, found, findings = read(signed(agent()))[0], resource.read(obj), read(signed(agent()))[2]
        assert verify(KEYS, override, found, findings, NOW) == CHANGED


class TestPlain:
    @pytest.mark.parametrize(
        ("value", "path", "same"),
        [
            (b"null", ("a",), None),
            (b'""', ("a",), None),
            (b"{}", ("spec", "securityContext"), None),
            (b"{}", ("to", "namespaceSelector"), {}),
            (b"[]", ("capabilities", "drop"), None),
            (b'{"ports":[],"to":[{}]}', ("egress", 0), {"to": [{}]}),
            (b"1.0", ("a",), 1),
            (b"true", ("privileged",), True),
            (b"false", ("privileged",), False),
            (b"0", ("runAsUser",), 0),
            (b'"Never"', ("imagePullPolicy",), "Never"),
            (b"0.5", ("limits", "cpu"), "0.5"),
            (b'"500m"', ("limits", "cpu"), "0.5"),
            (b'"1e999999999"', ("limits", "cpu"), "1e999999999"),
            (b'"lots"', ("limits", "cpu"), "lots"),
            (b'{"limits":{"cpu":1,"memory":"1024Ki"}}', ("resources",), {"limits": {"cpu": "1", "memory": "1048576"}}),
            (b'{"path":"/","type":""}', ("hostPath",), {"path": "/"}),
            (b'["",null,{"a":""}]', ("a",), [None, None, {}]),
            (b"7", (0,), 7),
        ],
    )
    def test_one_way_of_writing(self, value: bytes, path: tuple[str | int, ...], same: Any) -> None:
        found = covered.plain(value, path)
        assert (found, type(found)) == (same, type(same))


SIGNED = signed(agent())
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(data=st.data())
def test_any_other_value_where_something_was_found_does_not_count(data: st.DataObject) -> None:
    override, found, findings = read(SIGNED)
    concerned = covered.concerned(override, findings)
    index = data.draw(st.integers(0, len(concerned) - 1))
    value = json.encode(data.draw(VALUES), order="sorted")
    changed = [*concerned[:index], replace(concerned[index], value=value), *concerned[index + 1 :]]
    same = covered.plain(value, concerned[index].path) == covered.plain(concerned[index].value, concerned[index].path)

    assert (verify(KEYS, override, found, changed, NOW) is None) == same


@given(
    name=st.text(max_size=10),
    namespace=st.text(max_size=10),
    kind=st.sampled_from(["DaemonSet", "Deployment", "StatefulSet"]),
    reason=st.text(max_size=10).filter(str.strip),
    ticket=st.text(max_size=10),
    minutes=st.integers(-100, 100),
)
def test_any_other_word_does_not_count(**said: Any) -> None:
    ends = datetime(2026, 12, 14, tzinfo=UTC) + timedelta(minutes=said["minutes"])
    obj = copy.deepcopy(SIGNED)
    obj["kind"] = said["kind"]
    obj["metadata"] |= {"name": said["name"], "namespace": said["namespace"]}
    annotations(obj).update({REASON: said["reason"], TICKET: said["ticket"], EXPIRES: ends.isoformat()})

    assert problem(obj) == CHANGED


@given(st.binary(min_size=64, max_size=64))
def test_no_other_bytes_are_a_signature(raw: bytes) -> None:
    override, found, findings = read(SIGNED)
    text = signature.annotation("team", raw)
    assert verify(KEYS, replace(override, signature=text), found, findings, NOW) == CHANGED


@given(st.permutations(range(4)))
def test_positions_in_lists_may_change(order: list[int]) -> None:
    obj = agent()
    pod_of(obj)["volumes"] += [{"name": f"v{index}", "hostPath": {"path": f"/var/{index}"}} for index in range(2)]
    obj = signed(obj)
    pod_of(obj)["volumes"] = [pod_of(obj)["volumes"][index] for index in order]
    assert problem(obj) is None


class TestModels:
    MODEL = models.model()
    POLICY = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec:\n  classifier: {%s}\n"

    @staticmethod
    def signed(model: Model = MODEL, name: str = "team", key: Ed25519PrivateKey = PRIVATE) -> Model:
        return replace(model, signature=signature.annotation(name, key.sign(model_statement(model))))

    def taken(self, model: Model, said: str) -> str | None:
        """Why a policy that says this of its classifier does not take a model."""
        try:
            config.parse(self.POLICY % said, Classifier(model))
        except ModelError as error:
            return str(error)
        return None

    def test_a_signature_is_over_the_checksum_and_keeps_it(self) -> None:
        signed = self.signed()
        assert model_statement(signed) == f'{{"checksum":"{self.MODEL.checksum}","podgate":"model/v1"}}'.encode()
        assert Classifier(signed).name == Classifier(self.MODEL).name
        assert verify_model(KEYS, signed) is None

    def test_what_is_not_signed_says_nothing_of_a_signature(self) -> None:
        assert b"signature" not in models.written(self.MODEL)
        assert b'"signature":"team:' in models.written(self.signed())

    @pytest.mark.parametrize(
        ("model", "said"),
        [
            (MODEL, "is signed by nobody"),
            (replace(MODEL, signature="team"), "has a signature that is not KEY:SIGNATURE"),
            (signed(MODEL, "nobody"), "is signed with the key nobody, which the policy does not know"),
            (signed(MODEL, "team", OTHER), "does not have the signature of team"),
            (sealed(replace(signed(), version="changed")), "does not have the signature of team"),
            (sealed(replace(signed(), intercept=-9.0)), "does not have the signature of team"),
            (signed(MODEL, "revoked"), "is signed with the key revoked, which is revoked"),
        ],
        ids=["unsigned", "malformed", "unknown key", "wrong key", "other version", "other weights", "revoked key"],
    )
    def test_does_not_count(self, model: Model, said: str) -> None:
        third = Ed25519PrivateKey.from_private_bytes(bytes(range(2, 34)))
        keys = [PublicKey("team", public(PRIVATE)), PublicKey("other", public(OTHER))]
        found = verify_model(compile_keys([*keys, PublicKey("revoked", public(third))], ["revoked"]), model)
        assert (found or "").startswith(said)

    def test_one_signature_can_be_revoked(self) -> None:
        model = self.signed()
        keys = compile_keys([PublicKey("team", public(PRIVATE))], [fingerprint(model.signature)])
        assert verify_model(keys, model) == "is signed, but this signature is revoked"

    def test_every_bit_of_a_signature_counts(self) -> None:
        name, _, text = self.signed().signature.partition(":")
        raw = bytearray(urlsafe_b64decode(f"{text}=="))
        for index in range(len(raw)):
            changed = bytes([*raw[:index], raw[index] ^ 1, *raw[index + 1 :]])
            model = replace(self.MODEL, signature=signature.annotation(name, changed))
            assert verify_model(KEYS, model) is not None, index

    def test_an_override_is_no_model(self) -> None:
        document = model_statement(self.MODEL).replace(b"model/v1", b"override/v1")
        model = replace(self.MODEL, signature=signature.annotation("team", PRIVATE.sign(document)))
        assert verify_model(KEYS, model) is not None

    def test_a_policy_takes_what_is_signed_and_nothing_else(self) -> None:
        keys = f"keys: [{{id: team, publicKey: {public(PRIVATE)}}}, {{id: a, publicKey: {public(OTHER)}}}]"
        assert self.taken(self.MODEL, "") is None
        assert self.taken(self.signed(), keys) is None
        assert self.taken(self.MODEL, keys) == (
            f"the model {Classifier(self.MODEL).name} is signed by nobody; the policy takes models that are signed "
            "with a, team: let whoever vouches for it sign it (`podgate model sign`)"
        )
        assert "key team, which is revoked" in str(self.taken(self.signed(), f"{keys}, revoked: [team]"))

    def test_a_copy_of_the_shipped_model_needs_a_signature_and_the_shipped_one_none(self) -> None:
        policy = self.POLICY % f"keys: [{{id: team, publicKey: {public(PRIVATE)}}}]"
        assert config.parse(policy).model == config.parse(policy, shipped()).model == shipped().name
        with pytest.raises(ModelError, match="is signed by nobody"):
            config.parse(policy, Classifier(shipped().model))

    def test_in_a_namespace_the_same_keys_count(self) -> None:
        text = self.POLICY % f"keys: [{{id: team, publicKey: {public(PRIVATE)}}}]"
        policy = config.parse(f"{text}  namespaces: [{{names: [a], classifier: {{warnAt: 0.9}}}}]\n")
        keys = policy.within("a", {}).model_keys
        assert (list(keys.known) if keys else None, policy.within("a", {}).thresholds.warn_at) == (["team"], 0.9)

    @pytest.mark.parametrize(
        ("said", "problem"),
        [
            ("keys: [{id: team, publicKey: AAAA}]", "spec.classifier.keys: team is not an Ed25519 key"),
            ("keys: [{id: team}]", "spec.classifier.keys[0]"),
            ("keys: [{id: team, publicKey: a, notAfter: b}]", "notAfter"),
            ("revoked: [team]", "spec.classifier.keys is empty, so that every model is taken, whatever is revoked"),
        ],
    )
    def test_keys_that_cannot_be_used(self, said: str, problem: str) -> None:
        with pytest.raises(PolicyError, match=re.escape(problem)):
            config.parse(self.POLICY % said)

    def test_only_the_policy_as_a_whole_has_keys(self) -> None:
        entry = f"{{names: [a], classifier: {{keys: [{{id: team, publicKey: {public(PRIVATE)}}}]}}}}"
        with pytest.raises(PolicyError, match=r"spec.namespaces\[0\].classifier"):
            config.parse(self.POLICY % "" + f"  namespaces: [{entry}]\n")
