"""What a target is."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from tests.fuzz.trees import Text


class Target(NamedTuple):
    """`take` judges an input, and says whether it is worth keeping; `seeds` are what inputs are made of at first."""

    name: str
    take: Callable[[bytes], bool]
    seeds: Callable[[], list[bytes]]
    mutator: Callable[[], Callable[[bytes, Random, Text], bytes]]
    longest: int
