"""Keys, as the commands that sign and verify name and read them."""

from collections.abc import Callable
from pathlib import Path

import click

from certs.signing import SigningKey
from policies import signature
from policies.keys import PublicKey
from policies.signature import Keys
from webhook.commands import BadInputError


def name_of(key: SigningKey, file: Path, given: str | None) -> str:
    """The id of a key: what was given, or how its file is called. Raises click's errors."""
    name = given or file.stem
    try:
        signature.compile_keys([PublicKey(name, key.public)])
    except ValueError as error:
        raise click.UsageError(f"{error}; name it yourself") from error
    return name


def only(file: Path) -> Callable[[str], Keys]:
    """The public key of a file, which counts whatever a signature (KEY:SIGNATURE) calls it. Raises click's errors."""
    try:
        text = file.read_text("ascii", "replace")
        found = signature.compile_keys([PublicKey("the-key", text)]).known["the-key"]
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise BadInputError(f"{file}: {error}") from error
    return lambda signed: Keys({signed.partition(":")[0]: found})
