"""`podgate serve`: put the parts together, serve on two ports, and leave without failing anybody."""

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import click
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from certs.reload import CertificateError, Sources
from policies.config import Policy, PolicyError
from policies.risk.classifier import ModelError
from webhook import logs, reload, settings
from webhook.admission import Context
from webhook.app import PATH, Front, Gate
from webhook.cluster import ClusterError
from webhook.decisions import DecisionLog, Losses
from webhook.journal import Journal
from webhook.lines import Lines, LogError
from webhook.listener import Listener, ListenError, listen
from webhook.managed import Managed
from webhook.metrics import Metrics
from webhook.model import load_model
from webhook.namespaces import NamespacesError
from webhook.ops import Ops, Readiness
from webhook.protocol import FULL, Limits, Refusal
from webhook.recall import Recall
from webhook.reload import PolicyWatch, Watch
from webhook.report import version
from webhook.settings import Settings, SettingsError
from webhook.surroundings import Surroundings
from webhook.tls import CertificateWatch
from webhook.trim import Trim

_WATCH_SECONDS = 1.0
_OPS_BODY_BYTES = 1024
_OPS_CONNECTIONS = 64
_OTHER_FILES = 256
_log = logging.getLogger("podgate")


class Pages:
    """What is asked on the admission port besides reviews, made when somebody asks for it.

    Most servers never are asked, and what it is made with takes a sixth of the memory and as much of the start.
    """

    def __init__(self) -> None:
        self._made: asyncio.Future[ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._made is None:
            # In a thread: no review waits for it.
            self._made = asyncio.ensure_future(asyncio.to_thread(_pages))
        application = await asyncio.shield(self._made)
        await application(scope, receive, send)


def _pages() -> ASGIApp:
    from webhook import pages  # noqa: PLC0415 - when somebody asks

    return pages.build()


class StartError(Exception):
    """Podgate cannot start: why, for a person."""


class _CannotStartError(click.ClickException):
    exit_code = 2


class Service:
    """A webhook that is ready to be run. Making it checks everything that can be checked before it listens."""

    def __init__(self, given: Settings) -> None:
        """Raises StartError."""
        self._settings = given
        self.metrics = Metrics()
        try:
            self.surroundings = Surroundings(given, self.metrics)
            context = Context(namespaces=self.surroundings.namespaces, recall=Recall())
            self.gate = Gate(self._policy(), context, self.surroundings.authority)
            sources = Sources(given.tls_cert, given.tls_key, given.tls_client_ca)
            self._managed = self._manage(sources)
            self._certificate = CertificateWatch(sources, self.metrics, _now)
            self._losses = Losses(self.metrics.lost)
            self._decisions = DecisionLog(Lines.open(given.decision_log, self._losses))
        except (PolicyError, ModelError, CertificateError, LogError, NamespacesError, ClusterError) as error:
            raise StartError(str(error)) from error
        self._journal = Journal(self._decisions.write, self.metrics.reviews)
        self.metrics.running(version(), self.gate.policy)
        self.readiness = Readiness(self.gate, self._certificate.not_after, _now, self._missing)
        if problem := self.readiness.warm_up():
            raise StartError(problem)
        _allow_files(given.max_connections + _OTHER_FILES)
        self._main, self._ops = self._listeners()
        self._watches = self._watched()
        self._stopping = False
        self._code = 0
        # What was imported and built until now stays for good: no collection needs to look at it again.
        gc.collect()
        gc.freeze()

    def _manage(self, sources: Sources) -> Managed | None:
        """Whoever makes the certificate, if it is us. Raises CertificateError, StartError."""
        given = self._settings
        if given.managed_certificates is None:
            return None
        if self.surroundings.cluster is None:
            raise StartError("--managed-certificates needs a cluster: this is no pod of one, and --cluster names none")
        place, name = given.managed_certificates, given.webhook_configuration
        return Managed(self.surroundings.cluster, place, name, sources, self.metrics, _now)

    def _missing(self) -> str | None:
        """What must be there at the start, and is not yet."""
        return self.surroundings.missing() or (None if self._managed is None else self._managed.missing())

    def _policy(self) -> Policy:
        """Raises PolicyError, ModelError."""
        given = self._settings
        return reload.load_policy(given.policy, load_model(given.model) if given.model is not None else None)

    def _listeners(self) -> tuple[Listener, Listener]:
        given = self._settings
        limits = Limits(given.read_timeout, given.read_timeout, connections=given.max_connections)
        small = replace(limits, body_bytes=_OPS_BODY_BYTES, connections=_OPS_CONNECTIONS)
        front = Front(self.gate, Pages(), self._journal.add, self.metrics.error)
        ops = Ops(self.readiness, self.metrics, self._journal.flush)
        context = self._certificate.keeper.context
        try:
            main_socket = listen(given.host, given.port)
            ops_socket = listen(given.ops_host or given.host, given.ops_port)
        except ListenError as error:
            raise StartError(str(error)) from error
        main = Listener(front, main_socket, limits, self._refused, context, front)
        return main, Listener(ops, ops_socket, small)

    def _refused(self, refusal: Refusal) -> None:
        self.metrics.error("overload" if refusal is FULL else "http")

    def _watched(self) -> list[Watch]:
        watches: list[Watch] = [self._certificate, self._decisions, self._losses, Trim()]
        given = self._settings
        self.readiness.notes.append(self._certificate.note)
        if self._managed is not None:
            # Before the certificate is looked at: both files are written when it is.
            watches.insert(0, self._managed)
            self.readiness.notes.append(self._managed.note)
        if given.policy is not None or given.model is not None:
            policy = PolicyWatch(given.policy, self.gate, self.metrics, version(), given.model)
            self.readiness.notes.append(policy.note)
            watches.append(policy)
        return [*watches, *self.surroundings.watches]

    async def run(self) -> int:
        """Serve until a signal says otherwise. Returns the exit code: 1 when the second signal cut it short."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, partial(self._stop, number))
        loop.add_signal_handler(signal.SIGHUP, partial(reload.check, self._watches, force=True))
        self.surroundings.start()
        if self._managed is not None:
            self._managed.start()
        watching = loop.create_task(reload.watch(self._watches, _WATCH_SECONDS))
        ops = loop.create_task(self._ops.serve())
        main = loop.create_task(self._main.serve())
        ready = asyncio.gather(self._main.ready.wait(), self._ops.ready.wait())
        starting: set[asyncio.Future[Any]] = {ready, main, ops}
        done, _ = await asyncio.wait(starting, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()  # a server that cannot start says so here, and is not waited for
        self.readiness.serving = True
        _log.info("ready", extra={"fields": self._about()})
        await main
        self._ops.should_exit = True
        await ops
        watching.cancel()
        if self._managed is not None:
            self._managed.stop()
        self.surroundings.stop()
        self._journal.flush()
        self._decisions.close()
        self._losses.check(force=True)
        _log.info("stopped")
        return self._code

    def _about(self) -> dict[str, str]:
        policy = self.gate.policy
        return {
            "admission": self._main.address + PATH,
            "ops": self._ops.address,
            "version": version(),
            "policy": policy.name,
            "hash": policy.hash,
            "mode": policy.mode.value,
            "model": policy.model,
        }

    def _stop(self, number: signal.Signals) -> None:
        if self._stopping:
            self._code = 1
            self._main.force_exit = self._ops.force_exit = True
            self._main.should_exit = True
            return
        self._stopping = True
        self.readiness.draining = True
        self._main.drain()
        # The API server goes on using what it has connected to until it is told that this replica is gone.
        seconds = self._settings.drain_seconds if number == signal.SIGTERM else 0.0
        _log.info("draining", extra={"fields": {"signal": number.name, "seconds": seconds}})
        asyncio.get_running_loop().call_later(seconds, self._leave)

    def _leave(self) -> None:
        self._main.should_exit = True


def serve(given: Settings) -> int:
    """Run the webhook. Returns the exit code. Raises StartError."""
    _keep_standard_handles()
    service = Service(given)
    logs.start(given.log_level, Lines.onto(sys.__stderr__.fileno() if sys.__stderr__ else 2, service.metrics.lost))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(service.run())
    except OSError as error:
        raise StartError(f"cannot serve: {(error.strerror or str(error)).lower()}") from error


def _keep_standard_handles() -> None:
    """Open what whoever started us has closed, so that no socket and no file of ours is written to in its place."""
    for handle in range(3):
        try:
            os.fstat(handle)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest that is free: this one


def _allow_files(number: int) -> None:
    """Let this process open so many files, as far as the system lets it raise the number by itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = number if hard == resource.RLIM_INFINITY else min(number, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _now() -> datetime:
    return datetime.now(UTC)


def _options(function: Callable[..., None]) -> Callable[..., None]:
    """One flag for every setting."""
    for name, field in reversed(Settings.model_fields.items()):
        default = "" if field.is_required() or field.default is None else f" [{field.default}]"
        option = click.option(
            settings.flag(name), name, metavar=_metavar(field.annotation), help=f"{field.description}{default}"
        )
        function = option(function)
    return function


def _metavar(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "|".join(get_args(annotation))
    names = {Path: "FILE", int: "N", float: "SECONDS"}
    return next((names[kind] for kind in (annotation, *get_args(annotation)) if kind in names), "TEXT")


@click.command("serve")
@_options
@click.pass_context
def command(ctx: click.Context, /, **flags: str | None) -> None:
    """Run the webhook: reviews over TLS, and health and metrics on a port of their own.

    Every option can also be given in the environment: --tls-cert as PODGATE_TLS_CERT. SIGTERM drains, SIGHUP looks at
    the certificate and the policy at once, and opens the decision log anew.
    """
    try:
        given = settings.load({name: value for name, value in flags.items() if value is not None})
        code = serve(given)
    except SettingsError as error:
        raise click.UsageError("\n".join(error.problems), ctx) from error
    except StartError as error:
        raise _CannotStartError(str(error)) from error
    ctx.exit(code)


if __name__ == "__main__":
    command()
