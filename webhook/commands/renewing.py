"""`podgate certs rotate` and `status`: on a folder, or on the Secret that `podgate serve` keeps by itself."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from certs import rotation, standing
from certs.authority import AuthorityError
from certs.bundle import Bundle, BundleError, made_at
from certs.local import authority_name
from certs.rotation import Plan, Schedule, Seen, Step
from certs.store import ConflictError, Folder, Store, StoreError
from webhook import cluster
from webhook.cluster import AUTO, OFF, ClusterError
from webhook.commands import BadInputError, columns, write
from webhook.published import Configuration, Published
from webhook.report import printable
from webhook.secret_store import SecretStore
from webhook.settings import PLACE

_TRIES = 5
#: What is next to be done by hand after each step of an exchange in a folder.
_NEXT = {
    Step.ISSUE: "whoever serves with it takes it over by itself",
    Step.INTRODUCE: "publish ca.crt (its base64 is the caBundle), wait two minutes for API servers, and run this again",
    Step.SWITCH: "when every replica serves the new tls.crt, run this again",
    Step.RETIRE: "publish ca.crt: it holds the new authority alone",
}
_DONE = {
    Step.ISSUE: "tls.crt is new",
    Step.INTRODUCE: "ca.crt now also holds the next authority",
    Step.SWITCH: "tls.crt is of the new authority; ca.crt still holds the previous one",
    Step.RETIRE: "the previous authority is gone from ca.crt",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where certificates are kept; and who is told whom to trust, if anybody is."""

    called: str
    store: Store
    published: Published | None


def _options(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--webhook-configuration", "configuration", default="podgate", show_default=True, help="Whose caBundle."
        ),
        click.option(
            "--cluster",
            "where",
            default=AUTO,
            help="A kubeconfig file [this pod's cluster, $KUBECONFIG, ~/.kube/config].",
        ),
        click.option("--secret", metavar="NAMESPACE/NAME", help="What `podgate serve` keeps by itself."),
        click.option("--dir", "folder", type=click.Path(file_okay=False, path_type=Path), help="What `init` has made."),
    ):
        function = option(function)
    return function


@click.command()
@_options
@click.option("--authority", is_flag=True, help="Exchange the authority, step by step, instead of the leaf alone.")
@click.option(
    "--days", type=click.IntRange(1, 3650), help="How long the serving certificate is valid [as the old one]."
)
def rotate(
    folder: Path | None, secret: str | None, where: str, configuration: str, days: int | None, *, authority: bool
) -> None:
    """Renew the serving certificate now, or exchange the authority.

    In the Secret, an exchange of the authority is begun here and completed by whoever serves; in a folder, every call
    takes the next step and says what to do before the one after.
    """
    place = _place(folder, secret, where, configuration)
    for _ in range(_TRIES):
        try:
            write(_rotated(place, days, authority=authority, at_once=folder is not None))
        except ConflictError as error:
            problem = str(error)
        except (StoreError, BundleError, AuthorityError, ClusterError) as error:
            raise BadInputError(f"{place.called}: {error}") from error
        else:
            return
    raise BadInputError(problem)


@click.command()
@_options
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The format [text].")
@click.pass_context
def status(
    ctx: click.Context, folder: Path | None, secret: str | None, where: str, configuration: str, output: str
) -> None:
    """Tell how certificates stand: what there is, until when, and whether the API server trusts it.

    Exit code: 0; 1 when something is wrong or ends within two weeks; 2 when nothing can be told.
    """
    place = _place(folder, secret, where, configuration)
    now = datetime.now(UTC)
    bundle, problem = None, ""
    try:
        found = place.published.read() if place.published is not None else None
        kept = place.store.read()
    except (StoreError, ClusterError) as error:
        raise BadInputError(str(error)) from error
    try:
        bundle = Bundle.read(kept.content)
    except BundleError as error:
        problem = str(error)
    seen = _seen(found)
    problems = _problems(place, bundle, problem, seen, found, now)
    plan = None if problem else rotation.plan(bundle, seen, now)
    show = _json if output == "json" else _text
    write(show(place, bundle, seen, problems, plan, now))
    ctx.exit(1 if problems else 0)


def _place(folder: Path | None, secret: str | None, where: str, configuration: str) -> Place:
    """Raises click's errors."""
    if (folder is None) == (secret is None):
        raise click.UsageError("say where certificates are kept: --dir DIR, or --secret NAMESPACE/NAME")
    if folder is not None:
        if not folder.is_dir():
            raise BadInputError(f"{folder} is not there: `podgate certs init --dir {folder}` makes it")
        return Place(str(folder), Folder(folder), None)
    if secret is None or not PLACE.fullmatch(secret):
        raise click.UsageError("--secret should be NAMESPACE/NAME")
    try:
        reached = cluster.connect(where) or cluster.connect(_kubeconfig())
    except ClusterError as error:
        raise BadInputError(str(error)) from error
    if reached is None:
        raise BadInputError("there is no cluster: name one by --cluster FILE")
    namespace, name = secret.split("/")
    return Place(f"Secret {secret}", SecretStore(reached, namespace, name), Published(reached, configuration))


