"""Throw-away keys and certificates for a test control plane, as files: one CA and what it signs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from certs import authority


@dataclass(frozen=True)
class KeyPair:
    """A certificate and its private key, as PEM files."""

    cert: Path
    key: Path


def write_key(path: Path) -> None:
    """Make a P-256 key for service account tokens, and write it readable by its owner only."""
    key = ec.generate_private_key(ec.SECP256R1())
    path.touch(mode=0o600)
    # Not PKCS#8: the API server reads an ECDSA service account key only in the older form.
    form = serialization.PrivateFormat.TraditionalOpenSSL
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


class Authority:
    """A certificate authority that lives as long as the folder that its files are in."""

    def __init__(self, folder: Path) -> None:
        """Make the CA, ca.crt and ca.key."""
        self._folder = folder
        self._signs = authority.Authority.create("podgate-e2e-ca", datetime.now(UTC))
        self.cert = self._write("ca", self._signs.pair).cert

    def server(self, name: str, sans: Sequence[str]) -> KeyPair:
        """Sign a serving certificate for these host names and addresses."""
        return self._write(name, self._signs.server(sans, datetime.now(UTC)))

    def client(self, name: str, user: str, group: str | None = None) -> KeyPair:
        """Sign a client certificate that makes its holder this user, in this group."""
        return self._write(name, self._signs.client(user, datetime.now(UTC), organization=group))

    def _write(self, name: str, pair: authority.KeyPair) -> KeyPair:
        written = KeyPair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        pair.write(written.cert, written.key)
        return written
