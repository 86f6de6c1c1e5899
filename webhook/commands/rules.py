"""`podgate rules` and `podgate explain`."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import click
import msgspec
from click.shell_completion import CompletionItem

from policies import config, profile, registry
from policies.profile import Action
from webhook import catalog
from webhook.commands import BadInputError, write

_output = click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The format [text].")


@click.command("rules")
@click.option(
    "--profile", type=click.Choice(profile.names()), help="Only what this profile asks for, and what it does."
)
@_output
def rules(profile: str | None, output: str) -> None:
    """List the rules."""
    if profile is None:
        entries = [catalog.entry(found) for found in registry.load()]
    else:
        actions = config.of_profile(profile).actions
        asked = [(found, actions.get(found.id, Action.OFF)) for found in registry.load()]
        entries = [catalog.entry(found, action) for found, action in asked if action is not Action.OFF]
    write(_json(entries) if output == "json" else catalog.table(entries))


def _complete(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return [CompletionItem(found.id, help=found.title) for found in registry.load() if found.id.startswith(incomplete)]


@click.command("explain")
@click.argument("rule", shell_complete=_complete)
@_output
def explain(rule: str, output: str) -> None:
    """Tell what a rule is about: what an attacker gains, a bad and a good example, what to do."""
    found = registry.by_name().get(rule)
    if found is None:
        near = get_close_matches(rule, registry.by_name(), n=1)
        hint = f"did you mean {near[0]}?" if near else "`podgate rules` lists them"
        raise BadInputError(f'"{rule}" is not a rule: {hint}')
    if output == "text":
        write(catalog.explain(found))
        return
    bad, good = catalog.examples(found)
    write(_json({**msgspec.to_builtins(catalog.entry(found)), "bad": bad, "good": good}))


def _json(content: Any) -> Iterable[str]:
    yield msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"
