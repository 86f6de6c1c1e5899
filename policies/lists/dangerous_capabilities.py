"""Capabilities with which a container gets at its node, its neighbours or their network."""

from collections.abc import Mapping
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from policies.lists import Table


class DangerousCapability(Struct, frozen=True, kw_only=True):
    """`name` is the kernel's, without CAP_; `lets` continues the sentence "who holds it can"."""

    name: str
    lets: str
    source: str


class DangerousCapabilities(Table, frozen=True):
    capabilities: tuple[DangerousCapability, ...]

    @cached_property
    def by_name(self) -> Mapping[str, DangerousCapability]:
        return MappingProxyType({line.name: line for line in self.capabilities})
