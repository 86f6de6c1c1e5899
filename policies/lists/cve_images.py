"""Releases with a known critical flaw, by the names and tags of their images."""

from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

from msgspec import Struct

from policies import release
from policies.image import Image
from policies.lists import Table
from policies.release import Release


class Range(Struct, frozen=True):
    """Releases from `since` on, and before the one in which it is fixed."""

    before: str
    since: str = "0"


class Flaw(Struct, frozen=True, kw_only=True, dict=True):
    """A flaw, and the releases that have it; see the head of the list."""

    cve: str
    what: str
    images: tuple[str, ...]
    affected: tuple[Range, ...]
    source: str

    def fixed_in(self, found: Release) -> str | None:
        """The release that fixes it, if every release that these numbers can mean has the flaw."""
        for since, before, fixed in self._ranges:
            if not release.is_before(found, since) and release.is_before(found, before):
                return fixed
        return None

    @cached_property
    def _ranges(self) -> tuple[tuple[Release, Release, str], ...]:
        return tuple((release.parse(each.since), release.parse(each.before), each.before) for each in self.affected)


#: A flaw, and the release that fixes it.
Known = tuple[Flaw, str]


class CveImages(Table, frozen=True):
    flaws: tuple[Flaw, ...]

    @cached_property
    def by_image(self) -> Mapping[str, list[Flaw]]:
        found: dict[str, list[Flaw]] = {}
        for flaw in self.flaws:
            for image in flaw.images:
                found.setdefault(image, []).append(flaw)
        return found

    @cached_property
    def find(self) -> Callable[[Image], tuple[Known, ...]]:
        """The flaws of what an image's name and tag say; first the one that is fixed last."""
        return lru_cache(maxsize=4096)(self._find)

    def _find(self, image: Image) -> tuple[Known, ...]:
        flaws = self.by_image.get(image.product)
        numbers = release.parse(image.tag) if flaws else ()
        if not flaws or not numbers:
            return ()
        known = [(flaw, fixed) for flaw in flaws if (fixed := flaw.fixed_in(numbers)) is not None]
        return tuple(sorted(known, key=lambda each: release.parse(each[1]), reverse=True))
