"""Mutations of JSON as a tree: what is mutated stays a review, an object or a list of questions and answers."""

import json
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any

from tests.fuzz import words

#: Mutates a text by what libFuzzer knows to do with bytes.
Text = Callable[[bytes], bytes]
_Holder = dict[str, Any] | list[Any]


class Trees:
    """Mutates JSON by what the seeds hold: a field gets a value that the same field has elsewhere."""

    def __init__(self, seeds: Iterable[bytes]) -> None:
        self._pool: dict[str, list[Any]] = {}
        for seed in seeds:
            self._learn(json.loads(seed))
        self._keys = sorted(self._pool)

    def mutate(self, content: bytes, random: Random, text: Text) -> bytes:
        """Some changes of the tree; `text` mutates what is written, for texts and for what is no JSON."""
        if random.random() < 0.1:
            return text(content)
        try:
            tree = json.loads(content)
        except (ValueError, RecursionError):
            return text(content)
        return written(self.changed(tree, random, text), random)

    def changed(self, tree: Any, random: Random, text: Text) -> Any:
        """The same tree, with some changes."""
        for _ in range(random.choice((1, 1, 1, 2, 3, 6))):
            if places := list(_places(tree)):
                self._change(*random.choice(places), random, text)
        return tree

    def _learn(self, value: Any) -> None:
        for key, item in _members(value):
            if isinstance(key, str):
                known = self._pool.setdefault(key, [])
                if len(known) < 40 and item not in known:
                    known.append(item)
            if isinstance(item, dict | list):
                self._learn(item)

    def _change(self, holder: _Holder, key: Any, random: Random, text: Text) -> None:
        how = random.randrange(10)
        if how < 3:
            holder[key] = _copied(
                random.choice(self._pool.get(key) or words.ODD) if isinstance(key, str) else _odd(random)
            )
        elif how == 3:
            holder[key] = _odd(random)
        elif how == 4:
            del holder[key]
        elif how == 5 and isinstance(holder, list):
            holder.insert(random.randrange(len(holder) + 1), _copied(holder[key]))
        elif how == 6 and isinstance(holder[key], str):
            holder[key] = text(holder[key].encode("utf-8", "replace"))[:2_000].decode("utf-8", "replace")
        elif how == 7 and isinstance(holder, list):
            holder.extend(_copied(holder[key]) for _ in range(random.choice((1, 2, 9, 60))))
        else:
            self._add(holder, key, random)

    def _add(self, holder: _Holder, key: Any, random: Random) -> None:
        target = holder[key] if isinstance(holder[key], dict) else holder
        if isinstance(target, list):
            target.append(_copied(random.choice(self._pool[random.choice(self._keys)])))
            return
        name = random.choice(self._keys) if random.random() < 0.7 else random.choice(words.names())
        target[name] = _copied(random.choice(self._pool.get(name) or words.ODD))


def written(tree: Any, random: Random) -> bytes:
    """JSON in one of the ways in which it can be written."""
    ascii_only, indent = random.random() < 0.5, random.choice((None, None, None, 1))
    return json.dumps(tree, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "replace")


def _odd(random: Random) -> Any:
    return _copied(random.choice(words.ODD))


def _members(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


def _places(tree: Any) -> Iterator[tuple[_Holder, Any]]:
    for key, item in _members(tree):
        yield tree, key
        yield from _places(item)


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value)) if isinstance(value, dict | list) else value
