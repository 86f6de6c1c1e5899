"""The files that a replica serves with: what is found there, what is written, what is somebody else's."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import Authority
from certs.bundle import Leaf, names
from certs.local import Local, authority_name
from certs.reload import CertificateError, Sources, load

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
PLACE = "podgate-system/podgate-tls"
OURS = Authority.create(authority_name(PLACE), NOW - timedelta(days=2))
NAME = "podgate.podgate-system.svc"


def leaf(authority: Authority = OURS, made: datetime = NOW) -> Leaf:
    return Leaf.read(authority.server([NAME], made, timedelta(days=1)))


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "tls" / "tls.crt", tmp_path / "keys" / "tls.key")


@pytest.fixture
def written(sources: Sources) -> Leaf:
    """What a process before us wrote."""
    found = leaf()
    Local(sources, PLACE, NOW).put(found)
    return found


def test_at_first_something_is_served_that_nobody_trusts(sources: Sources) -> None:
    local = Local(sources, PLACE, NOW)

    assert local.leaf is None
    assert load(sources, NOW).not_after > NOW
    assert b"BEGIN CERTIFICATE" in sources.cert.read_bytes()
    assert Local(sources, PLACE, NOW).leaf is None, "and is not taken for something better later"


def test_what_was_put_is_found_by_the_next_process(sources: Sources, written: Leaf) -> None:
    found = Local(sources, PLACE, NOW).leaf

    assert found is not None
    assert (found.pair, names(found.cert)) == (written.pair, (NAME,))
    assert stat.S_IMODE(sources.key.stat().st_mode) == 0o600
    assert load(sources, NOW).not_after == written.cert.not_valid_after_utc


@pytest.mark.parametrize("days", [2, -2], ids=["ended", "not begun"])
def test_what_is_not_valid_now_is_not_served(sources: Sources, written: Leaf, days: int) -> None:
    now = NOW + timedelta(days=days)

    assert Local(sources, PLACE, now).leaf is None
    assert sources.cert.read_bytes() != written.pair.cert
    load(sources, now)


@pytest.mark.parametrize(
    "key", [None, b"", b"rubbish", leaf().pair.key], ids=["none", "empty", "rubbish", "of another"]
)
@pytest.mark.usefixtures("written")
def test_a_process_that_ended_between_the_two_files_keeps_nobody_from_starting(
    sources: Sources, key: bytes | None
) -> None:
    sources.key.unlink()
    if key is not None:
        sources.key.write_bytes(key)

    assert Local(sources, PLACE, NOW).leaf is None
    load(sources, NOW)


@pytest.mark.parametrize(
    ("cert", "key"),
    [
        (leaf(Authority.create("theirs", NOW)).pair.cert, None),
        (leaf(Authority.create(authority_name("other/place"), NOW)).pair.cert, b"theirs"),
        (b"rubbish", None),
        (None, b"theirs"),
    ],
    ids=["foreign", "of another Secret", "rubbish", "key alone"],
)
def test_what_is_somebody_elses_is_not_overwritten(sources: Sources, cert: bytes | None, key: bytes | None) -> None:
    for path, content in ((sources.cert, cert), (sources.key, key)):
        path.parent.mkdir()
        if content is not None:
            path.write_bytes(content)
    with pytest.raises(CertificateError, match="was not written by Podgate for this Secret") as caught:
        Local(sources, PLACE, NOW)

    assert "so name files in a folder of their own" in str(caught.value)
    assert [path.read_bytes() if path.exists() else None for path in sources.paths] == [cert, key]


def test_what_cannot_be_written_is_named_without_a_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    sources = Sources(tmp_path / "file" / "tls.crt", tmp_path / "file" / "tls.key")
    with pytest.raises(
        CertificateError, match=r"file/tls\.crt and its key cannot be written: (not a directory|file exists)"
    ):
        Local(sources, PLACE, NOW)


def test_the_name_of_an_authority_is_no_longer_than_a_name_may_be() -> None:
    assert authority_name("n" * 63 + "/" + "s" * 253) == ("podgate " + "n" * 63)[:64]
