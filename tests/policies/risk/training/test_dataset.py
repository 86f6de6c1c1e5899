"""The data set: where rows come from, what they are, and their features; never a manifest."""

import gzip
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.risk import features
from policies.risk.features import BY_NAME, FEATURES
from policies.risk.training import dataset
from policies.risk.training.dataset import DatasetError, Row, of_corpus, of_object, read, write
from tests.policies.risk.pods import Json, workload
from tests.reviews import pod

ROWS = [
    Row(
        "a/b@0123:deploy/x.yaml#0",
        True,
        "attack",
        "escape",
        "c1",
        True,
        ({"privileged": 1, "power": 2}, {"privileged": 1}, {}),
    ),
    Row("a/b@0123:deploy/y z.yaml#1", False, "benign-app", "", "c2", False, ({},)),
    Row("c/d@4567:z.yaml#0", None, "unknown", "", "c3", True, ({"path_root": 2, "host_namespaces": 3},)),
    Row("c/d@synthetic:host files/added", True, "synthetic", "T1611", "host files", False, ({"naked_pod": 1},)),
]
HEAD = f"# schema={features.schema()}\nsource\tlabel\tclass\tfamily\tcluster\thost\tcontainers\n"


def packed(text: str) -> bytes:
    return gzip.compress(text.encode())


# Written and read.


def test_what_is_written_is_read_and_written_again_byte_by_byte() -> None:
    content = write(ROWS)
    assert read(content) == ROWS
    assert write(read(content)) == content == write(iter(ROWS))


def test_a_row_is_a_line() -> None:
    assert gzip.decompress(write(ROWS[:2])).decode() == (
        f"{HEAD}a/b@0123:deploy/x.yaml#0\tdangerous\tattack\tescape\tc1\thost\tprivileged=1 power=2|privileged=1|\n"
        "a/b@0123:deploy/y z.yaml#1\tbenign\tbenign-app\t\tc2\t-\t\n"
    )


cells = st.text(st.characters(codec="utf-8"), max_size=12)


@given(st.lists(st.tuples(cells, cells, cells, cells, st.sampled_from((True, False, None))), max_size=4))
def test_no_cell_can_break_a_line(some: list[tuple[str, str, str, str, bool | None]]) -> None:
    rows = [
        Row(source, label, klass, family, cluster, False, ({"power": 1}, {}))
        for source, klass, family, cluster, label in some
    ]
    found = read(write(rows))
    assert [row.label for row in found] == [row.label for row in rows]
    assert [row.source for row in found] == [" ".join(row.source.split()) for row in rows]


def test_no_time_is_written() -> None:
    assert write(ROWS)[4:8] == b"\0\0\0\0"


# Refused.


@pytest.mark.parametrize(
    "content",
    [b"", b"x", write(ROWS)[:-20], gzip.compress(b"\xff\xfe")],
    ids=["empty", "not compressed", "torn", "no text"],
)
def test_what_is_no_data_set_is_refused(content: bytes) -> None:
    with pytest.raises(DatasetError):
        read(content)


@pytest.mark.parametrize("text", ["", HEAD.replace("sha256:", "sha256:0"), HEAD.replace("label", "lable")])
def test_a_data_set_of_other_features_is_refused(text: str) -> None:
    with pytest.raises(DatasetError, match="made for other features than this version has"):
        read(packed(text))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("a\tdangerous\tattack\t\tc\thost", "line 3 of the data set is not a row"),
        ("a\tdangerous\tattack\t\tc\thost\t\tmore", "line 3 of the data set is not a row"),
        ("a\tevil\tattack\t\tc\thost\t", "line 3 of the data set is not a row"),
        ("a\tbenign\tx\t\tc\thost\tpower=x", "line 3 of the data set is not a row"),
        ("a\tbenign\tx\t\tc\thost\tpower", "line 3 of the data set is not a row"),
        ("a\tbenign\tx\t\tc\thost\tunheard_of=1", "line 3 of the data set is not a row"),
        ("a\tbenign\tx\t\tc\thost\tpower=1||x", "line 3 of the data set is not a row"),
        ("", "line 3 of the data set is not a row"),
        ("a\tbenign\tx\t\tc\thost\tpower=7", "line 3 of the data set has a value that its feature cannot have"),
        ("a\tbenign\tx\t\tc\thost\tpower=0", "line 3 of the data set has a value that its feature cannot have"),
        ("a\tbenign\tx\t\tc\thost\tpower=-1", "line 3 of the data set has a value that its feature cannot have"),
    ],
)
def test_a_line_that_is_no_row_is_refused_by_its_number(line: str, complaint: str) -> None:
    with pytest.raises(DatasetError, match=complaint):
        read(packed(f"{HEAD}{line}\n"))


# What a row is made of.


