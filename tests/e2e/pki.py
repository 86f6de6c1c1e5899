"""Throw-away keys and certificates for a test control plane: one CA and what it signs."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    cert: Path
    key: Path


def write_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Make a P-256 key, write it readable by its owner only, and return it."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    # Not PKCS#8: the API server reads an ECDSA service account key only in the older form.
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    return key


def _name(common_name: str, organization: str | None = None) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


class Authority:
    """A certificate authority that lives as long as the folder that its files are in."""

    def __init__(self, folder: Path) -> None:
        """Make the CA's own key and certificate, ca.key and ca.crt."""
        self._folder = folder
        self.cert = folder / "ca.crt"
        self._key = write_key(folder / "ca.key")
        self._issuer = _name("podgate-e2e-ca")
        builder = self._builder(self._issuer, self._key.public_key(), ca=True)
        self._write(self.cert, builder)

    def server(self, name: str, sans: Sequence[str]) -> KeyPair:
        """Sign a serving certificate for these host names and addresses."""
        alternative = x509.SubjectAlternativeName([_general_name(san) for san in sans])
        return self._leaf(name, _name(name), ExtendedKeyUsageOID.SERVER_AUTH, alternative)

    def client(self, name: str, user: str, group: str | None = None) -> KeyPair:
        """Sign a client certificate that makes its holder this user, in this group."""
        return self._leaf(name, _name(user, group), ExtendedKeyUsageOID.CLIENT_AUTH)

    def _leaf(
        self,
        name: str,
        subject: x509.Name,
        usage: x509.ObjectIdentifier,
        alternative: x509.SubjectAlternativeName | None = None,
    ) -> KeyPair:
        pair = KeyPair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        key = write_key(pair.key)
        builder = self._builder(subject, key.public_key(), ca=False)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if alternative is not None:
            builder = builder.add_extension(alternative, critical=False)
        self._write(pair.cert, builder)
        return pair

    def _builder(
        self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey, *, ca: bool
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._issuer)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=ca), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(issuer_id, critical=False)
        )

    def _write(self, path: Path, builder: x509.CertificateBuilder) -> None:
        cert = builder.sign(self._key, hashes.SHA256())
        path.write_bytes(cert.public_bytes(serialization.Encoding.PEM))
