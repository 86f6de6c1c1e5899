"""A TCP balancer on loopback that does as a Service does: whoever connects reaches a replica that is ready."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Self

from .cluster import HOST
from .gate import Gate
from .process import wait_until

_PROBE_SECONDS = 0.2
#: As in the Deployment: a probe that takes longer tells nothing.
_LATE_SECONDS = 3.0
_PART_BYTES = 64 << 10


class Balancer:
    """Runs in a thread of its own. Connections that are there stay where they are, also when a replica leaves."""

    def __init__(self, replicas: Sequence[Gate]) -> None:
        self._replicas = replicas
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._turn = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0
        #: The ports of replicas that are ready, as far as is known.
        self.ready: set[int] = set()
        #: Connections, by the port of the replica that took them.
        self.taken: Counter[int] = Counter()
        #: Connections that a replica did not take which was said to be ready, or that found nobody.
        self.refused = 0

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def wait_for(self, *replicas: Gate) -> None:
        """Wait until exactly these are known to be ready."""
        ports = {each.port for each in replicas}
        wait_until(lambda: self.ready == ports, f"the balancer to know that {len(ports)} replicas are ready")

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        for each in self._replicas:
            self._keep(asyncio.ensure_future(self._watch(each)))

    async def _stop(self) -> None:
        self._server.close()
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, replica: Gate) -> None:
        while True:
            try:
                found = await asyncio.wait_for(_is_ready(replica.ops_port), _LATE_SECONDS)
            except TimeoutError:
                continue
            (self.ready.add if found else self.ready.discard)(replica.port)
            await asyncio.sleep(_PROBE_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._keep(task)
        chosen = sorted(self.ready)
        self._turn += 1
        try:
            port = chosen[self._turn % len(chosen)]
            onward = await asyncio.open_connection(HOST, port)
        except (OSError, ZeroDivisionError):
            self.refused += 1
            writer.transport.abort()
            return
        self.taken[port] += 1
        try:
            await asyncio.gather(_pipe(reader, onward[1]), _pipe(onward[0], writer))
        finally:
            writer.close()
            onward[1].close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on what comes, its end, and a reset as a reset."""
    try:
        while part := await reader.read(_PART_BYTES):
            writer.write(part)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.transport.abort()


async def _is_ready(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        writer.write(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        with suppress(OSError):
            return (await reader.readline()).split(b" ")[1:2] == [b"200"]
        return False
    finally:
        writer.close()
