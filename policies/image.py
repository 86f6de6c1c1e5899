"""Image references by the grammar of container registries: registry, repository, tag and digest, with what is implied.

Source: github.com/distribution/reference v0.6.0 (regexp.go, normalize.go, reference.go), which the kubelet and the
container runtimes use.
"""

import re
from functools import cached_property, lru_cache

from msgspec import Struct

DOCKER_HUB = "docker.io"
#: Every host name under which Docker Hub answers.
_HUB_HOSTS = frozenset({DOCKER_HUB, "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"})
_MAX_REPOSITORY = 255
# Host name 253, port 6, repository 255, tag 128, digest 135 and what stands between them: nothing longer can be pulled.
_MAX = 800
# No two parts of these can match the same characters, so each needs one pass.
_REGISTRY = re.compile(
    r"(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*(?:\.[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
)
_COMPONENT = re.compile(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128}")
# What looks like the id of an image is taken for one.
_ID = re.compile(r"[0-9a-f]{64}")


class Image(Struct, frozen=True, dict=True, cache_hash=True):
    """An image reference, spelled out.

    `registry` is docker.io where none is written, and for Docker Hub's other host names; in small letters, with the
    port. `repository` has docker.io's `library/` where that is implied. `tag` and `digest` are empty where none is
    written; without either the runtime takes the tag `latest`, and with a digest it ignores the tag.
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

    @cached_property
    def product(self) -> str:
        """The last two parts of the name, which a mirror keeps: `library/nginx`, `registry.k8s.io/pause`."""
        return "/".join(self.name.rsplit("/", 2)[-2:])


def parse(reference: str) -> Image | None:
    """Read a reference; None for what is none (then no runtime can pull it)."""
    return _parse(reference) if len(reference) <= _MAX else None


@lru_cache(maxsize=4096)
def _parse(reference: str) -> Image | None:
    rest, at, digest = reference.partition("@")
    path, slash, last = rest.rpartition("/")
    base, colon, tag = last.partition(":")
    if (at and not _DIGEST.fullmatch(digest)) or (colon and not _TAG.fullmatch(tag)) or _ID.fullmatch(reference):
        return None
    registry, repository = _split(path + slash + base)
    if len(repository) > _MAX_REPOSITORY or not all(map(_COMPONENT.fullmatch, repository.split("/"))):
        return None
    # By the grammar a host with an underscore is a part of the repository; runtimes ask that host all the same.
    if not _REGISTRY.fullmatch(registry) and not _COMPONENT.fullmatch(registry):
        return None
    return Image(registry.lower(), repository, tag, digest)


def _split(name: str) -> tuple[str, str]:
    """The registry and the repository. What stands first is a registry if it could not be the name of an account."""
    first, slash, rest = name.partition("/")
    named = slash and ("." in first or ":" in first or first == "localhost" or first.lower() != first)
    registry, repository = (first, rest) if named else (DOCKER_HUB, name)
    if registry.lower() in _HUB_HOSTS:
        registry = DOCKER_HUB
        if "/" not in repository:
            repository = f"library/{repository}"
    return registry, repository
