"""A server on one address: uvicorn's, with our protocol, our deadlines, and a way to leave without failing anybody."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from starlette.types import ASGIApp
from uvicorn import Config, Server

from webhook.accept import Acceptor
from webhook.deadline import Arrivals
from webhook.direct import DirectProtocol
from webhook.heads import Desk, Heads
from webhook.protocol import BoundedProtocol, CrowdedProtocol, Limits, Refusal

_BACKLOG = 2048
_GRACE_SECONDS = 5
#: So many connections over the bound are told that there is no room; whoever comes then waits to be accepted.
_SPARE = 64
_CLOSE = [(b"connection", b"close")]


class ListenError(Exception):
    """An address that cannot be listened on: which, and why."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 means any that is free. Raises ListenError."""
    try:
        family, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        dual = family == socket.AF_INET6 and host == "::" and socket.has_dualstack_ipv6()
        return socket.create_server(address[:2], family=family, backlog=_BACKLOG, dualstack_ipv6=dual)
    except (OSError, OverflowError) as error:
        raise ListenError(f"cannot listen on {host}:{port}: {_reason(error).lower()}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, socket.gaierror):
        return error.strerror or "the host is not known"
    # Not strerror: asyncio and socket put the address in there again.
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)


class Listener(Server):
    """Serves an application on a socket until `should_exit`. It leaves signals alone: two may share a process."""

    def __init__(
        self,
        app: ASGIApp,
        sock: socket.socket,
        limits: Limits,
        refused: Callable[[Refusal], None] = lambda _refusal: None,
        context: ssl.SSLContext | None = None,
        desk: Desk | None = None,
    ) -> None:
        super().__init__(_config(app, context))
        self._socket = sock
        self._limits = limits
        self._refused = refused
        self._heads = Heads(desk) if desk is not None else None
        self._arrivals = Arrivals()
        self._beginning: dict[BoundedProtocol, asyncio.Task[None]] = {}
        self.ready = asyncio.Event()

    @property
    def address(self) -> str:
        """Where it listens: scheme, host and port."""
        host, port = self._socket.getsockname()[:2]
        return f"{'https' if self.config.is_ssl else 'http'}://{f'[{host}]' if ':' in host else host}:{port}"

    def drain(self) -> None:
        """Go on serving, but let every answer end its connection, so that clients find another replica."""
        self.config.encoded_headers = _CLOSE
        self.server_state.default_headers = _CLOSE

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - as in uvicorn
        """Begin to accept. uvicorn's own knows no bound on connections, nor on the time that a handshake takes."""
        await self.lifespan.startup()
        self._socket.setblocking(False)
        acceptor = Acceptor(self._socket, self._begin, lambda: self._open < self._limits.connections + _SPARE)
        acceptor.start()
        self._arrivals.start()
        self.servers = [acceptor]  # type: ignore[list-item]  # what uvicorn asks of a server: to be closed
        self.started = True
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close what is open, as uvicorn does."""
        self._arrivals.close()
        await super().shutdown(sockets)

    @property
    def _open(self) -> int:
        """How many connections there are, with those that have not shaken hands yet."""
        known = self.server_state.connections
        return len(known) + sum(protocol not in known for protocol in self._beginning)

    def _begin(self, accepted: socket.socket) -> None:
        protocol = self._protocol()
        self._beginning[protocol] = asyncio.get_running_loop().create_task(self._shake_hands(accepted, protocol))

    async def _shake_hands(self, accepted: socket.socket, protocol: BoundedProtocol) -> None:
        times: dict[str, Any] = {}
        if self.config.ssl is not None:
            times["ssl_handshake_timeout"] = self._limits.handshake_seconds
            times["ssl_shutdown_timeout"] = self._limits.goodbye_seconds
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: protocol, accepted, ssl=self.config.ssl, **times)
        except OSError:
            pass  # the peer has gone, or speaks no TLS, or shows no certificate, or takes too long
        finally:
            del self._beginning[protocol]

    def _protocol(self) -> BoundedProtocol:
        given: dict[str, Any] = {
            "arrivals": self._arrivals,
            "config": self.config,
            "server_state": self.server_state,
            "app_state": {},
        }
        if self._open >= self._limits.connections:
            return CrowdedProtocol(self._limits, self._refused, **given)
        if self._heads is None:
            return BoundedProtocol(self._limits, self._refused, **given)
        return DirectProtocol(self._heads, self._limits, self._refused, **given)


def _config(app: ASGIApp, context: ssl.SSLContext | None) -> Config:
    return Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level=logging.WARNING,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        workers=1,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_context_factory=None if context is None else lambda _config, _default: context,
    )
