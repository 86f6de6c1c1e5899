"""A file of namespaces: however it is written, what is wrong with it, and that it is followed."""

import logging
from pathlib import Path

import pytest

from webhook.metrics import Metrics
from webhook.namespaces import NamespacesError, NamespacesFile, load

SHOP = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {team: a}}\n"
BARE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: bare}\n"
INLINE = "{apiVersion: v1, kind: Namespace, metadata: {name: %s}}"


def indented(text: str) -> str:
    return text.replace("\n", "\n  ").rstrip(" ")


@pytest.mark.parametrize(
    "content",
    [
        f"{SHOP}---\n{BARE}",
        f"- {indented(SHOP)}- {indented(BARE)}",
        f"apiVersion: v1\nkind: List\nitems:\n- {indented(SHOP)}- {indented(BARE)}",
        "kind: NamespaceList\nitems: [{metadata: {name: shop, labels: {team: a}}}, {metadata: {name: bare}}]",
        '{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"team": "a"}}}\n---\n'
        + BARE,
    ],
    ids=["stream", "list", "List", "NamespaceList", "JSON"],
)
def test_namespaces_are_read_however_they_are_written(tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_text(content)

    assert load(tmp_path / "file") == {"shop": {"team": "a"}, "bare": {}}


@pytest.mark.parametrize("content", ["[]", "apiVersion: v1\nkind: List\nitems: null\n"], ids=["list", "List"])
def test_there_may_be_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "file").write_text(content)

    assert load(tmp_path / "file") == {}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", " is empty: where there are no namespaces, write []"),
        ("# nothing\n---\n", " is empty: where there are no namespaces, write []"),
        ("a: [", ":1: is not YAML"),
        ("a: 1\na: 2\n", ":2: "),
        ("just text", ":1: is not a Namespace of v1"),
        ("- apiVersion: v1\n  kind: Pod\n", ":1: is not a Namespace of v1"),
        ("apiVersion: v1\nkind: List\nitems: {}\n", ":3: is not a Namespace of v1"),
        ("- apiVersion: v1\n  kind: Namespace\n", ":1: this Namespace has no name"),
        (INLINE % "1", ":1: this Namespace has no name"),
        (f"- {INLINE % 'a'}\n- {INLINE % 'b'}\n- {INLINE % 'a'}\n", ":3: Namespace a is there twice"),
        (INLINE % "a, labels: [x]", ":1: the labels of Namespace a must be an object"),
        (INLINE % "a, labels: {x: yes}", ":1: label x of Namespace a must be a string: write it in quotes"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    with pytest.raises(NamespacesError) as caught:
        load(path)

    assert str(caught.value).startswith(f"{path}{problem}")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(NamespacesError, match="file cannot be read: no such file or directory"):
        load(tmp_path / "file")
    with pytest.raises(NamespacesError, match="is not a file"):
        load(tmp_path)


class Tried:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.write(SHOP)
        self.metrics = Metrics()
        self.file = NamespacesFile(path, self.metrics)

    def write(self, content: str) -> None:
        new = self.path.with_name("new")
        new.write_text(content)
        new.replace(self.path)

    def look(self) -> None:
        """Look until the file has settled."""
        self.file.check()
        self.file.check()

    def counted(self) -> tuple[float | None, ...]:
        value = self.metrics.registry.get_sample_value
        results = [value("podgate_reloads_total", {"what": "namespaces", "result": each}) for each in ("ok", "failed")]
        return value("podgate_namespaces"), *results


@pytest.fixture
def tried(tmp_path: Path) -> Tried:
    return Tried(tmp_path / "namespaces.yaml")


def test_who_is_not_in_the_file_is_not_known(tried: Tried) -> None:
    assert (tried.file.labels("shop"), tried.file.labels("bare")) == ({"team": "a"}, None)
    assert tried.counted() == (1, 0, 0)


def test_a_change_counts(tried: Tried) -> None:
    tried.write(BARE + "---\n" + SHOP)
    tried.look()

    assert tried.file.labels("bare") == {}
    assert tried.counted() == (2, 1, 0)


def test_the_same_content_is_no_change_unless_somebody_asks(tried: Tried) -> None:
    tried.write(SHOP)
    tried.look()
    assert tried.counted() == (1, 0, 0)
    tried.file.check(force=True)
    assert tried.counted() == (1, 1, 0)


def test_what_cannot_be_used_keeps_the_old_and_is_said_once(tried: Tried, caplog: pytest.LogCaptureFixture) -> None:
    tried.write("- nothing")
    for _ in range(3):
        tried.look()
    assert tried.file.labels("shop") == {"team": "a"}
    assert tried.counted() == (1, 0, 1)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    tried.file.check(force=True)
    tried.write(SHOP)
    tried.look()

    assert tried.counted() == (1, 1, 2)
    assert tried.file.labels("bare") is None
