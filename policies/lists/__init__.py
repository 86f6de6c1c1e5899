"""Dated lists that rules rest on: a YAML file each, and beside it the type that says what its lines mean.

A rule (or a feature) asks for a list by the type of a parameter, and gets it when the policy is compiled: nothing is
read while an object is judged. A new entry is one line with its source.
"""

from functools import cache
from importlib import resources
from typing import Any, TypeVar

import msgspec
import yaml
from msgspec import Struct


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
    text = resources.files("policies.lists").joinpath(f"{name}.yaml").read_text("utf-8")
    content: Any = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - everything stays text: 1.20 is no number
    return msgspec.convert(content, table, strict=False)
