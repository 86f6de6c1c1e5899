"""A folder as a store: whole files, keys for the owner only, and no writer undoes another."""

import stat
from pathlib import Path

import pytest

from certs.store import ConflictError, Folder, StoreError

CONTENT = {"ca.crt": b"1", "ca.key": b"2", "next-ca.key": b"", "tls.crt": b"3", "tls.key": b"4"}


def test_it_reads_what_it_wrote_and_leaves_other_files_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "next-ca.key").write_text("old")
    folder = Folder(tmp_path)
    folder.write(CONTENT, folder.read().version)

    assert folder.read().content == {name: found for name, found in CONTENT.items() if found}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["ca.crt", "ca.key", "notes.txt", "tls.crt", "tls.key"]
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in tmp_path.iterdir()}
    assert (modes["ca.key"], modes["tls.key"], modes["tls.crt"]) == (0o600, 0o600, 0o644)


def test_whoever_writes_second_is_told(tmp_path: Path) -> None:
    first, second = Folder(tmp_path), Folder(tmp_path)
    version = first.read().version
    first.write(CONTENT, version)

    with pytest.raises(ConflictError, match="somebody else changed"):
        second.write(CONTENT | {"tls.crt": b"5"}, version)
    assert second.read().content["tls.crt"] == b"3"


@pytest.mark.parametrize("name", ["tls.key", "ca.crt"])
def test_what_cannot_be_read_or_written_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    with pytest.raises(StoreError, match=f"{name} cannot be read: is a directory"):
        Folder(tmp_path).read()


def test_a_folder_that_is_not_there_holds_nothing_and_cannot_be_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "none")
    found = folder.read()

    assert found.content == {}
    with pytest.raises(StoreError, match=r"ca\.key cannot be written: no such file or directory"):
        folder.write(CONTENT, found.version)


def test_keys_are_not_in_what_python_shows_of_it(tmp_path: Path) -> None:
    Folder(tmp_path).write(CONTENT | {"ca.key": b"SECRET"}, Folder(tmp_path).read().version)
    assert "SECRET" not in repr(Folder(tmp_path).read())
