"""The certificate that is served: every check before it is used, and every way a swap can go wrong."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import files, reload
from certs.authority import Authority, KeyPair
from certs.reload import CertificateError, Keeper, Sources, load

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
AUTHORITY = Authority.create("test authority", NOW)
OTHER = Authority.create("another authority", NOW)
PAIRS = [AUTHORITY.server(["localhost"], NOW) for _ in range(2)]
EXPIRED = AUTHORITY.server(["localhost"], NOW - timedelta(days=2), timedelta(days=1))


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    found = Sources(tmp_path / "tls.crt", tmp_path / "tls.key")
    PAIRS[0].write(found.cert, found.key)
    return found


@pytest.fixture
def keeper(sources: Sources) -> Keeper:
    return Keeper(sources, Clock())


def without(builder: Callable[[x509.CertificateBuilder], x509.CertificateBuilder]) -> KeyPair:
    """A self-signed certificate with nothing but what `builder` adds."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    bare = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    bare = bare.serial_number(1).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    cert = builder(bare).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(cert.public_bytes(serialization.Encoding.PEM), private)


def encrypted(pair: KeyPair) -> bytes:
    key = serialization.load_pem_private_key(pair.key, None)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    )


def client_usage(builder: x509.CertificateBuilder) -> x509.CertificateBuilder:
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    return builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)


