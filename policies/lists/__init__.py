"""Dated lists that rules rest on: a YAML file each, and beside it the type that says what its lines mean.

A rule (or a feature) asks for a list by the type of a parameter, and gets it when the policy is compiled: nothing is
read while an object is judged. A new entry is one line with its source.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import Struct
from yaml.events import CollectionEndEvent, Event, MappingStartEvent, ScalarEvent, SequenceStartEvent


class Table(Struct, frozen=True, forbid_unknown_fields=True, dict=True, kw_only=True, rename="camel"):
    """A list. A subclass `DockerHubNames` in policies/lists/docker_hub_names.py is read from docker_hub_names.yaml.

    `updated` is the day (YYYY-MM-DD) on which the sources were last read. What is derived from the lines belongs into
    cached properties, so that it is made once.
    """

    title: str
    updated: str
    sources: tuple[str, ...]


AnyTable = TypeVar("AnyTable", bound=Table)


@cache
def load(table: type[AnyTable]) -> AnyTable:
    """The list of this type. Its file is shipped with Podgate: whatever it raises is a mistake in the source."""
    name = table.__module__.rpartition(".")[2]
    text = Path(__file__).with_name(f"{name}.yaml").read_text("utf-8")
    return msgspec.convert(_plain(text), table, strict=False)


def _plain(text: str) -> Any:
    """What a file says. Every scalar stays text: 1.20 is no number.

    Made of the parser's events, which takes a third of the time that PyYAML's constructors need: these lists are read
    at every start of the command.
    """
    events = yaml.parse(text, Loader=yaml.CBaseLoader)
    return next(_value(event, events) for event in events if isinstance(event, MappingStartEvent))


def _value(event: Event, following: Iterator[Event]) -> Any:
    if isinstance(event, ScalarEvent):
        return event.value
    items = _items(following)
    if isinstance(event, SequenceStartEvent):
        return list(items)
    if isinstance(event, MappingStartEvent):
        return dict(zip(items, items, strict=True))
    raise ValueError(f"a list has no {type(event).__name__}")


def _items(following: Iterator[Event]) -> Iterator[Any]:
    while not isinstance(event := next(following), CollectionEndEvent):
        yield _value(event, following)
