"""`podgate policy`."""

from collections.abc import Iterator, Mapping
from typing import Any

import click
import msgspec
from msgspec import UNSET

from policies import policy_file, profile, registry
from policies.config import Policy
from policies.gatepolicy import GatePolicy, NamespaceSetting, RuleSetting, Selector, Spec
from policies.profile import Action
from policies.standard import Version
from webhook.commands import columns, write
from webhook.commands.policy import compiled, text_of
from webhook.report import printable

_Row = tuple[str, ...]


@click.command("policy")
@click.argument("file", metavar="FILE|-", type=click.Path())
def command(file: str) -> None:
    """Tell whether a policy can be used, and what it says that its profile does not.

    Exit code: 0, or 2 when the policy cannot be used: then it is told why, and in which line.
    """
    text = text_of(file)
    policy = compiled(text, file)
    document = policy_file.convert(policy_file.read(text).value, GatePolicy)
    write(_told(policy, document.spec))


def _told(policy: Policy, spec: Spec) -> Iterator[str]:
    yield f"{printable(policy.name)}, hash {policy.hash}\n"
    yield f"mode {policy.mode}, profile {policy.profile}, Pod Security Standards {spec.pss_version}\n"
    yield f"risk: {_risk(policy)}\n"
    yield f"overrides: {_overrides(policy)}\n"
    yield from _exclusions(spec)
    rows = list(_differences(policy, spec))
    yield "\n" + ("" if rows else f"Every rule does what the profile {policy.profile} says.\n")
    yield from _table(("RULE", "ACTION", "PROFILE", "OPTIONS"), rows)
    entries = [_entry(each) for each in spec.namespaces]
    yield "\n" if entries else ""
    yield from _table(("NAMESPACES", "MODE", "PROFILE", "DIFFERENT THERE"), entries)


def _risk(policy: Policy) -> str:
    limits = (("warned of", policy.thresholds.warn_at), ("denied", policy.thresholds.deny_at))
    told = ", ".join(f"{word} from {at:g}" if at <= 1 else f"never {word}" for word, at in limits)
    return told if policy.model_keys is None else f"{told}; models signed with {', '.join(policy.model_keys.known)}"


def _overrides(policy: Policy) -> str:
    limits = policy.overrides
    if not limits.enabled:
        return "none count"
    ticket = ", with a ticket" if limits.require_ticket else ""
    never = f"; never for {', '.join(limits.never_for)}" if limits.never_for else ""
    return f"{limits.max_days} days at most{ticket}, by {' or '.join(limits.authorise) or 'nobody'}{never}"


def _exclusions(spec: Spec) -> Iterator[str]:
    for name, values in msgspec.to_builtins(spec.exclusions).items():
        if values:
            yield f"not judged, by {name}: {printable(', '.join(values))}\n"


def _differences(policy: Policy, spec: Spec) -> Iterator[_Row]:
    """What the policy says of rules that their profile does not, by rule."""
    usual = profile.load(spec.profile).actions(registry.load(), Version.parse(spec.pss_version))
    options = {registry.by_name()[name].id: setting.options for name, setting in spec.rules.items()}
    for rule in registry.load():
        now, was = (actions.get(rule.id, Action.OFF) for actions in (policy.actions, usual))
        if now is not was or options.get(rule.id):
            yield rule.id, str(now), str(was), _json(options.get(rule.id) or {})


def _entry(each: NamespaceSetting) -> _Row:
    which = _selected(each.selector) if each.selector is not None else ", ".join(each.names)
    different = [f"{name}: {_setting(setting)}" for name, setting in each.rules.items()]
    limits = (("warnAt", each.classifier.warn_at), ("denyAt", each.classifier.deny_at))
    different += [f"{name}: {'never' if at is None else f'{at:g}'}" for name, at in limits if at is not UNSET]
    version = f" {each.pss_version}" if each.pss_version else ""
    return which, each.mode or "", f"{each.profile or ''}{version}".strip(), ", ".join(different)


def _selected(selector: Selector) -> str:
    """As kubectl's --selector is written."""
    texts = [f"{key}={value}" for key, value in selector.match_labels.items()]
    for each in selector.match_expressions:
        values = f" ({', '.join(each.values)})" if each.values else ""
        texts.append(f"{each.key} {each.operator}{values}")
    return ", ".join(texts) or "all"


def _setting(setting: RuleSetting) -> str:
    return f"{setting.action or ''} {_json(setting.options)}".strip()


def _table(head: _Row, rows: list[_Row]) -> Iterator[str]:
    return columns(head, [tuple(printable(cell) for cell in row) for row in rows]) if rows else iter(())


def _json(content: Mapping[str, Any]) -> str:
    return msgspec.json.encode(content).decode() if content else ""
