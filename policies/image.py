"""Image references by the grammar of container registries: registry, repository, tag and digest, with what is implied.

Source: github.com/distribution/reference (regexp.go, normalize.go), which the container runtimes use.
"""

import re
from functools import lru_cache

from msgspec import Struct

DOCKER_HUB = "docker.io"
# Longer references are refused by every registry; the longest name allowed is 255, a digest and a tag add 200.
_MAX = 600
# No two parts of it can match the same characters, so it needs one pass.
_REFERENCE = re.compile(
    r"(?P<name>[^@]+?)(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9+._-]*:[0-9a-fA-F]{32,}))?"
)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_REGISTRY = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)


class Image(Struct, frozen=True):
    """An image reference, spelled out.

    `registry` is docker.io where none is written, and `repository` has docker.io's `library/` where that is implied.
    `tag` and `digest` are empty where none is written; the runtime then takes the tag `latest`.
    """

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Registry and repository: `docker.io/library/nginx`."""
        return f"{self.registry}/{self.repository}"

    @property
    def base(self) -> str:
        """The last part of the repository: `nginx`."""
        return self.repository.rpartition("/")[2]


@lru_cache(maxsize=4096)
def parse(reference: str) -> Image | None:
    """Read a reference; None for what is none (then no runtime can pull it)."""
    if len(reference) > _MAX or (match := _REFERENCE.fullmatch(reference)) is None:
        return None
    first, slash, rest = match["name"].partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first)
    registry, repository = (first, rest) if named else (DOCKER_HUB, match["name"])
    if registry == "index.docker.io":
        registry = DOCKER_HUB
    if registry == DOCKER_HUB and "/" not in repository:
        repository = f"library/{repository}"
    if not _REGISTRY.fullmatch(registry) or not all(map(_COMPONENT.fullmatch, repository.split("/"))):
        return None
    return Image(registry.lower(), repository, match["tag"] or "", match["digest"] or "")
