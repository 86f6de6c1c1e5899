"""The model card of the shipped model, written anew: python -m webhook.card [FILE]. It takes two minutes."""

import sys
from pathlib import Path

from policies.risk import classifier, training
from policies.risk.training import card, compare, dataset, figures, fit, trials
from policies.risk.training.dataset import DatasetError

FILE = Path(training.__file__).parent.parent / "MODEL_CARD.md"


def main(target: str = str(FILE)) -> int:
    """Returns the exit code."""
    model, kept = classifier.shipped().model, trials.kept()
    digest = dataset.digest(dataset.shipped_bytes())
    if digest not in (kept.dataset, model.provenance["dataset"]) or kept.dataset != model.provenance["dataset"]:
        raise DatasetError("model.json or trials.json was made from another data set: make dataset, make model")
    rows = dataset.shipped()
    labelled = [row for row in rows if row.label is not None]
    real = [row for row in labelled if not row.synthetic]
    scored, _ = figures.cross_validated(real, fit.cross_validate(labelled).mean(axis=0))
    found = figures.gather(scored, model.thresholds)
    contenders = list(compare.contenders(labelled))
    Path(target).write_text(card.text(card.Parts(model, rows, scored, found, kept, contenders)))
    sys.stdout.write(f"wrote {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
