"""What the commands of `podgate override` share: where manifests are judged, what is read, how overrides are told."""

import functools
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from policies import profile as profiles
from policies import signature
from policies.overrides import Override
from webhook import manifest
from webhook.commands import BadInputError
from webhook.commands.policy import policy_of
from webhook.manifest import Flaw, Manifest
from webhook.report import printable
from webhook.signing import Judged, Scene, covers, ending

_namespace = click.option("-n", "--namespace", help="The namespace of objects that name none; empty for none.")
_labels = click.option(
    "--label",
    "labels",
    multiple=True,
    metavar="KEY=VALUE",
    help="A label of the namespace, where the policy goes by it. May be repeated.",
)
_policy = click.option("--policy", type=click.Path(), metavar="FILE", help="The GatePolicy of the cluster.")
_profile = click.option(
    "--profile", type=click.Choice(profiles.names()), help=f"Without --policy [{profiles.DEFAULT}]."
)


def in_scene(function: Callable[..., None]) -> Callable[..., None]:
    """Options that say where manifests are judged; the command is given a Scene."""

    @_namespace
    @_labels
    @_policy
    @_profile
    @functools.wraps(function)
    def call(
        namespace: str | None, labels: tuple[str, ...], policy: str | None, profile: str | None, **others: Any
    ) -> None:
        function(scene=_scene(namespace, labels, policy, profile), **others)

    return call


def _scene(namespace: str | None, labels: Sequence[str], policy: str | None, profile: str | None) -> Scene:
    parts = [each.partition("=") for each in labels]
    if wrong := [key for key, sign, _ in parts if not sign]:
        raise click.UsageError(f"--label {wrong[0]} has no value: write KEY=VALUE")
    known = {key: value for key, _, value in parts}
    return Scene(policy_of(profile, policy), datetime.now(UTC), namespace, known)


def objects(file: str) -> list[Manifest]:
    """The objects of a file, all of which must be readable. Raises BadInputError."""
    found: list[Manifest] = []
    for each in _read(file):
        if isinstance(each, Flaw):
            raise BadInputError(f"{printable(file)}:{each.place.line}: {each.problem}")
        found.append(each)
    return found


def _read(file: str) -> Iterator[Manifest | Flaw]:
    if file != "-" and Path(file).is_dir():
        raise BadInputError(f"{printable(file)} is a folder: name a file")
    for source in manifest.find([file]):
        if source.problem is not None:
            raise BadInputError(f"{printable(source.name)} {source.problem}")
        for document in manifest.read(source.content):
            yield from [document] if isinstance(document, Flaw) else manifest.objects(document)


def entry(judged: Judged, override: Override | None) -> dict[str, Any]:
    """What is told of an override in JSON; null for what it does not say, or not in a way that can be read."""
    annotation = override.signature if override is not None else ""
    return {
        "object": judged.ref,
        "key": annotation.partition(":")[0] or None,
        "fingerprint": signature.fingerprint(annotation) if annotation else None,
        "expires": ending(override) if override is not None else None,
        "covers": covers(judged, override) if override is not None else [],
    }


def lines(found: list[dict[str, str]]) -> list[str]:
    return [f"  {each['rule']}: {each['path']} {each['message']}\n" for each in found]
