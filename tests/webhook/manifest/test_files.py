"""Paths to files: folders, links, pipes, and what cannot be read."""

import os
from pathlib import Path

import pytest

from webhook.manifest import File, find


def names(root: Path, *paths: str) -> list[str]:
    return [file.name.removeprefix(f"{root}/") for file in find(paths or (str(root),))]


def write(root: Path, *files: str) -> None:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(file)


def test_folders_are_walked_in_the_order_of_names(tmp_path: Path) -> None:
    write(tmp_path, "b.yaml", "a/z.yml", "a/y.json", "c/d/e.yaml", "readme.md", "a/x.yaml.bak", ".git/config.yaml")
    assert names(tmp_path) == ["a/y.json", "a/z.yml", "b.yaml", "c/d/e.yaml"]


def test_hidden_files_count_and_hidden_folders_do_when_they_are_named(tmp_path: Path) -> None:
    write(tmp_path, ".hidden.yaml", ".git/x.yaml")
    assert names(tmp_path) == [".hidden.yaml"]
    assert names(tmp_path, f"{tmp_path}/.git") == [".git/x.yaml"]


def test_a_named_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    write(tmp_path, "pod.txt")
    assert list(find([f"{tmp_path}/pod.txt"])) == [File(f"{tmp_path}/pod.txt", b"pod.txt")]


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    write(tmp_path, "a/x.yaml")
    (tmp_path / "a" / "up").symlink_to(tmp_path)
    (tmp_path / "twin").symlink_to(tmp_path / "a")
    assert names(tmp_path) == ["a/x.yaml"]


def test_links_to_files_and_to_folders_elsewhere_are_followed(tmp_path: Path) -> None:
    write(tmp_path, "one/x.yaml", "two/y.yaml")
    (tmp_path / "one" / "z.yaml").symlink_to(tmp_path / "two" / "y.yaml")
    (tmp_path / "one" / "other").symlink_to(tmp_path / "two")
    assert names(tmp_path, f"{tmp_path}/one") == ["one/other/y.yaml", "one/x.yaml", "one/z.yaml"]


def test_what_cannot_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a/x.yaml")
    (tmp_path / "a" / "gone.yaml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "a" / "gone").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "a" / "pipe.yaml")
    (tmp_path / "empty").mkdir()
    found = {file.name.removeprefix(f"{tmp_path}/"): file.problem for file in find([str(tmp_path), f"{tmp_path}/no"])}
    found |= {file.name.removeprefix(f"{tmp_path}/"): file.problem for file in find([f"{tmp_path}/empty"])}
    assert found == {
        "a/gone.yaml": "cannot be read: No such file or directory",
        "a/pipe.yaml": "is not a regular file",
        "a/x.yaml": None,
        "no": "cannot be read: No such file or directory",
        "empty": "is a folder without any .yaml, .yml or .json file",
    }


def test_what_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "a/x.yaml", "b.yaml")

    def forbidden(path: str) -> list[str]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("webhook.manifest.files.os.listdir", forbidden)
    [found] = find([str(tmp_path)])
    assert found.problem == "cannot be read: Permission denied"


def test_a_name_that_is_not_utf_8_is_shown_as_far_as_it_is(tmp_path: Path) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.yaml"
    Path(os.fsdecode(path)).write_text("x")
    assert names(tmp_path) == ["\ufffd.yaml"]
