"""Lists of registries and repositories that a policy allows or denies: prefixes, by whole path segments."""

import re
from collections.abc import Iterable
from typing import NamedTuple

from policies import image as images
from policies.image import DOCKER_HUB, Image

_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})"
_HOST = re.compile(
    rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL}){{0,40}}(?::[0-9]{{1,5}})?|\[[0-9a-fA-F:]{{2,45}}\](?::[0-9]{{1,5}})?"
)
_HTTPS = ":443"


class Place(NamedTuple):
    """A registry, or a part of one: every image of which the name begins with these segments.

    `host` may begin with `*.`, which stands for one label. Without a port it means the port of HTTPS.
    """

    host: str
    path: tuple[str, ...]

    def is_host(self, host: str) -> bool:
        if not self.host.startswith("*."):
            return host == self.host
        first, _, rest = host.partition(".")
        return bool(first) and rest == self.host[2:]

    def is_above(self, path: list[str]) -> bool:
        return len(path) >= len(self.path) and all(map(str.__eq__, self.path, path))


def place(written: str) -> Place:
    """Read an entry of a list. Raises ValueError, with what to write instead."""
    first, _, rest = written.rstrip("/").partition("/")
    if "://" in written:
        raise ValueError(f"{written} has a scheme: write {written.partition('://')[2]}")
    if not ("." in first or ":" in first or first == "localhost"):
        raise ValueError(
            f"{written or 'an empty entry'} names no registry: write {DOCKER_HUB}/{written} for Docker Hub"
        )
    sample = images.parse(f"{first.replace('*.', 'any.', 1)}/{rest or 'any'}")
    if not _HOST.fullmatch(first) or sample is None or sample.tag or sample.digest:
        raise ValueError(f"{written} is no registry or repository: write it as in registry.example.com/team")
    host = DOCKER_HUB if sample.registry == DOCKER_HUB else first.lower()
    return Place(host.removesuffix(_HTTPS), tuple(rest.split("/")) if rest else ())


class Places:
    """A list of places, ready to be asked."""

    __slots__ = ("_places",)

    def __init__(self, written: Iterable[str]) -> None:
        self._places = tuple(map(place, written))

    def __bool__(self) -> bool:
        return bool(self._places)

    def hold(self, image: Image) -> bool:
        """Whether the image is in one of them."""
        host = image.registry.removesuffix(_HTTPS)
        path = image.repository.split("/")
        return any(entry.is_host(host) and entry.is_above(path) for entry in self._places)