def test_a_row_of_an_object_has_the_containers_of_all_its_pods() -> None:
    specs: list[Json] = [{"hostPID": True, "containers": []}, {"hostNetwork": True, "hostIPC": True, "containers": []}]
    jobs = [{"template": {"spec": {"template": {"spec": spec}}}} for spec in specs]
    obj = {"apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet", "spec": {"replicatedJobs": jobs}}

    row = of_object(obj, "a/b@0:x#0", True, "attack", "c", "escape")
    assert row == Row(
        "a/b@0:x#0",
        True,
        "attack",
        "escape",
        "c",
        True,
        ({"host_pid": 1, "host_namespaces": 1}, {"host_network": 1, "host_ipc": 1, "host_namespaces": 2}),
    )
    assert row.features == {"host_pid": 1, "host_namespaces": 2, "host_network": 1, "host_ipc": 1}
    assert (row.repository, row.synthetic) == ("a/b", False)


def test_containers_that_have_the_same_are_told_once() -> None:
    privileged: Json = {"securityContext": {"privileged": True}}
    row = of_object(workload({"containers": [{}, privileged, {}, privileged]}), "x", True, "attack", "c")
    assert row.containers == ({}, {"privileged": 1, "power": 2})


def test_an_object_without_a_pod_is_no_row() -> None:
    with pytest.raises(DatasetError, match="x holds no pod"):
        of_object({"apiVersion": "v1", "kind": "ConfigMap"}, "x", True, "attack", "c")


@pytest.mark.parametrize(
    ("spec", "host"),
    [
        ({"hostPID": True}, True),
        ({"volumes": [{"name": "v", "hostPath": {"path": "/data"}}]}, True),
        ({"containers": [{"securityContext": {"privileged": True}}]}, True),
        ({"containers": [{"image": "alpine", "command": ["xmrig"]}], "nodeName": "n"}, False),
    ],
)
def test_a_row_says_whether_it_uses_the_host(spec: Json, host: bool) -> None:
    assert of_object(workload({"containers": [{}], **spec}), "x", True, "attack", "c").host is host


def test_labels_follow_from_the_class_and_from_evidence() -> None:
    place = {"repo": "a/b", "commit": "0123456789abcdef", "path": "x.yaml"}

    def line(klass: str, **extra: object) -> Json:
        return {"origin_class": klass, "source": place, "cluster": "c", "object": pod(), **extra}

    found = of_corpus(
        [
            line("attack", family="mining"),
            line("vulnerable", evident=True),
            line("vulnerable", evident=False),
            line("vulnerable"),
            line("benign-app"),
            line("benign-infra", source={**place, "doc_index": 3}),
            line("unknown"),
            line("benign-app", object={"apiVersion": "v1", "kind": "Pod", "spec": {"hostPID": "yes"}}),
            line("benign-app", object={"apiVersion": "v1", "kind": "Service"}),
        ]
    )
    assert [(row.source, row.label, row.family) for row in found] == [
        ("a/b@0123456789ab:x.yaml#0", True, "mining"),
        ("a/b@0123456789ab:x.yaml#0", True, ""),
        ("a/b@0123456789ab:x.yaml#0", None, ""),
        ("a/b@0123456789ab:x.yaml#0", None, ""),
        ("a/b@0123456789ab:x.yaml#0", False, ""),
        ("a/b@0123456789ab:x.yaml#3", False, ""),
        ("a/b@0123456789ab:x.yaml#0", None, ""),
    ]


# The one that comes with Podgate.


def test_the_shipped_data_set_reads_and_is_written_again_byte_by_byte() -> None:
    rows = dataset.shipped()
    assert write(rows) == dataset.shipped_bytes()
    counts = Counter((row.label, row.synthetic) for row in rows)
    assert set(counts) == {(True, False), (False, False), (None, False), (True, True)}
    assert len({row.repository for row in rows if row.label}) > 20


def test_the_shipped_data_set_shows_every_feature() -> None:
    shown = {name for row in dataset.shipped() for name in row.features}
    assert shown == {feature.name for feature in FEATURES}


def test_no_text_of_a_manifest_is_in_the_shipped_data_set() -> None:
    head, columns, *lines = gzip.decompress(dataset.shipped_bytes()).decode().splitlines()
    assert f"{head}\n{columns}\n" == HEAD
    facts = re.compile(rf"(?:(?:{'|'.join(BY_NAME)})=[1-7](?: |$|(?=\|))|\|)*")
    for line in lines:
        source, label, klass, family, cluster, host, values = line.split("\t")
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@(?:[0-9a-f]{12}:.+#[\w-]+|(?:synthetic|disguised):.+)", source), source
        assert label in ("dangerous", "benign", "-")
        assert klass in ("attack", "vulnerable", "benign-app", "benign-infra", "unknown", "synthetic", "disguised")
        assert re.fullmatch(r"[\w.-]*", family), family
        assert len(cluster) <= 60
        assert host in ("host", "-")
        assert facts.fullmatch(values), values
