"""`podgate preflight`."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from policies.config import Policy
from webhook import manifest
from webhook.cluster import AUTO, Cluster, ClusterError, connect
from webhook.commands import BadInputError, Progress, colourful, write
from webhook.commands.policy import compiled, text_of
from webhook.manifest import Flaw
from webhook.preflight import document, text
from webhook.preflight.live import Live, dig
from webhook.preflight.survey import Survey
from webhook.report import as_json, printable

_SECONDS = 10.0
_MOST_BYTES = 1 << 20


@click.command("preflight")
@click.option("--kubeconfig", type=click.Path(), metavar="FILE", help="Which cluster [KUBECONFIG, ~/.kube/config].")
@click.option("--context", "context", help="A context of the kubeconfig [the current one].")
@click.option("--name", default="podgate", help="The ValidatingWebhookConfiguration [podgate].")
@click.option("--policy", type=click.Path(), metavar="FILE", help="What to judge by [the policy in the cluster].")
@click.option(
    "-f",
    "--filename",
    "file",
    type=click.Path(),
    metavar="FILE|-",
    help="Manifests that are about to be applied: a webhook configuration and a policy's ConfigMap in them count.",
)
@click.option("--tls-cert", type=click.Path(), metavar="FILE|-", help="The certificate that replicas show, for trust.")
@click.option("--top", type=click.IntRange(1, 1_000), default=20, help="How many lines a table has [20].")
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="The format [text].")
@click.pass_context
def command(
    ctx: click.Context,
    kubeconfig: str | None,
    context: str | None,
    name: str,
    policy: str | None,
    file: str | None,
    tls_cert: str | None,
    top: int,
    output: str,
) -> None:
    """Tell what would break in a cluster if every replica were down, and what would be denied today.

    Nothing is written, and no Secret is read. Exit code: 0 everything was looked at and is fine, 1 something would
    break or be denied, or could not be looked at, 2 the cluster cannot be reached or the call is wrong, 3 a mistake in
    Podgate itself.
    """
    given = _given(file, name) if file is not None else {}
    judged_by = _policy(policy) if policy is not None else None
    shown = _read(tls_cert) if tls_cert is not None else None
    progress = Progress("looked at {:,} objects in {:,} lists")
    survey = Survey(Live(_cluster(kubeconfig, context), progress), name, datetime.now(UTC), judged_by, given, shown)
    report = survey.run()
    progress.erase()
    if output == "json":
        write([as_json(document.of(report))])
    else:
        write(text.render(report, top, colour=colourful(sys.stdout)))
    ctx.exit(report.exit_code)


def _read(file: str) -> tuple[bytes, str]:
    """A file, or standard input, and how it is called. Raises click's errors."""
    try:
        with click.open_file(file, "rb") as stream:
            return stream.read(_MOST_BYTES), "standard input" if file == "-" else printable(file)
    except OSError as error:
        raise BadInputError(f"{printable(file)} cannot be read: {(error.strerror or '').lower()}") from error


def _policy(file: str) -> tuple[Policy, str]:
    return compiled(text_of(file), file), printable(file)


def _cluster(kubeconfig: str | None, context: str | None) -> Cluster:
    """The cluster that is meant, once it has answered. Raises click's errors."""
    try:
        found = connect(_source(kubeconfig), context=context)
        if found is None:
            raise BadInputError("there is no cluster: name a kubeconfig with --kubeconfig")
        found.ask("GET", "/version", _SECONDS)
    except ClusterError as error:
        raise BadInputError(f"the cluster cannot be reached: {error}") from error
    return found


def _source(kubeconfig: str | None) -> str:
    if kubeconfig is not None:
        return kubeconfig
    if said := os.environ.get("KUBECONFIG"):
        files = [each for each in said.split(os.pathsep) if each]
        if len(files) > 1:
            raise BadInputError(
                "KUBECONFIG names several files: `kubectl config view --flatten --minify` makes one of them, for "
                "--kubeconfig"
            )
        return files[0]
    usual = Path.home() / ".kube" / "config"
    return str(usual) if usual.is_file() else AUTO


def _given(file: str, name: str) -> dict[str, dict[str, Any]]:
    """What counts of the manifests in a file. Raises click's errors."""
    found: dict[str, dict[str, Any]] = {}
    for source in manifest.find([file]):
        if source.problem is not None:
            raise BadInputError(f"{printable(source.name)} {source.problem}")
        for part in manifest.read(source.content):
            for each in [part] if isinstance(part, Flaw) else manifest.objects(part):
                if isinstance(each, Flaw):
                    if each.foreign:
                        continue
                    raise BadInputError(f"{printable(file)}:{each.place.line}: {each.problem}")
                _keep(found, each.value, name)
    if not found:
        raise BadInputError(f"{printable(file)} has neither a webhook configuration {name} nor a policy")
    return found


def _keep(found: dict[str, dict[str, Any]], value: Any, name: str) -> None:
    kind = dig(value, "kind")
    is_policy = kind == "ConfigMap" and dig(value, "data", "policy.yaml") is not None
    is_ours = kind == "ValidatingWebhookConfiguration" and dig(value, "metadata", "name") == name
    if is_policy or is_ours:
        found[kind] = value
