"""What an authority makes: extensions as browsers and Go want them, validity, PEM in and out, files."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import files
from certs.authority import Authority, AuthorityError, KeyPair

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
AUTHORITY = Authority.create("test authority", NOW)


def read(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def test_the_authority_signs_certificates_and_nothing_below_it_does() -> None:
    cert = read(AUTHORITY.pair.cert)
    basic = cert.extensions.get_extension_for_class(x509.BasicConstraints)
    usage = cert.extensions.get_extension_for_class(x509.KeyUsage)

    assert basic.critical
    assert basic.value.ca
    assert basic.value.path_length == 0
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature
    cert.verify_directly_issued_by(cert)


def test_a_serving_certificate_names_hosts_and_addresses() -> None:
    pair = AUTHORITY.server(["podgate.podgate.svc", "10.0.0.7", "::1"], NOW)
    cert = read(pair.cert)
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    usage = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value

    assert names.get_values_for_type(x509.DNSName) == ["podgate.podgate.svc"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["10.0.0.7", "::1"]
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert not cert.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    cert.verify_directly_issued_by(read(AUTHORITY.pair.cert))


def test_a_client_certificate_is_for_clients_only() -> None:
    cert = read(AUTHORITY.client("kube-apiserver", NOW).cert)

    assert list(cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.CLIENT_AUTH
    ]
    assert cert.subject.rfc4514_string() == "CN=kube-apiserver"


def test_key_identifiers_lead_from_the_leaf_to_the_authority() -> None:
    authority, leaf = read(AUTHORITY.pair.cert), read(AUTHORITY.server(["a"], NOW).cert)
    own = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    issuer = leaf.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value

    assert issuer.key_identifier == own.digest


def test_validity_begins_five_minutes_ago_and_lasts_as_long_as_asked() -> None:
    cert = read(AUTHORITY.server(["a"], NOW, timedelta(hours=1)).cert)

    assert cert.not_valid_before_utc == NOW - timedelta(minutes=5)
    assert cert.not_valid_after_utc == NOW + timedelta(hours=1)


def test_keys_are_p256_and_fresh_each_time() -> None:
    first, second = (read(AUTHORITY.server(["a"], NOW).cert) for _ in range(2))

    assert isinstance(key := first.public_key(), ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert key != second.public_key()
    assert first.serial_number != second.serial_number


def test_a_long_first_name_is_cut_in_the_subject_only() -> None:
    name = "a" * 60 + ".example.com"
    cert = read(AUTHORITY.server([name], NOW).cert)

    assert cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value.get_values_for_type(
        x509.DNSName
    ) == [name]


@pytest.mark.parametrize("sans", [[], [""], ["zwei wörter"], ["https://a/"]], ids=str)
def test_what_is_no_name_is_refused(sans: list[str]) -> None:
    with pytest.raises(AuthorityError):
        AUTHORITY.server(sans, NOW)


def test_an_authority_can_be_written_down_and_read_again() -> None:
    again = Authority.load(AUTHORITY.pair)

    read(again.server(["a"], NOW).cert).verify_directly_issued_by(read(AUTHORITY.pair.cert))


@pytest.mark.parametrize(
    "pair",
    [
        KeyPair(b"", b""),
        KeyPair(AUTHORITY.pair.cert, b"no key"),
        KeyPair(AUTHORITY.pair.cert, Authority.create("another", NOW).pair.key),
    ],
    ids=["empty", "no-key", "other-key"],
)
def test_an_authority_that_is_none_is_refused(pair: KeyPair) -> None:
    with pytest.raises(AuthorityError):
        Authority.load(pair)


def test_the_key_file_is_for_its_owner_only(tmp_path: Path) -> None:
    cert, key = tmp_path / "tls.crt", tmp_path / "tls.key"
    AUTHORITY.server(["a"], NOW).write(cert, key)

    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(cert.stat().st_mode) == 0o644
    assert sorted(file.name for file in tmp_path.iterdir()) == ["tls.crt", "tls.key"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        files.write(tmp_path / "folder", b"new")

    assert [file.name for file in tmp_path.iterdir()] == ["folder"]


def test_a_file_that_is_replaced_has_another_identity(tmp_path: Path) -> None:
    path, missing = tmp_path / "file", tmp_path / "missing"
    files.write(path, b"old")
    before = files.identities([path, missing])
    files.write(path, b"new")

    assert before[1] is None
    assert files.identities([path, missing]) != before
    assert files.identities([path]) == files.identities([path])