def _kubeconfig() -> str:
    """The file that kubectl would use; nothing where there is none."""
    path = Path(os.environ.get("KUBECONFIG", "").split(os.pathsep)[0] or "~/.kube/config").expanduser()
    return str(path) if path.exists() else OFF


def _rotated(place: Place, days: int | None, *, authority: bool, at_once: bool) -> list[str]:
    """Take one step, and say what it was. Raises what stores and bundles raise."""
    kept = place.store.read()
    bundle = Bundle.read(kept.content)
    if bundle is None:
        raise StoreError(
            "there is no certificate yet: " + ("podgate certs init" if at_once else "podgate serve") + " makes one"
        )
    step = _step(bundle, authority=authority, at_once=at_once)
    seen = _seen(place.published.read() if place.published is not None else None)
    name = authority_name(place.called.removeprefix("Secret ")) if not at_once else "podgate"
    after = rotation.taken(step, bundle, seen, datetime.now(UTC), _schedule(bundle, days), name)
    place.store.write(after.content(), kept.version)
    if at_once:
        return [f"{place.called}: {_DONE[step]}\n", f"Next: {_NEXT[step]}\n"]
    follows = (
        "it serves it in some seconds" if step is Step.ISSUE else "it takes the other steps by itself, in about an hour"
    )
    return [f"{place.called}: {_DONE[step]}\n", f"Next: nothing, as long as podgate serve runs: {follows}\n"]


def _step(bundle: Bundle, *, authority: bool, at_once: bool) -> Step:
    if not authority:
        return Step.ISSUE
    if bundle.next is None and not bundle.previous:
        return Step.INTRODUCE
    if not at_once:
        raise StoreError("an exchange of the authority is already under way: podgate certs status tells how far it is")
    return Step.SWITCH if bundle.next is not None else Step.RETIRE


def _schedule(bundle: Bundle, days: int | None) -> Schedule:
    cert = bundle.leaf.cert
    as_before = cert.not_valid_after_utc - made_at(cert)
    return Schedule(leaf=timedelta(days=days) if days is not None else as_before)


def _seen(found: Configuration | None) -> Seen:
    if found is None:
        return Seen()
    return Seen(found.names, tuple(each.trusted for each in found.entries))


def _problems(
    place: Place, bundle: Bundle | None, problem: str, seen: Seen, found: Configuration | None, now: datetime
) -> list[str]:
    said = [problem] if problem else []
    if place.published is not None and found is None:
        said.append(f"there is no {place.published.called}: no API server asks")
    if bundle is not None:
        entries = [each.name for each in found.entries] if found is not None else []
        said += standing.problems(bundle, seen, entries, now)
    elif not problem:
        said.append("there is no certificate yet")
    return said


def _text(
    place: Place, bundle: Bundle | None, seen: Seen, problems: list[str], plan: Plan | None, now: datetime
) -> list[str]:
    head = ("WHAT", "SUBJECT", "NAMES", "NOT AFTER", "DAYS", "STATE", "TRUSTED")
    rows = [
        (
            row.what,
            printable(row.subject),
            printable(",".join(row.names)) or "-",
            _moment(row.not_after),
            str(row.days(now)),
            row.state,
            {None: "-", True: "yes", False: "no"}[row.trusted],
        )
        for row in (standing.rows(bundle, seen, now) if bundle is not None else ())
    ]
    said = list(columns(head, rows)) if rows else []
    said += [f"{place.called}: {printable(problem)}\n" for problem in problems]
    if plan is not None and bundle is not None:
        said.append(_next(place, plan, now))
    return said


def _next(place: Place, plan: Plan, now: datetime) -> str:
    who = "by itself" if place.published is not None else "by `podgate certs rotate`"
    if plan.step is not Step.NOTHING:
        return f"Next, {who}: {plan.step}, as {plan.why}\n"
    return f"Next, {who}: {plan.why}, {_moment(plan.again)}\n" if plan.again > now else ""


def _json(
    place: Place, bundle: Bundle | None, seen: Seen, problems: list[str], plan: Plan | None, now: datetime
) -> list[str]:
    content: dict[str, Any] = {
        "place": place.called,
        "certificates": [
            {
                "what": row.what,
                "subject": row.subject,
                "names": list(row.names),
                "notAfter": _moment(row.not_after),
                "days": row.days(now),
                "state": row.state,
                "trusted": row.trusted,
            }
            for row in (standing.rows(bundle, seen, now) if bundle is not None else ())
        ],
        "problems": problems,
        "next": None if plan is None else {"step": plan.step.value, "why": plan.why, "at": _moment(plan.again)},
    }
    return [json.dumps(content, indent=2) + "\n"]


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
