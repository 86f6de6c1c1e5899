"""A certificate authority, and what it signs: ECDSA P-256 keys, PEM in and out. The caller brings the clock."""

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import files

#: How far in the past validity begins: the clocks of a cluster's machines differ by as much.
SKEW = timedelta(minutes=5)
AUTHORITY_LIFETIME = timedelta(days=3650)
LEAF_LIFETIME = timedelta(days=365)

_MAX_COMMON_NAME = 64  # RFC 5280, ub-common-name


class AuthorityError(Exception):
    """A certificate that cannot be made: what is wrong, for a person."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, as PEM."""

    cert: bytes
    key: bytes = field(repr=False)

    def write(self, cert: Path, key: Path) -> None:
        """Write both, the key first and readable by its owner only. Raises OSError."""
        files.write(key, self.key, files.PRIVATE)
        files.write(cert, self.cert)


@dataclass(frozen=True, slots=True)
class Authority:
    """Signs certificates. `pair` is its own certificate and key, as PEM."""

    pair: KeyPair
    cert: x509.Certificate
    _key: ec.EllipticCurvePrivateKey = field(repr=False)

    @classmethod
    def create(cls, name: str, now: datetime, lifetime: timedelta = AUTHORITY_LIFETIME) -> Self:
        """Make an authority that trusts itself. Raises AuthorityError."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(name)
        builder = _builder(subject, subject, key.public_key(), key.public_key(), now, lifetime)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(_usage(signs=True), critical=True)
        cert = builder.sign(key, hashes.SHA256())
        return cls(_pair(cert, key), cert, key)

    @classmethod
    def load(cls, pair: KeyPair) -> Self:
        """The authority that was written down before. Raises AuthorityError."""
        try:
            cert = x509.load_pem_x509_certificate(pair.cert)
            key = serialization.load_pem_private_key(pair.key, password=None)
        except (ValueError, TypeError) as error:
            raise AuthorityError(f"the authority cannot be read: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != cert.public_key():
            raise AuthorityError("the authority's key does not belong to its certificate")
        return cls(pair, cert, key)

    def server(self, sans: Sequence[str], now: datetime, lifetime: timedelta = LEAF_LIFETIME) -> KeyPair:
        """A serving certificate for these DNS names and IP addresses. It ends with the authority, if not before.

        Raises AuthorityError.
        """
        if not sans:
            raise AuthorityError("a serving certificate needs at least one DNS name or IP address")
        names = x509.SubjectAlternativeName([_general_name(san) for san in sans])
        # The common name is read by nobody but people: the API server looks at the alternative names only.
        return self._sign(_name(sans[0][:_MAX_COMMON_NAME]), ExtendedKeyUsageOID.SERVER_AUTH, names, now, lifetime)

    def client(
        self, name: str, now: datetime, lifetime: timedelta = LEAF_LIFETIME, organization: str | None = None
    ) -> KeyPair:
        """A certificate that a client shows: to an API server it is the user `name` in the group `organization`.

        Raises AuthorityError.
        """
        return self._sign(_name(name, organization), ExtendedKeyUsageOID.CLIENT_AUTH, None, now, lifetime)

    def _sign(
        self,
        subject: x509.Name,
        purpose: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None,
        now: datetime,
        lifetime: timedelta,
    ) -> KeyPair:
        left = self.cert.not_valid_after_utc - now
        if left <= timedelta(0):
            raise AuthorityError(f"the authority expired at {self.cert.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")
        lifetime = min(lifetime, left)
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(subject, self.cert.subject, key.public_key(), self._key.public_key(), now, lifetime)
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(_usage(signs=False), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        return _pair(builder.sign(self._key, hashes.SHA256()), key)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    issuer_key: ec.EllipticCurvePublicKey,
    now: datetime,
    lifetime: timedelta,
) -> x509.CertificateBuilder:
    now = now.astimezone(UTC)
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + lifetime)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(issuer_id, critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs,
        crl_sign=signs,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common_name: str, organization: str | None = None) -> x509.Name:
    try:
        parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
        if organization is not None:
            parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        return x509.Name(parts)
    except ValueError as error:
        raise AuthorityError(f'"{common_name}" cannot be the name of a certificate: {error}') from error


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        pass
    if not name or not name.isascii() or any(letter.isspace() or letter == "/" for letter in name):
        raise AuthorityError(f'"{name}" is neither a DNS name nor an IP address')
    return x509.DNSName(name)


def _pair(cert: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> KeyPair:
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return KeyPair(cert.public_bytes(serialization.Encoding.PEM), private)
