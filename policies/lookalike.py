"""Names that look like a well-known one without being it."""

from collections.abc import Iterable, Iterator

# Characters that are read as another one, and what is easily left out.
_ALIKE = str.maketrans({"0": "o", "1": "l", "i": "l", "3": "e", "5": "s", "8": "b", "-": "", "_": "", ".": ""})
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SHORT = 4
_LONG = 9
# No well-known name is as long; what is longer is compared with none.
_MAX = 40
# Two letters that are replaced by two others.
_TWO_LETTERS = 4


def skeleton(name: str) -> str:
    """What is left of a name when characters that look alike are one: of bitnarni and bitnami it is the same."""
    for pair, single in _PAIRS:
        name = name.replace(pair, single)
    return name.translate(_ALIKE)


def distance(one: str, other: str, limit: int = 2) -> int:
    """How many letters must be added, left out, replaced or swapped with the next (Damerau's, each letter once).

    Whatever is more than the limit is the limit and one.
    """
    before: list[int] = []
    above = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        row = [i]
        for j, wanted in enumerate(other, 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        # Two rows, because swapped letters skip one.
        if min(row) > limit < min(above):
            return limit + 1
        before, above = above, row
    return min(above[-1], limit + 1)


def is_slip(one: str, other: str) -> bool:
    """Whether two names differ only by two letters that are swapped, or by a letter that is doubled."""
    if len(one) == len(other):
        return sorted(one) == sorted(other) and distance(one, other) == 1
    short, long = sorted((one, other), key=len)
    doubled = (short[: at + 1] + short[at:] for at in range(len(short)))
    return long in doubled


class Lookalikes:
    """Well-known names, to be asked which of them another name looks like.

    `words` are well-known names that are words of a language: too many honest names are one letter away from them, as
    from short ones, so that only swapped, doubled and similar letters count. `others` are honest names.
    """

    __slots__ = ("_by_length", "_exact", "_near", "_skeletons", "_words")

    def __init__(self, names: Iterable[str], words: Iterable[str] = (), others: Iterable[str] = ()) -> None:
        names, words = list(names), list(words)
        known = [*names, *words]
        self._exact = frozenset([*known, *others])
        self._words = frozenset([*words, *(name for name in names if len(name) <= _SHORT)])
        self._skeletons = {skeleton(name): name for name in known}
        # One letter wrong: without one letter each, both are the same.
        self._near: dict[str, list[str]] = {}
        for name in known:
            for shorter in _shorter(name):
                self._near.setdefault(shorter, []).append(name)
        # Two letters wrong: the lengths and the sets of letters are nearly the same.
        self._by_length: dict[int, list[tuple[int, str]]] = {}
        for name in names:
            for length in range(len(name) - 2, len(name) + 3) if len(name) >= _LONG else ():
                self._by_length.setdefault(length, []).append((_letters(name), name))

    def knows(self, name: str) -> bool:
        return name in self._exact

    def find(self, name: str) -> str | None:
        """The well-known name that this one looks like; None for one that is known, or like no other.

        A number at the end makes no other name: postgres15 is nobody's trap.
        """
        if name in self._exact or len(name) > _MAX or name.rstrip("0123456789") in self._exact:
            return None
        alike = self._skeletons.get(skeleton(name))
        return alike if alike is not None else next(self._all_near(name), None)

    def _all_near(self, name: str) -> Iterator[str]:
        for shorter in _shorter(name):
            for known in self._near.get(shorter, ()):
                if is_slip(name, known) if known in self._words else distance(name, known) == 1:
                    yield known
        letters = _letters(name)
        for others, known in self._by_length.get(len(name), ()):
            if (letters ^ others).bit_count() <= _TWO_LETTERS and distance(name, known) <= 2:
                yield known


def _shorter(name: str) -> list[str]:
    """The name, and what is left of it without one letter."""
    return [name, *(name[:at] + name[at + 1 :] for at in range(len(name)))]


def _letters(name: str) -> int:
    """Which characters a name has, one bit each."""
    bits = 0
    for letter in name:
        bits |= 1 << (ord(letter) & 63)
    return bits
