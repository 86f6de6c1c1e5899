"""Releases past their end of life, by the names and tags of their images."""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple

from msgspec import Struct

from policies import release
from policies.image import Image
from policies.lists import Table
from policies.release import Release

_OFFICIAL = ("library/", "bitnami/")


class Ended(NamedTuple):
    """Support of this release of a product ended on that day (or in that month). `use` is what to move to."""

    product: str
    release: str
    date: str
    use: str


class Product(Struct, frozen=True, kw_only=True, dict=True):
    """A product, its images, and when support of its releases ended; see the head of the list."""

    product: str
    images: tuple[str, ...]
    source: str
    use: str
    ended: dict[str, str] = {}
    names: dict[str, str] = {}
    base: bool = False
    retired: str = ""

    def find(self, tag: str) -> Ended | None:
        """The release that a tag of this product's own images names, if its support has ended."""
        if self.retired:
            return Ended(self.product, "", self.retired, self.use)
        numbers = release.parse(tag)
        for length in range(min(len(numbers), 3), 0, -1):
            if found := self._by_numbers.get(numbers[:length]):
                return found
        if numbers and release.is_before(numbers, self._oldest):
            oldest = self._by_numbers[self._oldest]
            return oldest._replace(release=tag, date=f"{oldest.date} or before")
        return self.find_word(tag)

    def find_word(self, tag: str) -> Ended | None:
        """The release that a word in a tag names: bullseye in 3.12-slim-bullseye."""
        words = f"-{tag}-"
        return next((found for word, found in self._by_word if word in words), None)

    @cached_property
    def _by_numbers(self) -> Mapping[Release, Ended]:
        return {release.parse(name): self._line(name) for name in self.ended}

    @cached_property
    def _oldest(self) -> Release:
        return min(self._by_numbers)

    @cached_property
    def _by_word(self) -> tuple[tuple[str, Ended], ...]:
        return tuple((f"-{word}-", self._line(name)) for word, name in self.names.items())

    def _line(self, name: str) -> Ended:
        return Ended(self.product, name, self.ended[name], self.use)


class EndOfLife(Table, frozen=True):
    products: tuple[Product, ...]

    @cached_property
    def by_image(self) -> Mapping[str, Product]:
        return {image: product for product in self.products for image in product.images}

    @cached_property
    def find(self) -> Callable[[Image], Ended | None]:
        """What has ended of what an image's name and tag say."""
        return lru_cache(maxsize=4096)(self._find)

    def _find(self, image: Image) -> Ended | None:
        name = image.product
        return next((found for found in self._all(name, image.tag) if found is not None), None)

    def _all(self, name: str, tag: str) -> Iterator[Ended | None]:
        for key in (name, f"{name.partition('/')[0]}/*"):
            if (product := self.by_image.get(key)) is not None:
                yield product.find(tag)
        if name.startswith(_OFFICIAL):
            yield from (product.find_word(tag) for product in self.products if product.base)
