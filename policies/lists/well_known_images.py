"""Well-known images, accounts and registries, and what looks like one of them."""

from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import NamedTuple

from msgspec import Struct

from policies.image import DOCKER_HUB, Image
from policies.lists import Table
from policies.lookalike import Lookalikes


class Group(Struct, frozen=True, kw_only=True):
    """Names that come from one source."""

    names: tuple[str, ...]
    source: str


class Lookalike(NamedTuple):
    """A part of an image's name (`what`: image, account or registry), and the well-known one that it looks like."""

    what: str
    name: str
    known: str


class WellKnownImages(Table, frozen=True):
    images: tuple[Group, ...]
    words: tuple[Group, ...]
    others: tuple[Group, ...]
    accounts: tuple[Group, ...]
    account_words: tuple[Group, ...]
    other_accounts: tuple[Group, ...]
    registries: tuple[Group, ...]
    other_registries: tuple[Group, ...]
    public: frozenset[str]

    @cached_property
    def find(self) -> Callable[[Image], Lookalike | None]:
        """What in an image's name looks like a well-known one without being it."""
        return lru_cache(maxsize=4096)(self._find)

    def _find(self, image: Image) -> Lookalike | None:
        host = image.registry.partition(":")[0]
        if (known := self._registries.find(host)) is not None:
            return Lookalike("registry", host, known)
        if image.registry not in self.public:
            return None
        account = image.repository.partition("/")[0]
        if (known := self._accounts.find(account)) is not None:
            return Lookalike("account", account, known)
        # An account that is known may name its images as it likes; but all the images of Docker Hub itself are known.
        official = image.registry == DOCKER_HUB and account == "library"
        if not official and self._accounts.knows(account):
            return None
        known = self._images.find(image.base)
        return None if known is None else Lookalike("image", image.base, known)

    @cached_property
    def _images(self) -> Lookalikes:
        return Lookalikes(_names(self.images), _names(self.words), _names(self.others))

    @cached_property
    def _accounts(self) -> Lookalikes:
        return Lookalikes(_names(self.accounts), _names(self.account_words), _names(self.other_accounts))

    @cached_property
    def _registries(self) -> Lookalikes:
        return Lookalikes((), _names(self.registries), _names(self.other_registries))


def _names(groups: Iterable[Group]) -> list[str]:
    return [name for group in groups for name in group.names]
