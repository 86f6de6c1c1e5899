"""Other models of the same rows, in the same cross-validation: what the choice of the model costs and gives."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from msgspec import Struct
from msgspec.structs import replace

from policies.risk.training import fit
from policies.risk.training.dataset import Row
from policies.risk.training.fit import Fitting
from policies.risk.training.measure import Slice, slices

_GENERAL = 3
_NAKED = frozenset({"naked_pod", "naked_pod_with_power"})


class Contender(Struct, frozen=True):
    """A model, and its figures: of all rows, of those that use something of the host, and of the others."""

    name: str
    slices: tuple[Slice, ...]


LOGISTIC = "additive logistic, steps that never fall"
BOOSTED = "gradient boosting, monotone, with pairs"
WITHOUT_NAKED = "the logistic one, not told which pods are naked"
WITHOUT_SYNTHETIC = "the logistic one, without synthetic rows"
FITTINGS: dict[str, tuple[Fitting, Callable[[Sequence[Row]], list[Row]]]] = {
    LOGISTIC: (fit.logistic, list),
    BOOSTED: (fit.boosted, list),
    WITHOUT_NAKED: (fit.logistic, lambda rows: [_without(row, _NAKED) for row in rows]),
    WITHOUT_SYNTHETIC: (fit.logistic, lambda rows: [row for row in rows if not row.synthetic]),
}


def contenders(rows: Sequence[Row]) -> Iterator[Contender]:
    """Each in turn; boosting takes a minute. `rows` are those with a label."""
    for name, (fitting, changed) in FITTINGS.items():
        given = changed(rows)
        scores = fit.cross_validate(given, fitting=fitting).mean(axis=0)
        real = [row for row in given if not row.synthetic]
        yield Contender(name, tuple(islice(slices(real, scores), _GENERAL)))


def _without(row: Row, names: frozenset[str]) -> Row:
    left = tuple({name: each[name] for name in each if name not in names} for each in row.containers)
    return replace(row, containers=left)
