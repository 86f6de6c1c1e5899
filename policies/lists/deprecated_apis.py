"""Kubernetes API versions that are deprecated or gone."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from policies.lists import Table


class OldVersion(Struct, frozen=True, kw_only=True):
    """Kinds of an API version that are deprecated since one release of Kubernetes, and gone from another one on.

    `use` is the API version to write instead, empty where there is none; `same` says that the object needs no other
    change. A kind `*` stands for every kind of that version that has no line of its own.
    """

    api: str
    kinds: tuple[str, ...]
    deprecated: str
    removed: str = ""
    use: str = ""
    same: bool = False
    source: str


class DeprecatedApis(Table, frozen=True):
    versions: tuple[OldVersion, ...]

    @cached_property
    def by_version(self) -> Mapping[str, Mapping[str, OldVersion]]:
        """By API version, and then by kind."""
        found: dict[str, dict[str, OldVersion]] = {}
        for line in self.versions:
            found.setdefault(line.api, {}).update(dict.fromkeys(line.kinds, line))
        return MappingProxyType(found)

    def find(self, api_version: str, kind: str) -> OldVersion | None:
        kinds = self.by_version.get(api_version)
        return None if kinds is None else kinds.get(kind) or kinds.get("*")
