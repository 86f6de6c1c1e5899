"""`podgate certs`: make what the webhook serves with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from certs.authority import Authority, AuthorityError
from webhook.commands.renewing import rotate, status

_FILES = ("ca.crt", "ca.key", "tls.crt", "tls.key")


@click.group()
def command() -> None:
    """Make, renew and look at certificates."""


command.add_command(rotate)
command.add_command(status)


@command.command()
@click.option(
    "--dir",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write ca.crt, ca.key, tls.crt and tls.key. Made when it does not exist.",
)
@click.option(
    "--dns-name",
    "dns_names",
    multiple=True,
    help="A name that the API server calls, as in NAME.NAMESPACE.svc. May be repeated.",
)
@click.option("--ip", "addresses", multiple=True, help="An address that it calls. May be repeated.")
@click.option(
    "--days",
    type=click.IntRange(1, 3650),
    default=365,
    show_default=True,
    help="How long the serving certificate is valid.",
)
@click.option("--force", is_flag=True, help="Replace what is there.")
def init(folder: Path, dns_names: tuple[str, ...], addresses: tuple[str, ...], days: int, *, force: bool) -> None:
    """Make a certificate authority and a serving certificate."""
    names = (*dns_names, *addresses)
    if not names:
        raise click.UsageError("say how the webhook is called: --dns-name NAME.NAMESPACE.svc, or --ip ADDRESS")
    there = [name for name in _FILES if (folder / name).exists()]
    if there and not force:
        raise click.UsageError(f"{folder} already holds {', '.join(there)}; --force replaces them")
    try:
        _write(folder, names, days)
    except AuthorityError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder} cannot be written: {error.strerror}") from error
    _tell(folder, names, days)


def _write(folder: Path, names: tuple[str, ...], days: int) -> None:
    now = datetime.now(UTC)
    authority = Authority.create("podgate", now)
    leaf = authority.server(names, now, timedelta(days=days))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority.pair.write(folder / "ca.crt", folder / "ca.key")
    leaf.write(folder / "tls.crt", folder / "tls.key")


def _tell(folder: Path, names: tuple[str, ...], days: int) -> None:
    click.echo(f"{folder / 'ca.crt'}   what the API server trusts: its base64 is the caBundle of the configuration")
    click.echo(f"{folder / 'ca.key'}   what signs certificates: keep it to yourself")
    click.echo(f"{folder / 'tls.crt'}  the serving certificate for {', '.join(names)}, for {days} days")
    click.echo(f"{folder / 'tls.key'}  its key")
    click.echo(f"Next: podgate serve --tls-cert {folder / 'tls.crt'} --tls-key {folder / 'tls.key'}")
