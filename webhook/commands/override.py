"""`podgate override`: make keys, sign overrides, and say which of them are good."""

import json
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from certs.signing import SigningKey, SigningKeyError
from policies import registry, signature
from policies.config import Policy
from policies.overrides import RISK, Limits
from policies.signature import Keys
from webhook.commands import BadInputError, write
from webhook.commands.keys import name_of, only
from webhook.commands.overriding import entry, in_scene, lines, objects
from webhook.manifest import Manifest
from webhook.report import as_json, counted, printable
from webhook.signing import Checked, Scene, Signed, SigningError, Wanted, check, choose, covers, ending
from webhook.signing import sign as make
from webhook.signing import written as put_in

_DAYS = re.compile(r"([1-9][0-9]{0,3})d")


@click.group()
def command() -> None:
    """Sign and verify overrides."""


@command.command()
@click.option("-o", "--out", default="override.key", type=click.Path(path_type=Path), help="Where [override.key].")
@click.option("--id", "name", help="How policies and signatures name the key [as the file].")
@click.option("--force", is_flag=True, help="Replace what is there.")
def keygen(out: Path, name: str | None, *, force: bool) -> None:
    """Make a key that signs, and print what a policy has to say to accept it."""
    if out.exists() and not force:
        raise click.UsageError(f"{out} is there already; --force replaces it, and what it has signed stays signed")
    key = SigningKey.create()
    name = name_of(key, out, name)
    try:
        key.write(out)
    except OSError as error:
        raise BadInputError(f"{out} cannot be written: {error.strerror or error}") from error
    click.echo(f"{out} is the private key: whoever has it can sign. Keep it out of the cluster.", err=True)
    lines = ["spec:", "  overrides:", "    authorise: [signature]", "    keys:"]
    click.echo("\n".join([*lines, f"    - id: {json.dumps(name)}", f"      publicKey: {key.public}"]))


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    before, comma, last = incomplete.rpartition(",")
    names = [*(found.id for found in registry.load()), RISK]
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]


_file = click.argument("file", metavar="FILE|-", type=click.Path())
_output = click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The format [text].")


@command.command()
@_file
@click.option("--key", "key_file", required=True, type=click.Path(path_type=Path), help="The private key.")
@click.option("--rules", required=True, metavar="RULE,...", shell_complete=_complete, help="What is to be lifted.")
@click.option("--reason", required=True, help="Why this workload needs it.")
@click.option("--expires", required=True, metavar="TIME|DAYSd", help="When it ends: 2026-12-31T00:00:00Z, or 30d.")
@click.option("--ticket", default="", help="Where it was agreed upon.")
@click.option("--name", help="The id of the key [as in the policy, else as its file].")
@click.option("--object", "wanted", metavar="KIND/NAME", help="Which object, where there are several workloads.")
@in_scene
@click.option("--write", "whole", is_flag=True, help="Print the whole file with the annotations in it.")
@_output
def sign(
    file: str,
    key_file: Path,
    rules: str,
    reason: str,
    expires: str,
    ticket: str,
    name: str | None,
    wanted: str | None,
    whole: bool,
    output: str,
    scene: Scene,
) -> None:
    """Sign an override of what is found in a manifest, and print the annotations.

    The signature holds for this object in its namespace, for these rules until this time, and for what they find there
    now. What the API server or others would change before it is judged is best signed as they make it:
    `kubectl create --dry-run=server -o yaml -f FILE | podgate override sign -`.
    """
    if whole and output == "json":
        raise click.UsageError("--write prints the manifest: leave out -o")
    asked = Wanted(
        ",".join(each.strip() for each in rules.split(",")), reason.strip(), _time(expires, scene.now), ticket
    )
    try:
        key = SigningKey.read(key_file)
        found = choose(objects(file), wanted)
        signed = make(scene, found.value, asked, key, _known_as(key, key_file, name, scene.policy))
        content = put_in(found, signed.annotations) if whole else b""
    except SigningKeyError as error:
        raise BadInputError(str(error)) from error
    except SigningError as error:
        raise BadInputError(f"{printable(file)}: {error}") from error
    _print(signed, content, output)


