"""Manifests with a label, as rows."""

from pathlib import Path

from webhook.labelled import Labelled

POD = """\
apiVersion: v1
kind: Pod
metadata: {name: p}
spec: {containers: [{name: a, image: alpine, command: [sleep, inf]}]}
"""
SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80}]}\n"


def test_every_object_with_a_pod_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(f"{POD}---\n{SERVICE}---\n{POD}")
    found = Labelled()
    found.take([str(tmp_path)], "dangerous")

    assert found.problems == []
    assert [(row.source, row.label, row.klass, row.repository) for row in found.rows] == [
        (f"own@dangerous:{tmp_path}/a.yaml#0", True, "own", "own"),
        (f"own@dangerous:{tmp_path}/a.yaml#2", True, "own", "own"),
    ]
    assert found.rows[0].features == {"naked_pod": 1, "power_waiting_base": 1, "waits_in_base_image": 1}
    assert len({row.cluster for row in found.rows}) == 2


def test_without_a_repository_each_file_is_one_of_its_own(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(POD)
    found = Labelled()
    found.take([str(tmp_path)], "benign", None)

    assert [row.repository for row in found.rows] == [f"{tmp_path}/a.yaml", f"{tmp_path}/b.yaml"]
    assert [row.label for row in found.rows] == [False, False]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("a: [")
    (tmp_path / "chart.yaml").write_text("name: x\nversion: 1\n")
    (tmp_path / "typed.yaml").write_text("apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - {name: 1, image: b}\n")
    found = Labelled()
    found.take([str(tmp_path), str(tmp_path / "nowhere.yaml")], "benign")

    assert found.rows == []
    files = [problem.partition(": ")[0].removeprefix(f"{tmp_path}/") for problem in found.problems]
    assert files == ["broken.yaml:1", "typed.yaml:5", "nowhere.yaml"]
