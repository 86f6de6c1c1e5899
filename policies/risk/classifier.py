"""The model as data: read, verified, and added up.

A model is additive in log-odds: an intercept, a table for each feature, and tables for a few declared pairs of
features. A table's entry is what that value adds to the log-odds compared with 0, so each reason is exact, and what a
pod does not have costs nothing. It is monotone: more of a feature never lowers the risk. Both are checked whenever a
model is read; a file that does not hold is refused.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from math import exp, inf, isfinite, log
from operator import sub
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from policies.risk import features
from policies.risk.features import Features

FORMAT = 1
MAX_BYTES = 4 << 20
#: Fractions of log-odds that cannot be told from nothing.
_NOTHING = 1e-9
_MOST_LOG_ODDS = 700.0


class ModelError(Exception):
    """A model file that cannot be used, and why."""


class Pair(Struct, frozen=True, forbid_unknown_fields=True):
    """What two features add together, beyond what their own tables say: `table[value of first][value of second]`."""

    features: tuple[str, str]
    table: tuple[tuple[float, ...], ...]


class Thresholds(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Probabilities at and over which a pod is warned of, and denied."""

    warn_at: float
    deny_at: float


class Model(Struct, frozen=True, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """A model, as its file has it. `schema` names the features that it was made for, with their meanings' ranges.

    `signature` is by somebody who vouches for the checksum (policies.signature); without one it is empty.
    """

    format: int
    version: str
    schema: str
    intercept: float
    tables: dict[str, tuple[float, ...]]
    pairs: tuple[Pair, ...]
    thresholds: Thresholds
    provenance: dict[str, Any]
    checksum: str
    signature: str = ""


class Share(Struct, frozen=True):
    """What a feature, or two together, adds to the log-odds."""

    features: tuple[str, ...]
    values: tuple[int, ...]
    log_odds: float


class Score(Struct, frozen=True):
    """The risk of a pod: log-odds, which are the intercept and all shares, and the probability that they stand for."""

    log_odds: float
    shares: tuple[Share, ...]

    @property
    def probability(self) -> float:
        return probability(self.log_odds)


def probability(log_odds: float) -> float:
    """Between 0 and 1."""
    bounded = max(-_MOST_LOG_ODDS, min(_MOST_LOG_ODDS, log_odds))
    return 1.0 / (1.0 + exp(-bounded))


def log_odds(chance: float) -> float:
    """The inverse of `probability`."""
    if chance <= 0.0:
        return -_MOST_LOG_ODDS
    return _MOST_LOG_ODDS if chance >= 1.0 else log(chance / (1.0 - chance))


class Classifier:
    """A model that was verified."""

    __slots__ = ("_pairs", "_tables", "model")

    def __init__(self, model: Model) -> None:
        _verify(model)
        self.model = model
        self._tables = model.tables
        self._pairs = tuple((*pair.features, pair.table) for pair in model.pairs)

    @property
    def name(self) -> str:
        """Version and the beginning of the checksum, as answers name the model."""
        return f"{self.model.version}@{self.model.checksum.removeprefix('sha256:')[:12]}"

    def log_odds(self, found: Features) -> float:
        """The risk alone: the intercept, features in the order of their names, then pairs."""
        total = self.model.intercept
        tables = self._tables
        for name in sorted(found):
            total += tables[name][found[name]]
        for first, second, table in self._pairs:
            total += table[found.get(first, 0)][found.get(second, 0)]
        return total

    def riskiest(self, found: Iterable[Features]) -> tuple[float, Features]:
        """Of several containers, the risk of the riskiest, and what it has; of the first where they are equal."""
        worst: tuple[float, Features] = (-inf, {})
        for each in found:
            if (risk := self.log_odds(each)) > worst[0]:
                worst = risk, each
        return worst

    def score(self, found: Features) -> Score:
        """The risk, and every share in it, largest first."""
        shares = [Share((name,), (value,), self._tables[name][value]) for name, value in found.items()]
        for first, second, table in self._pairs:
            a, b = found.get(first, 0), found.get(second, 0)
            if a and b:
                shares.append(Share((first, second), (a, b), table[a][b]))
        told = [share for share in shares if abs(share.log_odds) > _NOTHING]
        told.sort(key=lambda share: (-share.log_odds, share.features))
        return Score(self.log_odds(found), tuple(told))


@cache
def shipped() -> Classifier:
    """The model that comes with Podgate."""
    return read(Path(__file__).with_name("model.json").read_bytes())


def read(content: bytes) -> Classifier:
    """Verify a model file. Raises ModelError."""
    if len(content) > MAX_BYTES:
        raise ModelError(f"the model is larger than {MAX_BYTES} bytes")
    try:
        model = msgspec.json.decode(content, type=Model)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"the model cannot be read: {error}") from error
    return Classifier(model)


