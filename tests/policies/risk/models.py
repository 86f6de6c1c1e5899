"""Small models, made to measure."""

from collections.abc import Mapping
from typing import Any

import msgspec

from policies.risk import features
from policies.risk.classifier import FORMAT, Model, Pair, Thresholds, sealed
from policies.risk.features import BY_NAME

Tables = Mapping[str, tuple[float, ...]]
_NOTHING: Tables = {}


def model(intercept: float = -5.0, *, tables: Tables = _NOTHING, pairs: tuple[Pair, ...] = ()) -> Model:
    """A sealed model in which all other features mean nothing."""
    every = {name: tables.get(name, (0.0,) * (feature.most + 1)) for name, feature in BY_NAME.items()}
    thresholds = Thresholds(0.3, 0.9)
    return sealed(Model(FORMAT, "test", features.schema(), intercept, every, pairs, thresholds, {}, ""))


def pair(first: str, second: str, **values: float) -> Pair:
    """A table in which only these have a value: `_1_2` where the first is 1 and the second 2."""
    table = [[0.0] * (BY_NAME[second].most + 1) for _ in range(BY_NAME[first].most + 1)]
    for place, value in values.items():
        a, b = map(int, place.strip("_").split("_"))
        table[a][b] = value
    return Pair((first, second), tuple(map(tuple, table)))


def written(found: Model) -> bytes:
    return msgspec.json.encode(found)


def content(found: Model) -> dict[str, Any]:
    """The file, as it may be changed by hand."""
    builtins: dict[str, Any] = msgspec.to_builtins(found)
    return builtins
