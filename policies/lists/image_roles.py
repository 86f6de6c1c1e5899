"""What an image is for, as far as its name says: an application, a base system, a tool, an instrument of attack."""

from collections.abc import Callable, Iterator, Mapping
from enum import IntEnum
from functools import cached_property, lru_cache
from itertools import pairwise

from policies.image import DOCKER_HUB, Image
from policies.lists import Table

# Longer names cannot be pulled, see policies.image.
_MAX = 800
_CVE = "cve"
_YEAR = 4


class Role(IntEnum):
    """What an image is for. From RUNTIME on it does what its command says, rather than something of its own."""

    SPECIFIC = 0
    OFFICIAL = 1
    RUNTIME = 2
    TOOL = 3
    BASE = 4
    ATTACK = 5


class ImageRoles(Table, frozen=True):
    """See the head of the list for what its lines mean."""

    official: tuple[str, ...]
    agents: tuple[str, ...]
    applications: tuple[str, ...]
    runtimes: tuple[str, ...]
    tools: tuple[str, ...]
    bases: tuple[str, ...]
    attacks: tuple[str, ...]
    packagers: tuple[str, ...]
    fillers: tuple[str, ...]
    words: tuple[str, ...]
    phrases: tuple[str, ...]
    fused: tuple[str, ...]
    ephemeral: tuple[str, ...]

    def role(self, image: Image | None, reference: str) -> Role:
        """What the image is for; for a reference that is none, what its text says."""
        return self._cached_role(_bare(reference[:_MAX]) if image is None else image.name)

    def betrays(self, reference: str) -> str | None:
        """The word in a name that tells of an attack or of a deliberately vulnerable image, or a throwaway registry.

        The host name of the registry is not read for words: it says where an image lies, not what it is.
        """
        return self._cached_word(reference[:_MAX])

    def is_unknown_library(self, image: Image) -> bool:
        """Whether a name without account or registry is none of Docker's official images: built on a node, or a guess.

        `localhost/` is what podman writes before such names, and a registry on the node itself.
        """
        if image.registry.partition(":")[0] == "localhost":
            return True
        account, _, base = image.repository.partition("/")
        return image.registry == DOCKER_HUB and account == "library" and base not in self.official_names

    @cached_property
    def official_names(self) -> frozenset[str]:
        return frozenset(self.official)

    @cached_property
    def _cached_role(self) -> Callable[[str], Role]:
        return lru_cache(maxsize=4096)(self._role)

    @cached_property
    def _cached_word(self) -> Callable[[str], str | None]:
        return lru_cache(maxsize=4096)(self._word)

    def _role(self, name: str) -> Role:
        parts = name.lower().split("/")
        for end in range(min(len(parts), self._depth), 0, -1):
            if (found := self._by_place.get("/".join(parts[:end]))) is not None:
                return found
        packaged = not self._packagers.isdisjoint(parts[:-1])
        for spelling in self._spellings(parts[-1]):
            if packaged and (found := self._by_packaged.get(spelling)) is not None:
                return found
            if (found := self._by_name.get(spelling)) is not None:
                return found
        return self._composed(parts[-1])

    def _composed(self, base: str) -> Role:
        """alpine-curl is a tool: every word of it is known, and what the image adds to its base tells its role."""
        words = [word for word in _words(base) if word not in self._fillers and not _is_release(word)]
        roles = [self._by_name.get(word, Role.SPECIFIC) for word in words]
        if not roles or Role.SPECIFIC in roles:
            return Role.SPECIFIC
        return Role.ATTACK if Role.ATTACK in roles else min(roles)

    def _spellings(self, base: str) -> Iterator[str]:
        """The name itself, then without releases, architectures and the like, then without numbers: ubi9-micro, ubi."""
        yield base
        words = [word for word in _words(base) if word not in self._fillers and not _is_release(word)]
        yield "-".join(words)
        yield "-".join(word.rstrip("0123456789") for word in words)

    @cached_property
    def _lines(self) -> Mapping[Role, tuple[str, ...]]:
        return {
            Role.OFFICIAL: self.applications,
            Role.RUNTIME: self.runtimes,
            Role.TOOL: self.tools,
            Role.BASE: self.bases,
            Role.ATTACK: self.attacks,
        }

    @cached_property
    def _by_name(self) -> Mapping[str, Role]:
        return {name: role for role, names in self._lines.items() for name in names if "/" not in name}

    @cached_property
    def _by_place(self) -> Mapping[str, Role]:
        return {name: role for role, names in self._lines.items() for name in names if "/" in name}

    @cached_property
    def _depth(self) -> int:
        return max(name.count("/") + 1 for name in self._by_place)

    @cached_property
    def _by_packaged(self) -> Mapping[str, Role]:
        """What a name means where official images lie."""
        named = {name: self._by_name.get(name, Role.OFFICIAL) for name in self.official}
        named |= dict.fromkeys(self.agents, Role.SPECIFIC)
        library = {name: role for name, role in self._by_place.items() if name.startswith("library/")}
        return named | {name.removeprefix("library/"): role for name, role in library.items()}

    @cached_property
    def _packagers(self) -> frozenset[str]:
        return frozenset(self.packagers)

    @cached_property
    def _fillers(self) -> frozenset[str]:
        return frozenset(self.fillers)

    def _word(self, reference: str) -> str | None:
        name = reference.partition("@")[0].lower()
        host, slash, path = name.partition("/")
        if not slash or not ("." in host or ":" in host):
            path = name
        elif found := next((each for each in self.ephemeral if _lies_under(host, each)), None):
            return found
        words = _words(path)
        for word, following in pairwise([*words, ""]):
            if word in self._suspicious or (word == _CVE and len(following) == _YEAR and following.isdecimal()):
                return word
        for text in (*self.phrases, *self.fused):
            if text in path:
                return text
        return None

    @cached_property
    def _suspicious(self) -> frozenset[str]:
        return frozenset(self.words)


def _bare(reference: str) -> str:
    """What stands before the tag and the digest."""
    place, slash, last = reference.partition("@")[0].rpartition("/")
    return place + slash + last.partition(":")[0]


def _lies_under(host: str, domain: str) -> bool:
    host = host.partition(":")[0]
    return host == domain or host.endswith(f".{domain}")


def _words(text: str) -> list[str]:
    """Letters and digits in a row."""
    return "".join(each if each.isalnum() else " " for each in text).split()


def _is_release(word: str) -> bool:
    return word[:1].isdecimal() or (word[:1] == "v" and word[1:].isdecimal())
