"""Keys that sign: made, kept to their owner, read back, refused."""

import os
import stat
import threading
from base64 import b64decode
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from certs.signing import SigningKey, SigningKeyError


def pem(key: Ed25519PrivateKey, encryption: KeySerializationEncryption) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def test_a_key_signs_the_same_after_it_was_written(tmp_path: Path) -> None:
    key = SigningKey.create()
    key.write(tmp_path / "a.key")
    read = SigningKey.read(tmp_path / "a.key")

    assert stat.S_IMODE((tmp_path / "a.key").stat().st_mode) == 0o600
    assert (read.public, read.sign(b"x")) == (key.public, key.sign(b"x"))
    Ed25519PublicKey.from_public_bytes(b64decode(key.public)).verify(key.sign(b"x"), b"x")


def test_two_keys_differ() -> None:
    assert SigningKey.create().public != SigningKey.create().public


def test_a_key_does_not_show_its_private_half() -> None:
    key = SigningKey.create()
    assert key.public not in repr(key)
    assert "PRIVATE" not in repr(key)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602, 0o601], ids=oct)
def test_a_file_that_others_can_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "a.key"
    SigningKey.create().write(path)
    path.chmod(mode)
    with pytest.raises(SigningKeyError) as caught:
        SigningKey.read(path)
    assert str(caught.value) == (
        f"{path} can be read or written by others than its owner, who could sign with it: chmod 600 {path}, "
        "and make a new key if somebody may have done so"
    )


def test_a_pipe_may_hold_one(tmp_path: Path) -> None:
    content = pem(Ed25519PrivateKey.generate(), NoEncryption())
    os.mkfifo(tmp_path / "pipe", 0o644)
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=[content])
    writer.start()
    assert len(SigningKey.read(tmp_path / "pipe").sign(b"")) == 64
    writer.join()


ENCRYPTED = pem(Ed25519PrivateKey.generate(), BestAvailableEncryption(b"secret"))
CURVE = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no private key in PEM: `podgate override keygen` makes one"),
        (b"\xff" * 100_000, "holds no private key in PEM: `podgate override keygen` makes one"),
        (CURVE, "is no Ed25519 key: `podgate override keygen` makes one"),
        (ENCRYPTED, "is encrypted: decrypt it first, into a pipe or a file of yours alone"),
    ],
    ids=["empty", "garbage", "another-kind", "encrypted"],
)
def test_what_is_no_key_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "a.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(SigningKeyError) as caught:
        SigningKey.read(path)
    assert str(caught.value) == f"{path} {said}"


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyError) as caught:
        SigningKey.read(tmp_path / "a.key")
    assert str(caught.value) == f"{tmp_path / 'a.key'} cannot be read: No such file or directory"
