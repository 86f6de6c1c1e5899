"""What the commands of a container do: its command and arguments, its exec probes and its lifecycle handlers.

They are taken apart as a shell takes them apart (policies.shell), as far as that is possible without running anything,
and within fixed bounds. What comes out is a fact about the text, not a verdict: rules and the classifier judge.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from policies.api import ExecAction, Handler
from policies.deed import Deed
from policies.path import Path
from policies.pod import Container
from policies.script import Reader

__all__ = ["Deed", "Seen", "deeds", "lines"]

#: Characters of a container that are read, and of a whole pod: what comes after is not looked at.
MAX_CONTAINER = 32_768
MAX_POD = 131_072
#: Characters of a line and its variables that are worth remembering.
_MAX_KEPT = 2_000
_NOTHING: tuple["Seen", ...] = ()
_REFERENCE = re.compile(r"\$\$|\$\(([A-Za-z_.-][A-Za-z0-9_.-]{0,200})\)")


#: The words of a command, and the field in which each stands (from the container).
Line = tuple[list[str], list[Path]]
_PLACES: tuple[tuple[str, ...], ...] = (
    ("livenessProbe",), ("readinessProbe",), ("startupProbe",), ("lifecycle", "postStart"), ("lifecycle", "preStop"),
)  # fmt: skip


class Seen(NamedTuple):
    """A deed, the field in which it was seen (from the pod's root), and the programs that show it."""

    deed: Deed
    path: Path
    words: str


def deeds(container: Container) -> tuple[Seen, ...]:
    """What the commands of this container do: each deed once in a field, in the order of the fields."""
    if container.read_commands is None:
        container.read_commands = tuple(_read(container)) if lines(container) else _NOTHING
    return container.read_commands


def _read(container: Container) -> Iterator[Seen]:
    left = min(MAX_CONTAINER, MAX_POD // len(container.pod.containers))
    # What `eval` makes of variables is read once more; variables that name each other must not make it long.
    characters = 2 * left
    variables = {item.name: item.value[:left] for item in container.env[:1000] if item and item.name and item.value}
    known = tuple(variables.items())
    mounted = _mounted_root(container) if container.pod.volumes else frozenset()
    for words, paths in lines(container):
        texts = []
        for word in words:
            text = _resolved(word[:left], variables)[:left]
            left -= len(text)
            texts.append(text)
        place = str(paths[0][0])
        asked = _Asked(tuple(texts), known, mounted, characters, place)
        read = _read_again if _size(asked) <= _MAX_KEPT else _read_line
        found, characters = read(asked)
        for deed, index, shown in found:
            yield Seen(deed, container.at(*paths[index]), shown)


class _Asked(NamedTuple):
    """All that the deeds of a line follow from."""

    texts: tuple[str, ...]
    variables: tuple[tuple[str, str], ...]
    mounted: frozenset[str]
    characters: int
    place: str


def _read_line(asked: _Asked) -> tuple[tuple[tuple[Deed, int, str], ...], int]:
    """The deeds of a line, each with the number of its word and what shows it; and how many characters are left."""
    is_main = asked.place in ("command", "args")
    reader = Reader(dict(asked.variables), asked.mounted, asked.characters, wait=is_main)
    found = reader.line(asked.texts, entrypoint=asked.place == "args")
    return tuple((deed, index, shown) for (deed, index), shown in found.items()), reader.characters


#: The same lines come again and again: in the pods of a ReplicaSet, and in the containers of a mesh.
_read_again = lru_cache(maxsize=1024)(_read_line)


def _size(asked: _Asked) -> int:
    return sum(map(len, asked.texts)) + sum(len(name) + len(value) for name, value in asked.variables)


def lines(container: Container) -> tuple[Line, ...]:
    """The command lines of a container, with the field of each word."""
    if container.command_lines is None:
        container.command_lines = tuple(_lines(container))
    return container.command_lines


def _lines(container: Container) -> Iterator[Line]:
    spec = container.spec
    words: list[str] = []
    paths: list[Path] = []
    for field, texts in (("command", spec.command), ("args", spec.args)):
        for index, text in enumerate(texts or ()):
            if text:
                words.append(text)
                paths.append((field, index))
    if words:
        yield words, paths
    handlers: tuple[Handler | None, ...] = (spec.liveness_probe, spec.readiness_probe, spec.startup_probe)
    if spec.lifecycle is not None:
        handlers = (*handlers, spec.lifecycle.post_start, spec.lifecycle.pre_stop)
    for place, handler in zip(_PLACES, handlers, strict=False):
        if handler is not None and handler.exec is not None:
            yield from _executed(handler.exec, place)


def _executed(action: ExecAction, place: tuple[str, ...]) -> Iterator[Line]:
    indexes = [index for index, text in enumerate(action.command or ()) if text]
    if action.command and indexes:
        yield [action.command[index] or "" for index in indexes], [(*place, "exec", "command", i) for i in indexes]


def _resolved(text: str, variables: dict[str, str]) -> str:
    """What the kubelet makes of `$(NAME)`, as far as the pod says what NAME is."""
    if "$" not in text:
        return text

    def value(found: re.Match[str]) -> str:
        return "$" if found[1] is None else variables.get(found[1], found[0])[:MAX_CONTAINER]

    # Each reference may stand for a long value: no more of them than a container may have characters.
    count = 1 + MAX_CONTAINER // (1 + max(map(len, variables.values()), default=0))
    return _REFERENCE.sub(value, text, count=count)


def _mounted_root(container: Container) -> frozenset[str]:
    """Where the root of the host is mounted in this container."""
    names = {volume.name for volume in container.pod.volumes if volume.path_on_host == "/"}
    if not names:
        return frozenset()
    mounts = [mount for mount in container.mounts if mount and mount.name in names and mount.mount_path]
    return frozenset((mount.mount_path or "").rstrip("/") for mount in mounts)
