"""`podgate model`: vouch for a model, and say whether somebody does."""

import json
from pathlib import Path

import click
from msgspec.structs import replace

from certs import files
from certs.signing import SigningKey, SigningKeyError
from policies import signature
from policies.risk.classifier import Classifier, ModelError
from policies.signature import Keys
from webhook.commands import BadInputError, write
from webhook.commands.keys import name_of, only
from webhook.commands.policy import compiled, text_of
from webhook.model import as_file, load_model


@click.group()
def command() -> None:
    """Sign and verify models of the classifier."""


_file = click.argument("file", metavar="MODEL", type=click.Path(path_type=Path))


@command.command()
@_file
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path), help="The private key.")
@click.option("--name", help="The id of the key in policies [as its file].")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where to [the same file].")
def sign(file: Path, key_file: Path, name: str | None, output: Path | None) -> None:
    """Vouch for a model: put a signature into its file, and print what a policy has to say to take no other.

    The signature is over all that the model says. `podgate override keygen` makes keys.
    """
    found, target = _read(file), output or file
    try:
        key = SigningKey.read(key_file)
        name = name_of(key, key_file, name)
        signed = signature.annotation(name, key.sign(signature.model_statement(found.model)))
        files.write(target, as_file(replace(found.model, signature=signed)))
    except SigningKeyError as error:
        raise BadInputError(str(error)) from error
    except OSError as error:
        raise BadInputError(f"{target} cannot be written: {error.strerror or error}") from error
    click.echo(f"{target}: the model {found.name} is signed with {name}, {signature.fingerprint(signed)}", err=True)
    lines = ["spec:", "  classifier:", "    keys:", f"    - id: {json.dumps(name)}", f"      publicKey: {key.public}"]
    write(f"{line}\n" for line in lines)


@command.command()
@_file
@click.option("--policy", type=click.Path(), metavar="FILE", help="The GatePolicy whose spec.classifier.keys count.")
@click.option("--public-key", type=click.Path(path_type=Path), metavar="FILE", help="Or whose signature counts.")
@click.pass_context
def verify(ctx: click.Context, file: Path, policy: str | None, public_key: Path | None) -> None:
    """Say whether somebody vouches for a model whose signature counts.

    Exit code: 0 somebody does, 1 nobody does, 2 something could not be read or the call is wrong.
    """
    found = _read(file)
    problem = signature.verify_model(_keys(policy, public_key, found.model.signature), found.model)
    good = f"good, signed with {found.model.signature.partition(':')[0]}"
    write([f"{file}: the model {found.name}: {good if problem is None else f'not good: it {problem}'}\n"])
    if problem is None:
        write([f"  {signature.fingerprint(found.model.signature)}\n"])
    ctx.exit(0 if problem is None else 1)


def _read(file: Path) -> Classifier:
    try:
        return load_model(file)
    except ModelError as error:
        raise BadInputError(str(error)) from error


def _keys(policy: str | None, public_key: Path | None, signed: str) -> Keys:
    if (policy is None) == (public_key is None):
        raise click.UsageError("say whose signature counts: --policy with spec.classifier.keys, or --public-key")
    if public_key is not None:
        return only(public_key)(signed)
    keys = compiled(text_of(str(policy)), str(policy)).model_keys
    if keys is None:
        raise BadInputError(f"{policy} has no spec.classifier.keys: it takes every model")
    return keys
