"""Mutations of YAML as lines: what is mutated stays a manifest or a policy more often than not."""

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import yaml

from tests.fuzz import words
from tests.fuzz.trees import Text, Trees
from webhook import manifest
from webhook.manifest import Document


class Lines:
    """Mutates text by its lines and by lines of the seeds; and what it says, by what they say."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self._known = sorted({line for seed in seeds for line in seed.decode("utf-8", "replace").split("\n")})
        said = [each for seed in seeds for each in _read(seed)]
        self._trees = Trees(json.dumps(each).encode() for each in said)

    def mutate(self, content: bytes, random: Random, text: Text) -> bytes:
        """Some changes; `text` mutates bytes."""
        if random.random() < 0.1:
            return text(content)
        if random.random() < 0.5 and (documents := _read(content)):
            at = random.randrange(len(documents))
            documents[at] = self._trees.changed(documents[at], random, text)
            return _written(documents, random).encode("utf-8", "replace")
        lines = content.decode("utf-8", "surrogateescape").split("\n")
        for _ in range(random.choice((1, 1, 1, 2, 4))):
            self._change(lines, random)
        return "\n".join(lines).encode("utf-8", "surrogateescape")

    def _change(self, lines: list[str], random: Random) -> None:
        start = random.randrange(len(lines))
        end = min(len(lines), start + random.choice((1, 1, 1, 2, 5, 20)))
        line = lines[start]
        match random.randrange(9):
            case 0:
                del lines[start:end]
                lines.append("")
            case 1:
                lines[start:start] = lines[start:end]
            case 2:
                lines[start:end] = [_indented(each, random.choice((-2, -1, 1, 2))) for each in lines[start:end]]
            case 3:
                lines.insert(start, random.choice(self._known))
            case 4:
                known = random.choice(self._known)
                lines.insert(start, line[: len(line) - len(line.lstrip())] + known.lstrip())
            case 5:
                head, colon, _ = line.partition(":")
                lines[start] = head + colon + " " + _value(random)
            case 6:
                at = random.randrange(len(line) + 1)
                lines[start] = line[:at] + random.choice(words.PIECES) + line[at:]
            case 7:
                lines[start:end] = [" ".join(each.strip() for each in lines[start:end])]
            case _:
                lines[start] = line.replace(
                    ": ", random.choice((": &x ", ": *x #", ": !!str ", ":\t", ":  ", ": |\n    ")), 1
                )


def _value(random: Random) -> str:
    if random.random() < 0.5:
        return random.choice(words.PIECES)
    return json.dumps(random.choice(words.ODD), ensure_ascii=random.random() < 0.5)


def _indented(line: str, by: int) -> str:
    return " " * by + line if by > 0 else line[-by:] if line.startswith(" " * -by) else line


def _read(content: bytes) -> list[Any]:
    """What can be read of a text, as JSON has it: nothing is shared."""
    found = [each.value for each in manifest.read(content) if isinstance(each, Document)]
    return [json.loads(json.dumps(each)) for each in found]


def _written(documents: list[Any], random: Random) -> str:
    """Documents in one of the ways in which they can be written."""
    if random.random() < 0.3:
        return "\n".join(json.dumps(each, indent=random.choice((None, 2))) for each in documents)
    style = random.choice((True, False, False, None))
    return str(yaml.dump_all(documents, Dumper=yaml.CSafeDumper, default_flow_style=style, sort_keys=False))
