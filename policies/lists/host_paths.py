"""Folders and files of nodes, and what a pod gets with them."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cached_property
from types import MappingProxyType

from msgspec import Struct

from policies.host_path import folders, is_within, normalise
from policies.lists import Table


class Gives(StrEnum):
    """What somebody gets with a path of the node, the worst first. OTHER: nothing that is known to be sensitive."""

    ROOT = "root"
    RUNTIME = "runtime"
    CREDENTIALS = "credentials"
    KUBELET = "kubelet"
    KERNEL = "kernel"
    DEVICES = "devices"
    PROGRAMS = "programs"
    CONFIGURATION = "configuration"
    LOGS = "logs"
    OTHER = "other"


class HostPath(Struct, frozen=True, kw_only=True):
    """A folder or file of the node.

    `path` is written as people write it; `~/.NAME` stands in any folder that may be somebody's home, and a name without
    a slash is that of a file anywhere. `inside`: what lies below gives the same, unless a line of its own says what.
    """

    path: str
    gives: Gives
    inside: bool = True
    source: str


_OTHER = frozenset({Gives.OTHER})
_Lines = tuple[HostPath, ...]


class HostPaths(Table, frozen=True):
    paths: tuple[HostPath, ...]

    def find(self, path: str) -> _Lines:
        """The sensitive lines that whoever holds this normalised path gets at.

        That is what it is, or is part of, and whatever lies below it.
        """
        part_of = self._nearest(path)
        return (
            *((part_of,) if part_of is not None and part_of.gives is not Gives.OTHER else ()),
            *self._below.get(path, ()),
            *self._by_name.get(path[path.rfind("/") + 1 :], ()),
            *self._in_homes(path),
        )

    def gives(self, path: str) -> frozenset[Gives]:
        """All that somebody gets with this normalised path; OTHER alone where nothing is known of it."""
        return frozenset([line.gives for line in self.find(path)]) or _OTHER

    def _nearest(self, path: str) -> HostPath | None:
        for folder in folders(path, self._deepest):
            if (line := self._by_path.get(folder)) is not None:
                return line if line.inside or folder == path else None
        return None

    def _in_homes(self, path: str) -> Iterable[HostPath]:
        if _is_home(path):
            return [line for _, line in self._of_homes]
        if "/." not in path:
            return ()
        whole = f"{path}/"
        return [
            line
            for below, line in self._of_homes
            # The folder above it counts in whatever home, as /opt/app/.config does for ~/.config/gcloud.
            if f"{below}/" in whole or ((above := below.rpartition("/")[0]) and path.endswith(above))
        ]

    @cached_property
    def _by_path(self) -> Mapping[str, HostPath]:
        return MappingProxyType({normalise(line.path): line for line in self.paths if line.path.startswith("/")})

    @cached_property
    def _below(self) -> Mapping[str, _Lines]:
        """The lines below each folder; below /var also those of /var/run, though it is a link today."""
        found: dict[str, list[HostPath]] = {}
        for path, line in self._by_path.items():
            if line.gives is not Gives.OTHER:
                above = dict.fromkeys(map(normalise, (*folders(line.path), *folders(path))))
                for folder in above:
                    if folder != path:
                        found.setdefault(folder, []).append(line)
        return MappingProxyType({folder: tuple(lines) for folder, lines in found.items()})

    @cached_property
    def _by_name(self) -> Mapping[str, _Lines]:
        return MappingProxyType({line.path: (line,) for line in self.paths if "/" not in line.path})

    @cached_property
    def _of_homes(self) -> tuple[tuple[str, HostPath], ...]:
        return tuple((line.path[1:], line) for line in self.paths if line.path.startswith("~/"))

    @cached_property
    def _deepest(self) -> int:
        return max((path.count("/") for path in self._by_path), default=0)


def _is_home(path: str) -> bool:
    """Whether people have their homes here or above."""
    if path in ("/", "/root", "/home", "/users"):
        return True
    return path.count("/") == 2 and (is_within(path, "/home") or is_within(path, "/users"))
