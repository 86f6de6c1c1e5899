"""`podgate decisions`."""

import re
import sys
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches

import click

from webhook.commands import BadInputError, Progress, colourful, write
from webhook.recorded import Summary, Wanted, document, read, text
from webhook.recorded.summary import RISK, UNREADABLE, UNTOLD
from webhook.report import ExitCode

_EVERY = 1_000


@click.command("decisions", no_args_is_help=False)
@click.argument("files", nargs=-1, metavar="FILE...|-", type=click.Path())
@click.option("--since", metavar="24h|TIME", help="Only what was decided since: 90m, 24h, 7d, or 2026-11-24T10:00:00Z.")
@click.option("-n", "--namespace", multiple=True, help="Only in this namespace. May be given several times.")
@click.option("--rule", multiple=True, help="Only what this rule has a part in. May be given several times.")
@click.option("--denied", is_flag=True, help="Only what was denied, or would be if the policy were enforced.")
@click.option("--top", type=click.IntRange(1, 1_000), default=10, help="How many names a table has [10].")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The format [text].")
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    since: str | None,
    namespace: tuple[str, ...],
    rule: tuple[str, ...],
    denied: bool,
    top: int,
    output: str,
) -> None:
    """Tell what decisions amount to: what was denied, and what enforcing the policy would deny.

    Reads decision logs of `podgate serve`, also rotated and compressed ones, or standard input (-). Exit code: 0, or 2
    when something could not be read or the call is wrong. Lines that are damaged are counted and told, and do not
    change it.
    """
    if not files:
        raise click.UsageError("say what to read: the file of --decision-log, or - for standard input", ctx)
    wanted = Wanted(_moment(since), frozenset(namespace), _rules(rule), denied)
    summary = _summarise(files, wanted)
    told = (
        [document.render(summary, top)] if output == "json" else text.render(summary, top, colour=colourful(sys.stdout))
    )
    write(told)
    write(text.complain(summary, colour=colourful(sys.stderr)), sys.stderr)
    ctx.exit(ExitCode.ALLOWED if summary.usable else ExitCode.BAD_INPUT)


def _summarise(files: tuple[str, ...], wanted: Wanted) -> Summary:
    summary = Summary(wanted)
    progress = Progress("read {:,} lines, {:,} decisions")
    for file in files:
        for found in read(file):
            summary.add(found)
            if not summary.lines % _EVERY:
                progress(summary.lines, summary.decisions)
    progress.erase()
    return summary


_DURATION = re.compile(r"(?:(\d{1,6})d)?(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s)?")


def _moment(since: str | None) -> datetime | None:
    if since is None:
        return None
    match = _DURATION.fullmatch(since)
    if since and match is not None:
        days, hours, minutes, seconds = (int(found or 0) for found in match.groups())
        return datetime.now(UTC) - timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    try:
        found = datetime.fromisoformat(since)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise BadInputError(f'--since "{since}" is no time: write 24h, 7d, or a time with a zone, 2026-11-24T10:00:00Z')
    return found


def _rules(names: tuple[str, ...]) -> frozenset[str]:
    """The rules of these names. A log may be older than a rule's present name: both count."""
    if not names:
        return frozenset()
    from policies import registry  # noqa: PLC0415 - loads all rules, and is seldom asked for

    known = registry.by_name()
    for name in names:
        if name not in known and name not in (RISK, UNREADABLE, UNTOLD):
            near = get_close_matches(name, [*known, RISK], n=1)
            hint = f"did you mean {near[0]}?" if near else "`podgate rules` lists them"
            raise BadInputError(f'--rule "{name}" is not a rule: {hint}')
    return frozenset(names) | {known[name].id for name in names if name in known}
