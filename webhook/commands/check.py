"""`podgate check`."""

import sys
from pathlib import Path

import click

from policies import profile
from policies.config import Mode
from policies.rule import Severity
from webhook import formats
from webhook.check import LabelsOf, check, no_labels
from webhook.commands import BadInputError, Progress, colourful, write
from webhook.commands.policy import policy_of
from webhook.report import Telling


@click.command("check", no_args_is_help=False)
@click.argument("paths", nargs=-1, metavar="PATH...|-", type=click.Path())
@click.option("--profile", type=click.Choice(profile.names()), help=f"What is held against them [{profile.DEFAULT}].")
@click.option("--policy", type=click.Path(), metavar="FILE", help="A GatePolicy, instead of a profile.")
@click.option("--pss-version", metavar="v1.NN|latest", help="The version of the Pod Security Standards [latest].")
@click.option("--model", type=click.Path(), metavar="FILE", help="A model of the classifier [the shipped one].")
@click.option(
    "--namespaces", type=click.Path(), metavar="FILE", help="Namespace objects, for policies that go by their labels."
)
@click.option("-o", "--output", type=click.Choice(formats.names()), default="text", help="The format [text].")
@click.option(
    "--min-severity",
    type=click.Choice([str(severity) for severity in Severity]),
    help="Leave out findings that are less severe. They still count for the decision and the exit code.",
)
@click.option("--fix", is_flag=True, help="Print the files with every fix made that is known to be right.")
@click.option("--diff", is_flag=True, help="Print what --fix would change.")
@click.option("-v", "--verbose", is_flag=True, help="Also tell what is only recorded, and what nothing is said about.")
@click.pass_context
def command(
    ctx: click.Context,
    paths: tuple[str, ...],
    profile: str | None,
    policy: str | None,
    pss_version: str | None,
    model: str | None,
    namespaces: str | None,
    output: str,
    min_severity: str | None,
    fix: bool,
    diff: bool,
    verbose: bool,
) -> None:
    """Judge the Kubernetes objects in files and folders, or on standard input (-).

    In folders, *.yaml, *.yml and *.json count. Exit code: 0 nothing is denied, 1 something is denied, 2 something could
    not be read or the call is wrong, 3 a mistake in Podgate itself.
    """
    if not paths:
        raise click.UsageError("say what to check: a file, a folder, or - for standard input", ctx)
    in_force = policy_of(profile, policy, pss_version, model)
    labels = _labels(namespaces)
    least = Severity[min_severity.upper()] if min_severity is not None else Severity.INFO
    if fix or diff:
        if output != "text" or (fix and diff):
            raise click.UsageError("--fix prints files and --diff what changes in them: use one, and no -o", ctx)
        from webhook.commands import mending  # noqa: PLC0415 - only for this

        ctx.exit(mending.run(paths, in_force, least, labels, diff=diff))
    chosen = formats.load(output)
    progress = Progress("checked {:,} objects in {:,} files")
    recorded = verbose or in_force.mode is not Mode.ENFORCE or getattr(chosen, "EVERYTHING", False)
    report = check(paths, in_force, progress, formats.fixes(chosen), labels, Telling(least, recorded))
    progress.erase()
    write(chosen.render(report, colour=colourful(sys.stdout), verbose=verbose))
    if (complain := getattr(chosen, "complain", None)) is not None:
        write(complain(report, colour=colourful(sys.stderr)), sys.stderr)
    ctx.exit(report.exit_code)


def _labels(file: str | None) -> LabelsOf:
    """What labels namespaces have, by a file; without one they have none."""
    if file is None:
        return no_labels
    from webhook.namespaces import NamespacesError, load  # noqa: PLC0415 - only for this

    try:
        return load(Path(file)).get
    except NamespacesError as error:
        raise BadInputError(str(error)) from error