def _time(text: str, now: datetime) -> str:
    if (match := _DAYS.fullmatch(text)) is None:
        return text
    return f"{now + timedelta(days=int(match[1])):%Y-%m-%dT%H:%M:%SZ}"


def _known_as(key: SigningKey, file: Path, given: str | None, policy: Policy) -> str:
    """The id of a key: what was given, or what the policy calls it."""
    if given is None and policy.keys is not None:
        for name, known in policy.keys.known.items():
            if signature.written(known.public) == key.public:
                return name
    return name_of(key, file, given)


def _print(signed: Signed, content: bytes, output: str) -> None:
    found = covers(signed.judged, signed.override)
    if output == "json":
        write([as_json({**entry(signed.judged, signed.override), "annotations": signed.annotations})])
    elif content:
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()
    else:
        texts = [f"    {key}: {json.dumps(text, ensure_ascii=False)}\n" for key, text in signed.annotations.items()]
        write(["metadata:\n", "  annotations:\n", *texts])
    told = (
        f"{signed.judged.ref}: until {ending(signed.override)} this lifts {counted(len(found), 'finding', 'findings')}"
    )
    write([f"{printable(told)}:\n", *lines(found)], sys.stderr)
    if signed.doubt is not None:
        write([f"The policy does not take it: the override {signed.doubt}.\n"], sys.stderr)


@command.command()
@_file
@click.option("--public-key", type=click.Path(path_type=Path), metavar="FILE", help="Whose signatures count.")
@in_scene
@_output
@click.pass_context
def verify(ctx: click.Context, file: str, public_key: Path | None, output: str, scene: Scene) -> None:
    """Say of each override in a manifest whether its signature is good, whose it is, until when, and what it covers.

    Whose signatures count is said by the policy (spec.overrides.keys), or by --public-key. Exit code: 0 all are good,
    1 one is not, 2 something could not be read or the call is wrong.
    """
    keys = _keys(scene.policy, public_key)
    if public_key is not None:
        scene = replace(scene, limits=Limits(max_days=3650))
    checked: list[tuple[Manifest, Checked]] = []
    for found in objects(file):
        try:
            checked += [(found, each) for each in check(scene, found, keys)]
        except SigningError as error:
            raise BadInputError(f"{printable(file)}:{found.place().line}: {error}") from error
    if output == "json":
        write([as_json({"overrides": [_checked(found, each) for found, each in checked]})])
    else:
        write(line for _, each in checked for line in _told(each))
        if not checked:
            write(["there is no override\n"])
    ctx.exit(1 if any(each.problem is not None for _, each in checked) else 0)


def _keys(policy: Policy, public_key: Path | None) -> Callable[[str], Keys]:
    """What finds the keys that count for an annotation: those of the policy, or one whatever it is called."""
    if public_key is None:
        if (known := policy.keys) is None:
            raise click.UsageError("say whose signatures count: --policy with spec.overrides.keys, or --public-key")
        return lambda _: known
    return only(public_key)


def _checked(found: Manifest, each: Checked) -> dict[str, Any]:
    place = {"document": found.document.number, "line": found.place().line}
    said = {"good": each.problem is None, "problem": each.problem}
    override = each.override
    texts = {"reason": override.reason, "ticket": override.ticket or None} if override is not None else {}
    return {**entry(each.judged, override), **texts, "source": place, **said}


def _told(each: Checked) -> Iterator[str]:
    name = printable(str(each.judged.ref))
    override = each.override
    if each.problem is not None or override is None:
        yield f"{name}: not good: {printable(each.problem or '')}\n"
        return
    key = override.signature.partition(":")[0]
    yield f"{name}: good, signed with {key}, until {ending(override)}: {override.reason}\n"
    yield from lines(covers(each.judged, override))
    yield f"  {signature.fingerprint(override.signature)}\n"
