"""The model card: prose from a template, figures filled in."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from importlib import resources
from string import Template

from msgspec import Struct

from policies.risk.classifier import Model
from policies.risk.features import FEATURES
from policies.risk.training import fit
from policies.risk.training.compare import Contender
from policies.risk.training.dataset import SYNTHETIC, Row
from policies.risk.training.figures import Figures, Scored
from policies.risk.training.measure import ALARMS, Slice
from policies.risk.training.report import belief_line, borders, grid, markdown, span
from policies.risk.training.trials import Origin, Trials

_TEMPLATE = "MODEL_CARD.template.md"
_CLASSES = ("attack", "vulnerable", "benign-infra", "benign-app", "unknown", "synthetic", "disguised")
_MOST = 20


class Parts(Struct, frozen=True):
    """What the card is made of. `scored` and `figures` are of cross-validation."""

    model: Model
    rows: Sequence[Row]
    scored: Scored
    figures: Figures
    trials: Trials
    contenders: Sequence[Contender]


def text(parts: Parts) -> str:
    """The card."""
    template = resources.files("policies.risk.training").joinpath(_TEMPLATE).read_text("utf-8")
    filled = {**_about(parts), **_data(parts), **_measured(parts), **_listed(parts)}
    return Template(template).substitute({name: value.rstrip("\n") for name, value in filled.items()})


def _about(parts: Parts) -> dict[str, str]:
    model = parts.model
    return {
        "version": model.version,
        "checksum": model.checksum,
        "features_count": str(len(FEATURES)),
        "folds": str(fit.FOLDS),
        "repeats": str(fit.REPEATS),
        "seed": str(model.provenance["seed"]),
        "sklearn": str(model.provenance["scikit-learn"]),
        "dataset": str(model.provenance["dataset"]),
        "synthetic_weight": f"{fit.SYNTHETIC_WEIGHT * 100:g} %",
    }


def _data(parts: Parts) -> dict[str, str]:
    dangerous = [row for row in parts.scored.rows if row.label]
    families = Counter(row.family for row in dangerous).most_common()
    [(largest, share)] = Counter(row.repository for row in dangerous).most_common(1)
    return {
        "classes": _classes(parts.rows),
        "origins": _origins(parts),
        "repositories": str(len(parts.trials.origins)),
        "techniques": str(len({row.cluster for row in parts.rows if row.klass == SYNTHETIC})),
        "family_counts": ", ".join(f"{name} {count}" for name, count in families),
        "dangerous": str(len(dangerous)),
        "dangerous_repositories": str(len({row.repository for row in dangerous})),
        "largest": f"{share} are from {largest}",
        "benign": f"{parts.figures.benign:,}",
        "share": f"{len(dangerous) / len(parts.scored.rows) * 100:.1f} %",
    }


def _measured(parts: Parts) -> dict[str, str]:
    belief = parts.figures.belief
    return {
        "slices": markdown(parts.figures.slices),
        "borders": borders(parts.figures.borders),
        "belief": belief_line(belief) if belief is not None else "",
        "comparison": "\n".join(_comparison(parts.contenders)),
        "baseline": _baseline(parts.trials),
        "disguises": _disguises(parts.trials),
    }


def _listed(parts: Parts) -> dict[str, str]:
    warn = parts.figures.borders[0].probability
    ranked = sorted(zip(parts.scored.rows, parts.scored.chances.tolist(), strict=True), key=lambda pair: -pair[1])
    missed = [(row, chance) for row, chance in ranked if row.label and chance < warn]
    alarms = [(row, chance) for row, chance in ranked if not row.label and chance >= warn]
    return {
        "missed": _rows(missed),
        "missed_count": str(len(missed)),
        "alarms": _rows(alarms[:_MOST]),
        "alarms_count": str(len(alarms)),
    }


def _classes(rows: Sequence[Row]) -> str:
    def line(klass: str) -> list[str]:
        found = [row for row in rows if row.klass == klass]
        labels = Counter(row.label for row in found)
        made = all(row.synthetic for row in found)
        repositories = "-" if made else str(len({row.repository for row in found}))
        return [klass, *(f"{count:,}" for count in (len(found), labels[True], labels[False])), repositories]

    return grid(("class", "rows", "dangerous", "benign", "repositories"), map(line, _CLASSES))


def _origins(parts: Parts) -> str:
    counts = Counter((row.repository, row.label) for row in parts.rows if not row.synthetic)

    def line(origin: Origin) -> list[str]:
        labelled = (counts[origin.repository, label] for label in (True, False, None))
        return [f"{origin.repository}@{origin.commit}", origin.licence, *(f"{count:,}" for count in labelled)]

    return grid(("repository", "licence", "dangerous", "benign", "no label"), map(line, parts.trials.origins))


def _comparison(contenders: Sequence[Contender]) -> Iterator[str]:
    head = "model", "AUC", "average precision", *(f"recall at {share * 100:g} %" for share in ALARMS)
    for index, name in enumerate(found.name for found in contenders[0].slices):
        yield f"*{name}*\n"
        yield grid(head, ([each.name, *_cells(each.slices[index])] for each in contenders))


def _cells(found: Slice) -> Iterator[str]:
    for figure in (found.auc, found.average_precision, *found.recall):
        yield f"{figure.value:.3f} ({span(figure)})"


def _baseline(trials: Trials) -> str:
    lines = ([each.name, f"{each.auc:.2f}", *map(_percent, each.recall)] for each in trials.baseline)
    return grid(("slice", "AUC", "recall at 1 %", "recall at 5 %"), lines)


def _disguises(trials: Trials) -> str:
    head = "dangerous rows", "recall at 1 %", "at 5 %", "on the host at 1 %", "at 5 %"
    lines = ([each.name, *map(_percent, (*each.all, *each.uses_the_host))] for each in trials.disguises)
    return grid(head, lines)


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _rows(found: Iterable[tuple[Row, float]]) -> str:
    def line(row: Row, chance: float) -> list[str]:
        features = " ".join(f"{name}={value}" for name, value in row.features.items())
        return [f"{chance:.3f}", row.family or row.klass, f"`{row.source}`", features]

    return grid(("risk", "family", "source", "features"), (line(*each) for each in found))