NO_NAME = without(lambda builder: builder)
FOR_CLIENTS = without(client_usage)
BROKEN = {
    "mismatch": (PAIRS[0].cert, PAIRS[1].key, "tls.key is not the key of"),
    "expired": (EXPIRED.cert, EXPIRED.key, "expired at 2026-04-30T12:00:00Z"),
    "half a certificate": (PAIRS[0].cert[:200], PAIRS[0].key, "is not a certificate in PEM"),
    "half a key": (PAIRS[0].cert, PAIRS[0].key[:100], "cannot be loaded"),
    "an empty certificate": (b" \n", PAIRS[0].key, "tls.crt is empty"),
    "an empty key": (PAIRS[0].cert, b"", "tls.key is empty"),
    "a key that asks for a password": (PAIRS[0].cert, encrypted(PAIRS[0]), "encrypted"),
    "no alternative name": (NO_NAME.cert, NO_NAME.key, "no subject alternative name"),
    "meant for clients": (FOR_CLIENTS.cert, FOR_CLIENTS.key, "lacks serverAuth"),
    "much too large": (PAIRS[0].cert, b"x" * 1_100_000, "larger than"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_served_with_is_refused(name: str, sources: Sources) -> None:
    cert, key, problem = BROKEN[name]
    KeyPair(cert, key).write(sources.cert, sources.key)

    with pytest.raises(CertificateError, match=problem):
        load(sources, NOW)


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_served_with_is_said_once_and_the_old_one_stays(
    name: str, sources: Sources, keeper: Keeper
) -> None:
    before = keeper.current
    cert, key, problem = BROKEN[name]
    KeyPair(cert, key).write(sources.cert, sources.key)
    first, second = keeper.refresh(), keeper.refresh()

    assert first is not None
    assert first.loaded is None
    assert problem in first.problem
    assert second is None
    assert keeper.current is before


def test_a_certificate_that_is_not_valid_yet_is_taken_when_it_is(sources: Sources) -> None:
    clock = Clock()
    keeper = Keeper(sources, clock)
    AUTHORITY.server(["localhost"], NOW + timedelta(hours=1)).write(sources.cert, sources.key)
    early = keeper.refresh()
    clock.now = NOW + timedelta(hours=1)
    later = keeper.refresh()

    assert early is not None
    assert "is not valid before 2026-05-01T12:55:00Z" in early.problem
    assert later is not None
    assert later.loaded is keeper.current


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(CertificateError, match=r"tls\.crt cannot be read: no such file"):
        load(Sources(tmp_path / "tls.crt", tmp_path / "tls.key"), NOW)


def test_the_loaded_certificate_says_when_it_ends(sources: Sources) -> None:
    assert load(sources, NOW).not_after == NOW + timedelta(days=365)


def test_nothing_is_done_while_nothing_changes(keeper: Keeper) -> None:
    assert keeper.refresh() is None


def test_a_file_that_is_written_again_with_the_same_content_is_no_change(sources: Sources, keeper: Keeper) -> None:
    before = keeper.current
    PAIRS[0].write(sources.cert, sources.key)

    assert keeper.refresh() is None
    assert keeper.current is before


def test_a_new_pair_is_swapped_in(sources: Sources, keeper: Keeper) -> None:
    before = keeper.current
    PAIRS[1].write(sources.cert, sources.key)
    swapped = keeper.refresh()

    assert swapped is not None
    assert swapped.loaded is keeper.current
    assert keeper.current.fingerprint != before.fingerprint
    assert keeper.refresh() is None


def test_files_written_one_after_the_other_become_a_pair(sources: Sources, keeper: Keeper) -> None:
    files.write(sources.cert, PAIRS[1].cert)
    half = keeper.refresh()
    files.write(sources.key, PAIRS[1].key)
    whole = keeper.refresh()

    assert half is not None
    assert half.loaded is None
    assert whole is not None
    assert whole.loaded is not None


def test_a_broken_pair_that_is_taken_back_is_good_again_and_forgotten(sources: Sources, keeper: Keeper) -> None:
    served = keeper.current.digest
    files.write(sources.key, PAIRS[1].key)
    first = keeper.refresh()
    files.write(sources.key, PAIRS[0].key)
    back, quiet = keeper.refresh(), keeper.refresh()
    files.write(sources.key, PAIRS[1].key)
    again = keeper.refresh()

    assert first is not None
    assert back is not None
    assert back.loaded is not None
    assert back.loaded.digest == served
    assert quiet is None
    assert again is not None


def test_files_that_change_while_they_are_read_are_not_used(
    sources: Sources, keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was checked would be one certificate, and what is served another."""
    build = reload._context

    def replace_then_build(found: Sources) -> ssl.SSLContext:
        EXPIRED.write(sources.cert, sources.key)
        return build(found)

    PAIRS[1].write(sources.cert, sources.key)
    with monkeypatch.context() as patched:
        patched.setattr(reload, "_context", replace_then_build)
        found = keeper.refresh()

    assert found is not None
    assert "changed while it was read" in found.problem


def test_a_mounted_secret_is_swapped_by_its_link(tmp_path: Path) -> None:
    for number, pair in enumerate(PAIRS):
        (tmp_path / f"..{number}").mkdir()
        pair.write(tmp_path / f"..{number}" / "tls.crt", tmp_path / f"..{number}" / "tls.key")
    (tmp_path / "..data").symlink_to("..0")
    sources = Sources(tmp_path / "tls.crt", tmp_path / "tls.key")
    for path in sources.paths:
        path.symlink_to(Path("..data") / path.name)
    keeper = Keeper(sources, Clock())
    (tmp_path / "..next").symlink_to("..1")
    (tmp_path / "..next").rename(tmp_path / "..data")
    swapped = keeper.refresh()

    assert swapped is not None
    assert swapped.loaded is not None


def test_a_forced_refresh_answers_even_when_nothing_changed(sources: Sources, keeper: Keeper) -> None:
    unchanged = keeper.refresh(force=True)
    files.write(sources.key, PAIRS[1].key)
    keeper.refresh()
    broken = keeper.refresh(force=True)

    assert unchanged is not None
    assert unchanged.loaded is not None
    assert broken is not None
    assert "is not the key of" in broken.problem


def test_clients_are_asked_for_a_certificate_only_with_an_authority(sources: Sources) -> None:
    files.write(sources.cert.with_name("ca.crt"), AUTHORITY.pair.cert)
    asked = load(Sources(sources.cert, sources.key, sources.cert.with_name("ca.crt")), NOW)

    assert load(sources, NOW).context.verify_mode is ssl.CERT_NONE
    assert asked.context.verify_mode is ssl.CERT_REQUIRED


def test_a_client_authority_that_is_none_is_refused(sources: Sources) -> None:
    files.write(sources.cert.with_name("ca.crt"), b"none")
    with pytest.raises(CertificateError, match=r"ca\.crt is not a certificate authority"):
        load(Sources(sources.cert, sources.key, sources.cert.with_name("ca.crt")), NOW)


@pytest.mark.parametrize("name", [None, "localhost"], ids=["without-sni", "with-sni"])
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda found: found.name)
def test_a_resumed_session_does_not_outlive_its_client_authority(
    tmp_path: Path, version: ssl.TLSVersion, name: str | None
) -> None:
    now = datetime.now(UTC)
    authority, other = Authority.create("old", now), Authority.create("new", now)
    sources = Sources(tmp_path / "tls.crt", tmp_path / "tls.key", tmp_path / "ca.crt")
    authority.server(["localhost"], now).write(sources.cert, sources.key)
    files.write(tmp_path / "ca.crt", authority.pair.cert)
    keeper = Keeper(sources, lambda: now)
    authority.client("api-server", now).write(tmp_path / "client.crt", tmp_path / "client.key")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(cadata=authority.pair.cert.decode())
    client.load_cert_chain(tmp_path / "client.crt", tmp_path / "client.key")
    client.minimum_version = client.maximum_version = version

    session, reused = handshake(keeper.context, client, name, None)
    _, reused_again = handshake(keeper.context, client, name, session)
    files.write(tmp_path / "ca.crt", other.pair.cert)
    swapped = keeper.refresh()

    assert (reused, reused_again) == (False, True)
    assert swapped is not None
    assert swapped.loaded is not None
    with pytest.raises(ssl.SSLError, match=r"(?i)certificate"):
        handshake(keeper.context, client, name, session)


def handshake(
    served: ssl.SSLContext, client: ssl.SSLContext, name: str | None, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool]:
    """Shake hands in memory. Returns the client's session, and whether it was resumed; raises ssl.SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name, session=session)
    two = served.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (one, two):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    two.write(b"x")
    one.read(1)
    return one.session, bool(one.session_reused)


def test_a_file_at_the_limit_is_read_and_a_byte_more_is_not(sources: Sources) -> None:
    content = sources.cert.read_bytes()
    sources.cert.write_bytes(content.ljust(1 << 20, b"\n"))
    load(sources, NOW)
    sources.cert.write_bytes(content.ljust((1 << 20) + 1, b"\n"))
    with pytest.raises(CertificateError, match="is larger than 1048576 bytes"):
        load(sources, NOW)