def sealed(model: Model) -> Model:
    """The model with its checksum."""
    return replace(model, checksum=checksum(model))


def checksum(model: Model) -> str:
    """A digest over everything but itself and the signature, which is over it."""
    content = msgspec.json.encode(replace(model, checksum="", signature=""), order="sorted")
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _verify(model: Model) -> None:
    if model.format != FORMAT:
        raise ModelError(f"the model has format {model.format}; this version reads format {FORMAT}")
    if model.checksum != checksum(model):
        raise ModelError("the model's checksum is not that of its content: the file was changed or damaged")
    if model.schema != features.schema():
        raise ModelError("the model was made for other features than this version has: train it anew")
    if model.tables.keys() != features.BY_NAME.keys():
        raise ModelError("the model's tables are not those of the features")
    for name, table in model.tables.items():
        _verify_table(name, (table,), (1, features.BY_NAME[name].most + 1))
        if table[0] != 0.0:
            raise ModelError(f"the model's table of {name} does not begin with 0")
    for pair in model.pairs:
        _verify_pair(pair)
    _verify_monotone(model)
    warn, deny = model.thresholds.warn_at, model.thresholds.deny_at
    if not isfinite(model.intercept) or not 0.0 < warn <= deny <= 1.0:
        raise ModelError("the model's intercept or thresholds are no numbers that could be meant")


def _verify_pair(pair: Pair) -> None:
    first, second = (features.BY_NAME.get(name) for name in pair.features)
    name = " and ".join(pair.features)
    if first is None or second is None or first is second:
        raise ModelError(f"the model has a pair of features that are none: {name}")
    _verify_table(name, pair.table, (first.most + 1, second.most + 1))
    if any(pair.table[0]) or any(row[0] for row in pair.table):
        raise ModelError(f"the model's table of {name} counts where one of the two is missing")


def _verify_table(name: str, table: tuple[tuple[float, ...], ...], size: tuple[int, int]) -> None:
    if len(table) != size[0] or any(len(row) != size[1] for row in table):
        raise ModelError(f"the model's table of {name} has not the size of the feature's range")
    if any(not isfinite(value) for row in table for value in row):
        raise ModelError(f"the model's table of {name} holds something that is no number")


def _verify_monotone(model: Model) -> None:
    """One more of a feature adds at least 0, whatever the features are that it is paired with."""
    for name, table in model.tables.items():
        rows = [_rows(pair, name) for pair in model.pairs if name in pair.features]
        for value in range(len(table) - 1):
            step = table[value + 1] - table[value]
            step += sum(min(map(sub, row[value + 1], row[value])) for row in rows)
            if step < -_NOTHING:
                raise ModelError(f"the model is not monotone: {name} of {value + 1} is less of a risk than {value}")


def _rows(pair: Pair, name: str) -> tuple[tuple[float, ...], ...]:
    """The table of a pair, with the values of this feature as its rows."""
    return pair.table if pair.features[0] == name else tuple(zip(*pair.table, strict=True))
