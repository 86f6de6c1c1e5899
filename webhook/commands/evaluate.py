"""`podgate evaluate`."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from policies.risk import classifier
from policies.risk.classifier import Classifier, ModelError
from policies.risk.training.dataset import DatasetError, Row
from webhook.commands import BadInputError, write
from webhook.commands.training import Progress, Rows, manifests, read, require
from webhook.labelled import LABELS

if TYPE_CHECKING:
    from policies.risk.training.figures import Figures, Scored


@click.command("evaluate")
@click.argument("paths", nargs=-1, metavar="[PATH...]", type=click.Path())
@click.option("--label", multiple=True, type=click.Choice([*LABELS]), help="What these are: one for each, or for all.")
@click.option("--model", type=click.Path(), metavar="FILE", help="A model [the shipped one].")
@click.option("--dataset", "file", type=click.Path(), metavar="FILE", help="A data set [the shipped one].")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The format [text].")
@click.option("--report", type=click.Path(), metavar="DIR", help="Also write a page with pictures into this folder.")
def command(
    paths: tuple[str, ...], label: tuple[str, ...], model: str | None, file: str | None, output: str, report: str | None
) -> None:
    """Tell how good a model is: on manifests whose label you know, or on a data set.

    Without a model and manifests, the data set is cross-validated over repositories: each row is judged by a model that
    never saw its repository. A model that is named judges all rows; those that it was made from flatter it.
    """
    require()
    if paths and file is not None:
        raise click.UsageError("name manifests or a --dataset, not both")
    if bool(paths) != bool(label):
        raise click.UsageError("manifests need a --label, and a --label needs manifests")
    chosen = _model(model)
    if paths:
        measured = _by_model(chosen, Rows(manifests(paths, label, None), ""))
    else:
        measured = _cross_validated(read(file)) if model is None else _by_model(chosen, read(file))
    if report is not None:
        _report(chosen, measured, report)
    write(_json(chosen, measured) if output == "json" else _text(measured))


def _model(file: str | None) -> Classifier:
    try:
        return classifier.shipped() if file is None else classifier.read(Path(file).read_bytes())
    except OSError as error:
        raise BadInputError(f"{file} cannot be read: {error.strerror}") from error
    except ModelError as error:
        raise BadInputError(f"{file}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Measured:
    told: str
    scored: "Scored"
    figures: "Figures"


def _real(rows: Rows) -> list[Row]:
    return [row for row in rows.rows if row.label is not None and not row.synthetic]


def _by_model(chosen: Classifier, rows: Rows) -> _Measured:
    from policies.risk.training import figures  # noqa: PLC0415 - heavy

    scored = figures.of_model(chosen, _real(rows))
    if not scored.rows:
        raise BadInputError("there is no row with a label")
    told = f"The model {chosen.name} on {len(scored.rows):,} rows."
    if chosen.model.provenance.get("dataset") == rows.digest:
        told += " It was made from these rows, which flatters it: without --model they are cross-validated."
    Progress().step("measuring")
    return _Measured(told, scored, figures.gather(scored, chosen.model.thresholds))


def _cross_validated(rows: Rows) -> _Measured:
    from policies.risk.training import figures, fit  # noqa: PLC0415 - heavy

    progress = Progress()
    labelled, real = [row for row in rows.rows if row.label is not None], _real(rows)
    progress.step(f"cross-validating {len(real):,} rows")
    try:
        scores = fit.cross_validate(labelled, progress=progress)
    except DatasetError as error:
        raise BadInputError(str(error)) from error
    scored, thresholds = figures.cross_validated(real, scores.mean(axis=0))
    progress.step("measuring")
    told = f"Cross-validation of {len(real):,} rows: each judged by {fit.REPEATS} models that never saw its repository."
    return _Measured(told, scored, figures.gather(scored, thresholds))


def _text(measured: _Measured) -> Iterator[str]:
    from policies.risk.training import report  # noqa: PLC0415

    found = measured.figures
    yield f"{measured.told}\n\n"
    if found.slices:
        yield report.heading()
        yield from map(report.line, found.slices)
        yield "\n"
    yield from report.border_lines(found)
    if found.belief is not None:
        yield report.belief_line(found.belief)


def _json(chosen: Classifier, measured: _Measured) -> Iterator[str]:
    named = {"version": chosen.model.version, "checksum": chosen.model.checksum}
    content = {"told": measured.told, "model": named, **msgspec.to_builtins(measured.figures)}
    yield msgspec.json.format(msgspec.json.encode(content), indent=2).decode() + "\n"


def _report(chosen: Classifier, measured: _Measured, folder: str) -> None:
    from policies.risk.training import figures, plots, report  # noqa: PLC0415

    if not figures.has_both(measured.scored):
        raise BadInputError("--report needs dangerous and benign rows: without both there is nothing to tell apart")
    drawn = plots.draw(measured.scored, chosen.model)
    pictures = [(plot.file, plot.title) for plot in drawn]
    page = report.page("How good the classifier is", measured.told, measured.figures, pictures)
    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
        (target / "report.md").write_text(page)
        for plot in drawn:
            (target / plot.file).write_text(plot.svg)
    except OSError as error:
        raise BadInputError(f"{error.filename or folder} cannot be written: {error.strerror}") from error
