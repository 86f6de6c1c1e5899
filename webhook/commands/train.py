"""`podgate train`."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import click

from policies.risk import classifier
from policies.risk.classifier import Model
from policies.risk.training.dataset import DatasetError
from webhook.commands import BadInputError, write
from webhook.commands.training import Progress, Rows, manifests, read, require
from webhook.labelled import LABELS, OWN
from webhook.model import as_file


@click.command("train")
@click.option("--dataset", "file", type=click.Path(), metavar="FILE", help="A data set [the shipped one].")
@click.option(
    "--add", multiple=True, type=click.Path(), metavar="PATH", help="Mix in manifests of a file or folder. Repeatable."
)
@click.option(
    "--label", multiple=True, type=click.Choice([*LABELS]), help="What these are: one for each --add, or one for all."
)
@click.option("--version", metavar="TEXT", help="What the model is called in every answer.")
@click.option("-o", "--output", default="model.json", type=click.Path(), metavar="FILE", help="Where to [model.json].")
def command(file: str | None, add: tuple[str, ...], label: tuple[str, ...], version: str | None, output: str) -> None:
    """Make the model of the classifier from labelled rows: the same rows give the same bytes.

    Without options it makes the model that comes with Podgate. Says on the way how good it is, by cross-validation over
    repositories.
    """
    require()
    if bool(add) != bool(label):
        raise click.UsageError("--add needs a --label, and --label an --add")
    if not Path(output).parent.is_dir():
        raise BadInputError(f"{output} cannot be written: {Path(output).parent} is not a folder")
    found = read(file)
    if add:
        found = found.with_more(manifests(add, label, OWN))
    try:
        trained = _train(found, version or _version(own=file is not None or bool(add)))
    except DatasetError as error:
        raise BadInputError(str(error)) from error
    _save(trained.model, output)
    write([trained.told])


def _version(*, own: bool) -> str:
    from policies.risk.training import fit  # noqa: PLC0415 - heavy

    return f"{fit.VERSION}+own" if own else fit.VERSION


@dataclass(frozen=True, slots=True)
class _Trained:
    model: Model
    told: str


def _train(found: Rows, version: str) -> _Trained:
    from policies.risk.training import fit, measure, report  # noqa: PLC0415 - heavy

    progress = Progress()
    labelled = [row for row in found.rows if row.label is not None]
    real = [row for row in labelled if not row.synthetic]
    progress.step(f"cross-validating {len(real):,} rows, with {len(labelled) - len(real):,} synthetic ones")
    scores = fit.cross_validate(labelled, progress=progress)
    progress.step("fitting the model")
    model = fit.train(found.rows, version, found.digest, scores)
    progress.step("measuring")
    slices = islice(measure.slices(real, scores.mean(axis=0)), 3)
    return _Trained(model, report.heading() + "".join(map(report.line, slices)))


def _save(model: Model, output: str) -> None:
    """Write it, and make sure that it can be used."""
    name = classifier.Classifier(model).name
    try:
        Path(output).write_bytes(as_file(model))
        written = Path(output).read_bytes()
    except OSError as error:
        raise BadInputError(f"{output} cannot be written: {error.strerror}") from error
    if classifier.read(written).name != name:
        raise BadInputError(f"{output} does not hold what was written to it")
    write([f"wrote the model {name} to {output}: warn at {model.thresholds.warn_at:.4f}, ",
           f"deny at {model.thresholds.deny_at:.4f}\n\n"])  # fmt: skip
