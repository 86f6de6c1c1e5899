"""`podgate certs init`: what it makes, what it refuses, what it says."""

import ssl
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from certs.reload import Sources, load
from webhook.commands.certs import command


def init(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command, ["init", "--dir", str(folder), *arguments])


def test_it_makes_what_serve_needs(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "folder"
    result = init(folder, "--dns-name", "podgate.podgate.svc", "--ip", "127.0.0.1", "--days", "30")
    loaded = load(Sources(folder / "tls.crt", folder / "tls.key"), datetime.now(UTC))

    assert result.exit_code == 0
    assert (loaded.not_after - datetime.now(UTC)).days == 29
    assert sorted(file.name for file in folder.iterdir()) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / key).stat().st_mode) for key in ("ca.key", "tls.key")} == {0o600}
    ssl.create_default_context(cafile=str(folder / "ca.crt"))


def test_it_says_what_it_wrote_and_what_to_do_next(tmp_path: Path) -> None:
    said = init(tmp_path / "keys", "--dns-name", "localhost").output

    for name in ("ca.crt", "ca.key", "tls.crt", "tls.key"):
        assert str(tmp_path / "keys" / name) in said
    assert "caBundle" in said
    assert said.splitlines()[-1].startswith("Next: podgate serve --tls-cert ")


def test_it_replaces_nothing_unless_it_is_told_to(tmp_path: Path) -> None:
    init(tmp_path, "--dns-name", "localhost")
    before = (tmp_path / "ca.crt").read_bytes()
    refused = init(tmp_path, "--dns-name", "localhost")
    kept = (tmp_path / "ca.crt").read_bytes()
    forced = init(tmp_path, "--dns-name", "localhost", "--force")

    assert (refused.exit_code, forced.exit_code) == (2, 0)
    assert "already holds ca.crt, ca.key, tls.crt, tls.key; --force replaces them" in refused.output
    assert kept == before != (tmp_path / "ca.crt").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "say how the webhook is called"),
        (["--dns-name", "a b"], '"a b" is neither a DNS name nor an IP address'),
        (["--ip", "1.2.3.4", "--days", "0"], "--days"),
    ],
    ids=["no-name", "bad-name", "no-days"],
)
def test_a_mistake_is_said_plainly_and_nothing_is_written(tmp_path: Path, arguments: list[str], said: str) -> None:
    result = init(tmp_path / "keys", *arguments)

    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "keys").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = init(tmp_path / "file" / "keys", "--dns-name", "localhost")

    assert result.exit_code == 1
    assert "cannot be written: Not a directory" in result.output
