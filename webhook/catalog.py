"""The catalogue of rules, for people and programs: rendered from the declarations and the examples beside them."""

from collections.abc import Iterator, Mapping
from difflib import SequenceMatcher
from importlib import resources
from typing import Any

import msgspec
import yaml
from msgspec import Struct

from policies.profile import Action
from policies.rule import Rule


class Example(Struct, frozen=True):
    """A pod, as YAML, that a rule is silent about or fires on, and what is special about it."""

    name: str
    manifest: str


class Option(Struct, frozen=True):
    """What a policy may set of a rule. `default` is JSON."""

    name: str
    type: str
    default: str
    description: str


class Entry(Struct, frozen=True, rename="camel"):
    """A rule, as it is told. `action` is what a profile does with it, when one was asked about."""

    id: str
    title: str
    category: str
    severity: str
    confidence: str
    level: str | None
    since: str
    description: str
    remediation: str
    references: tuple[str, ...]
    aliases: tuple[str, ...]
    options: tuple[Option, ...]
    fixable: bool
    action: str | None = None


def entry(rule: Rule, action: Action | None = None) -> Entry:
    """What is told about a rule."""
    return Entry(
        id=rule.id,
        title=rule.title,
        category=rule.category,
        severity=str(rule.severity),
        confidence=str(rule.confidence),
        level=None if rule.level is None else str(rule.level),
        since=str(rule.since),
        description=rule.description,
        remediation=rule.remediation,
        references=rule.references,
        aliases=rule.aliases,
        options=options(rule),
        fixable=rule.fixer is not None,
        action=None if action is None else str(action),
    )


def options(rule: Rule) -> tuple[Option, ...]:
    """What a policy may set of a rule."""
    if rule.options is None:
        return ()
    schema = msgspec.json.schema(rule.options)
    described: Mapping[str, Any] = schema["$defs"][rule.options.__name__]["properties"]
    return tuple(
        Option(name, _type(about), msgspec.json.encode(about.get("default")).decode(), about.get("description", ""))
        for name, about in described.items()
    )


def _type(about: Mapping[str, Any]) -> str:
    """A JSON Schema in a word or two."""
    if "anyOf" in about:
        return " or ".join(_type(each) for each in about["anyOf"])
    if about.get("type") == "array":
        return f"list of {_type(about.get('items') or {})}"
    names = {"boolean": "true or false", "integer": "whole number", "null": "null", "object": "mapping"}
    return names.get(str(about.get("type")), str(about.get("type", "any value")))


def examples(rule: Rule) -> tuple[Example | None, Example | None]:
    """A bad example of a rule and the good one that is most like it, from the file beside the rule."""
    file = resources.files(f"policies.rules.{rule.category}").joinpath(f"{rule.id.replace('-', '_')}.yaml")
    content: Mapping[str, list[Mapping[str, Any]]] = yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader)
    bad = next(map(_example, content.get("bad") or ()), None)
    good = list(map(_example, content.get("good") or ()))
    # That null is as good as absent is for tests; nobody learns from it how to write a pod.
    good = [found for found in good if " null" not in found.manifest] or good
    if bad is None or not good:
        return bad, next(iter(good), None)
    return bad, max(good, key=lambda found: SequenceMatcher(None, bad.manifest, found.manifest).ratio())


def table(entries: list[Entry]) -> Iterator[str]:
    """Rules as lines with columns."""
    rows = [("RULE", "SEVERITY", "LEVEL", "ACTION", "TITLE")]
    rows += [(found.id, found.severity, found.level or "-", found.action or "", found.title) for found in entries]
    shown = [column for column in zip(*rows, strict=True) if any(column[1:])] if entries else []
    widths = [max(map(len, column)) for column in shown]
    for row in zip(*shown, strict=True):
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n"


def explain(rule: Rule) -> Iterator[str]:
    """All about a rule, for a terminal."""
    bad, good = examples(rule)
    yield f"{rule.id}: {rule.title}\n"
    yield f"{_facts(rule)}\n\n{rule.description}\n"
    for title, example in (("Bad", bad), ("Good", good)):
        if example is not None:
            yield f"\n{title} ({example.name}):\n\n{_indented(example.manifest)}"
    yield f"\nWhat to do: {rule.remediation}\n"
    for option in options(rule):
        yield f"\nOption {option.name} ({option.type}, default {option.default}): {option.description}\n"
    if rule.fixer is not None:
        yield "\n`podgate check --fix` writes it.\n"
    if rule.references:
        yield "\nReferences:\n" + "".join(f"  {reference}\n" for reference in rule.references)
    if rule.aliases:
        yield f"\nFormerly: {', '.join(rule.aliases)}\n"


def markdown(rule: Rule) -> Iterator[str]:
    """All about a rule, as a section of a page."""
    bad, good = examples(rule)
    yield f"### {rule.id}\n\n**{rule.title}.** {_facts(rule)}.\n\n{rule.description}\n\n"
    yield f"What to do: {rule.remediation}\n\n"
    for title, example in (("Bad", bad), ("Good", good)):
        if example is not None:
            yield f"{title} ({example.name}):\n\n```yaml\n{example.manifest}```\n\n"
    if told := options(rule):
        yield "| option | type | default | meaning |\n|---|---|---|---|\n"
        yield from (f"| `{each.name}` | {each.type} | `{each.default}` | {each.description} |\n" for each in told)
        yield "\n"
    if rule.fixer is not None:
        yield "`podgate check --fix` writes it.\n\n"
    if rule.references:
        yield f"References: {'; '.join(rule.references)}.\n\n"
    if rule.aliases:
        yield f"Formerly: {', '.join(f'`{alias}`' for alias in rule.aliases)}.\n\n"


def _example(content: Mapping[str, Any]) -> Example:
    if "object" in content:
        return Example(str(content["name"]), _yaml(content["object"]))
    kept = ("labels", "annotations", "version", "level")
    shown: dict[str, Any] = {key: value for key, value in content.items() if key in kept}
    shown["spec"] = content["pod"]
    return Example(str(content["name"]), _yaml(shown))


def _yaml(content: Any) -> str:
    return yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, width=100)


def _facts(rule: Rule) -> str:
    facts = f"Severity: {rule.severity}; confidence: {rule.confidence}"
    return facts if rule.level is None else f"{facts}; Pod Security Standards: {rule.level}, since {rule.since}"


def _indented(text: str) -> str:
    return "".join(f"    {line}" for line in text.splitlines(keepends=True))
