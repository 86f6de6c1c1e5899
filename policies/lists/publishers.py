"""Publishers of infrastructure and of applications, by the places that only they can push to."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache

from msgspec import Struct

from policies.image import Image
from policies.lists import Table

_WORDS_OF_MIRRORS = ("-mirror", "-proxy", "-cache", "-remote")


class Publisher(Struct, frozen=True, kw_only=True):
    """A project or company. `images` are registries, organisations or repositories, each with all that lies below it.

    A `*` in a registry's host name stands for a region: `602401143452.dkr.ecr.*.amazonaws.com`.
    """

    name: str
    images: tuple[str, ...]
    source: str


class Publishers(Table, frozen=True):
    """See the head of the list for what its lines mean."""

    publishers: tuple[Publisher, ...]
    mirrors: dict[str, str]
    aliases: dict[str, str]

    def known(self, image: Image | None) -> bool:
        """Whether a well-known publisher alone can have pushed it.

        An image in somebody's mirror is not: anybody could have put it there under that name. See `mirrored`.
        """
        return image is not None and self.find(image.name) is not None

    def mirrored(self, image: Image | None) -> bool:
        """Whether its path says that it is a copy of a known publisher's: registry.corp/quay.io/cilium/cilium.

        This is weaker than `known`, for whoever can push to that registry can choose the path.
        """
        return image is not None and any(self.find(name) is not None for name in self._copied(image))

    @cached_property
    def find(self) -> Callable[[str], Publisher | None]:
        """The publisher of a registry and repository."""
        return lru_cache(maxsize=4096)(self._find)

    def _find(self, name: str) -> Publisher | None:
        registry, _, repository = name.partition("/")
        for host in (registry, self.aliases.get(registry, registry), *self._families(registry)):
            place = host
            for part in ("", *repository.split("/")):
                place = f"{place}/{part}" if part else place
                if found := self._by_place.get(place):
                    return found
        return None

    def _families(self, registry: str) -> Iterator[str]:
        """The host names with a star that this registry is one of."""
        for start, end in self._regional:
            if registry.startswith(start) and registry.endswith(end):
                region = registry[len(start) : len(registry) - len(end)]
                if region.replace("-", "").isalnum():
                    yield f"{start}*{end}"

    def _copied(self, image: Image) -> Iterator[str]:
        """What the image would be called where it comes from."""
        parts = image.repository.split("/")
        for place, part in enumerate(parts[:-1]):
            if registry := self._origin(part):
                yield "/".join((registry, *parts[place + 1 :]))

    def _origin(self, part: str) -> str | None:
        """The registry that a part of a mirror's path names: ghcr.io, ghcr-proxy, or acme-quay-mirror."""
        stem = part
        for word in _WORDS_OF_MIRRORS:
            stem = stem.removesuffix(word)
        if stem == part:
            return self.mirrors.get(part)
        ends = (stem.split("-", count)[-1] for count in range(stem.count("-") + 1))
        return next((self.mirrors[end] for end in ends if end in self.mirrors), None)

    @cached_property
    def _by_place(self) -> Mapping[str, Publisher]:
        return {place: publisher for publisher in self.publishers for place in publisher.images}

    @cached_property
    def _regional(self) -> tuple[tuple[str, str], ...]:
        hosts = dict.fromkeys(place.partition("/")[0] for place in self._by_place if "*" in place)
        return tuple((start, end) for start, _, end in (host.partition("*") for host in hosts))
