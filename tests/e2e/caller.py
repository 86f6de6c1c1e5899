"""Reviews as an API server sends them: over TLS, on connections that are kept, at a rate that waits for nobody."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .. import reviews
from .cluster import HOST

#: As in the manifests: the API server has given up by then.
TIMEOUT_SECONDS = 5.0
Wire = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass
class Caller:
    """Asks about good and bad pods by turns, and keeps whatever was not answered, or not rightly."""

    port: int
    authority: Path
    asked: int = 0
    connections: int = 0
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    _idle: list[Wire] = field(default_factory=list)

    async def run(self, rate: int, is_enough: Callable[[int], bool], most: int) -> None:
        """Ask so often a second, until it is enough, or at most so often."""
        self._context = ssl.create_default_context(cafile=str(self.authority))
        begin = time.monotonic()
        async with asyncio.TaskGroup() as self._group:
            while self.asked < most and not is_enough(self.asked):
                await asyncio.sleep(max(0.0, begin + self.asked / rate - time.monotonic()))
                self._group.create_task(self._ask_and_judge(self.asked))
                self.asked += 1
        await asyncio.gather(*(_close(writer) for _, writer in self._idle))

    def told(self) -> str:
        """What came of it, in figures."""
        took = [f"{each * 1000:.1f} ms" for each in sorted(self.seconds)]
        spread = f"median {took[len(took) // 2]}, 99 % {took[len(took) * 99 // 100]}, longest {took[-1]}"
        late = sum(each > 1 for each in self.seconds)
        return (
            f"{self.asked} reviews in {self.connections} connections: {len(self.failed)} failed, "
            f"{len(self.wrong)} wrong, {late} over a second; {spread}"
        )

    async def _ask_and_judge(self, number: int) -> None:
        begin = time.monotonic()
        uid, bad = f"review-{number}", number % 2 == 1
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                status, answer = await self._ask(_review(uid, bad=bad))
        except (OSError, EOFError, TimeoutError) as error:
            self.failed.append(f"{uid}: {type(error).__name__}: {error}")
            return
        self.seconds.append(time.monotonic() - begin)
        said = answer.get("response", {})
        if (status, said.get("uid"), said.get("allowed")) != (200, uid, not bad):
            self.wrong.append(f"{uid}: {status} {answer}")

    async def _ask(self, body: bytes) -> tuple[int, Any]:
        """An answer. As in Go, a kept connection that was seen to end is not used, and nothing is sent twice."""
        reader, writer = await self._wire()
        try:
            writer.write(
                b"POST /validate?timeout=5s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
                b"content-length: %d\r\n\r\n%s" % (len(body), body)
            )
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines if line)
            content = await reader.readexactly(int(headers["content-length"]))
        except BaseException:
            self._group.create_task(_close(writer))
            raise
        if headers.get("connection") == "close":
            self._group.create_task(_close(writer))
        else:
            self._idle.append((reader, writer))
        return int(first.split(" ")[1]), json.loads(content)

    async def _wire(self) -> Wire:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            self._group.create_task(_close(writer))
        self.connections += 1
        return await asyncio.open_connection(HOST, self.port, ssl=self._context, server_hostname=HOST)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with suppress(OSError):
        await writer.wait_closed()


def _review(uid: str, *, bad: bool) -> bytes:
    security = {"privileged": True} if bad else {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    return reviews.body(reviews.review(reviews.pod(securityContext=security), uid=uid))
