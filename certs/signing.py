"""Keys that sign: Ed25519, PEM (PKCS8) on disk, readable by their owner only. The private half never leaves here."""

import os
import stat
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from certs import files

_MOST_BYTES = 16_384


class SigningKeyError(Exception):
    """A key that cannot be used: what is wrong, for a person."""


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """Signs. It shows its public half only."""

    _key: Ed25519PrivateKey

    @classmethod
    def create(cls) -> Self:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def read(cls, path: Path) -> Self:
        """A key from a file; whatever is no regular file (a pipe) may hold one, too. Raises SigningKeyError."""
        try:
            with path.open("rb") as file:
                mode = os.fstat(file.fileno()).st_mode
                content = file.read(_MOST_BYTES)
        except OSError as error:
            raise SigningKeyError(f"{path} cannot be read: {error.strerror or error}") from error
        if stat.S_ISREG(mode) and mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SigningKeyError(
                f"{path} can be read or written by others than its owner, who could sign with it: chmod 600 {path}, "
                "and make a new key if somebody may have done so"
            )
        return cls(_parse(content, path))

    @property
    def public(self) -> str:
        """Base64 of the 32 bytes of the public key."""
        return b64encode(self._key.public_key().public_bytes_raw()).decode()

    def sign(self, document: bytes) -> bytes:
        return self._key.sign(document)

    def write(self, path: Path) -> None:
        """Write the private key, readable by its owner only. Raises OSError."""
        pem = self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        files.write(path, pem, files.PRIVATE)


def _parse(content: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(content, password=None)
    except TypeError as error:
        raise SigningKeyError(f"{path} is encrypted: decrypt it first, into a pipe or a file of yours alone") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise SigningKeyError(f"{path} holds no private key in PEM: `podgate override keygen` makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyError(f"{path} is no Ed25519 key: `podgate override keygen` makes one")
    return key
