"""A client that costs little next to the server: reviews are sent when they are due, as the API server sends them.

Connections are kept, and another is made when all are busy. What is sent and what must come back is made beforehand, so
that an answer is checked by looking for a few bytes in it; every so many answers one is read whole.
"""

import asyncio
import json
import re
import ssl
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

_HEAD = (
    "POST /validate?timeout=10s HTTP/1.1\r\nHost: podgate\r\nUser-Agent: kube-apiserver-admission\r\n"
    "Content-Length: {}\r\nAccept: application/json, */*\r\nContent-Type: application/json\r\n"
    "Accept-Encoding: gzip\r\n\r\n"
)
_LENGTH = re.compile(rb"content-length: ([0-9]+)", re.IGNORECASE)
_READ_WHOLE = 64
#: As the API server waits when nothing else is configured; a longer life of a connection than this is not seen there.
PATIENCE_SECONDS = 10.0
_LIFE_SECONDS = 60.0


class Review(NamedTuple):
    """What is sent, and what must come back."""

    uid: str
    request: bytes
    allowed: bool
    marks: tuple[bytes, bytes]

    @classmethod
    def of(cls, body: bytes, uid: str, *, allowed: bool) -> "Review":
        marks = (f'"uid":"{uid}"'.encode(), f'"allowed":{str(allowed).lower()}'.encode())
        return cls(uid, _HEAD.format(len(body)).encode() + body, allowed, marks)


class Sent(NamedTuple):
    """A review that is under way. `due`: when it was to be sent, by the loop's clock."""

    review: Review
    due: float


@dataclass
class Seen:
    """What came of reviews: how many of each outcome, and how long the verdicts took, in seconds."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    examples: dict[str, str] = field(default_factory=dict)
    policies: Counter[str] = field(default_factory=Counter)

    def note(self, outcome: str, example: object = "") -> None:
        self.outcomes[outcome] += 1
        if example and outcome not in self.examples:
            self.examples[outcome] = str(example)[:300]

    @property
    def failed(self) -> int:
        """How many were sent, and got neither a verdict nor were told to come back."""
        return sum(self.outcomes[each] for each in self.outcomes.keys() - {"verdict", "shed", "held back"})


class Connection(asyncio.Protocol):
    """One connection, with one review under way at most."""

    def __init__(self, client: "Client") -> None:
        self._client = client
        self._held = b""
        self.born = client.loop.time()
        self.was_answered = False
        self.sent: Sent | None = None
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def send(self, sent: Sent) -> None:
        self.sent = sent
        self.transport.write(sent.review.request)

    def data_received(self, data: bytes) -> None:
        data = self._held + data
        end = data.find(b"\r\n\r\n")
        found = _LENGTH.search(data, 0, end) if end > 0 else None
        if found is None or len(data) < end + 4 + int(found[1]):
            self._held = data
            return
        self._held = b""
        self._client.answered(self, data[:end], data[end + 4 :])

    def connection_lost(self, exc: Exception | None) -> None:
        self._client.lost(self, exc)


class Client:
    """Sends reviews over as many connections as are needed, up to a number. `seen` is where it counts.

    When so many wait for a connection as may, the next ones are held back, as an API server does that has as many
    requests under way as it may have.
    """

    def __init__(self, port: int, context: ssl.SSLContext, most: int, seen: Seen, waiting: int = 100_000) -> None:
        self.loop = asyncio.get_running_loop()
        self.seen = seen
        self.next: Callable[[], Sent | None] = lambda: None  # what to send when an answer has come
        self.connections: set[Connection] = set()
        self._port = port
        self._context = context
        self._most = most
        self._most_waiting = waiting
        self._idle: list[Connection] = []
        self._waiting: deque[Sent] = deque()
        self._opening: set[asyncio.Task[None]] = set()
        self._count = 0

    @property
    def under_way(self) -> int:
        return len(self._waiting) + sum(each.sent is not None for each in self.connections)

    def submit(self, sent: Sent) -> None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.transport.is_closing():
                connection.send(sent)
                return
        if len(self._waiting) >= self._most_waiting:
            self.seen.note("held back")
            return
        self._waiting.append(sent)
        if len(self.connections) + len(self._opening) < self._most:
            self.open()

    def open(self) -> None:
        task = self.loop.create_task(self._open())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _open(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                where = {"host": "127.0.0.1", "port": self._port}
                _, made = await self.loop.create_connection(
                    lambda: Connection(self), **where, ssl=self._context, server_hostname="localhost"
                )
        except (OSError, TimeoutError) as error:
            if self._waiting:
                self._waiting.popleft()
                self.seen.note("not connected", repr(error))
            return
        self.connections.add(made)
        self._rest(made)

    def _rest(self, connection: Connection) -> None:
        """Give a connection that is free what waits for one."""
        if self._waiting:
            connection.send(self._waiting.popleft())
        elif (sent := self.next()) is not None:
            connection.send(sent)
        else:
            self._idle.append(connection)

    def answered(self, connection: Connection, head: bytes, body: bytes) -> None:
        sent, connection.sent = connection.sent, None
        connection.was_answered = True
        now = self.loop.time()
        if sent is None:
            if b" 429 " not in head[:16]:  # who is turned away at the door may be told before it has asked
                self.seen.note("unasked", head)
        else:
            self._judge(sent, head, body, now)
        if b"connection: close" in head or now - connection.born > _LIFE_SECONDS:
            self.connections.discard(connection)
            connection.transport.close()
            if self._waiting:
                self.open()
        else:
            self._rest(connection)

    def _judge(self, sent: Sent, head: bytes, body: bytes, now: float) -> None:
        self._count += 1
        outcome = _outcome(sent.review, head, body)
        if outcome == "verdict":
            self.seen.seconds.append(now - sent.due)
            if self._count % _READ_WHOLE == 0:
                outcome = self._read_whole(sent.review, body)
        self.seen.note(outcome, "" if outcome in ("verdict", "shed") else head + body)

    def _read_whole(self, review: Review, body: bytes) -> str:
        response = json.loads(body)["response"]
        self.seen.policies[response.get("auditAnnotations", {}).get("policy", "")] += 1
        right = (response["uid"], response["allowed"]) == (review.uid, review.allowed)
        denied = response.get("status", {}).get("code") == 403
        return "verdict" if right and denied is not review.allowed else "wrong"

    def lost(self, connection: Connection, exc: Exception | None) -> None:
        self.connections.discard(connection)
        sent, connection.sent = connection.sent, None
        if sent is not None and exc is None and not connection.was_answered:
            # It was opened and then not needed for so long that the server ended it: Go's client takes another one.
            self.submit(sent)
        elif sent is not None:
            self.seen.note("reset", repr(exc))

    def give_up(self) -> None:
        """Let go of what has waited for too long."""
        late = self.loop.time() - PATIENCE_SECONDS
        while self._waiting and self._waiting[0].due < late:
            self._waiting.popleft()
            self.seen.note("late")
        for connection in list(self.connections):
            if connection.sent is not None and connection.sent.due < late:
                connection.sent = None
                self.seen.note("late")
                connection.transport.abort()

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self.under_way:
            self.give_up()
            await asyncio.sleep(0.01)

    async def close(self) -> None:
        await self.settle()
        for connection in list(self.connections):
            connection.transport.abort()
        for task in list(self._opening):
            with suppress(asyncio.CancelledError):
                task.cancel()
                await task


def _outcome(review: Review, head: bytes, body: bytes) -> str:
    if head.startswith(b"HTTP/1.1 200"):
        return "verdict" if review.marks[0] in body and review.marks[1] in body else "wrong"
    status = head[9:12].decode()
    try:
        is_told = set(json.loads(body)) == {"error", "detail"}
    except ValueError:
        is_told = False
    if not is_told:
        return "malformed"
    return "shed" if status == "429" else f"HTTP {status}"


async def pace(client: Client, reviews: Iterator[Review], rate: float, seconds: float) -> list[float]:
    """Send so many reviews a second, by the clock and whatever comes back. How late each second began, in seconds."""
    loop = client.loop
    start, number, late, looked = loop.time(), 0, [], 0
    while (due := start + number / rate) < start + seconds:
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        while due <= (now := loop.time()):
            client.submit(Sent(next(reviews), due))
            number += 1
            due = start + number / rate
            if now - start > looked:
                late.append(now - due + 1 / rate)
                looked += 1
                client.give_up()
            if number % 256 == 0:
                break  # who is behind reads answers, too
        else:
            continue
        await asyncio.sleep(0)
    return late


async def saturate(client: Client, reviews: Iterator[Review], connections: int, seconds: float) -> list[int]:
    """Send each review when the answer to the last has come. Answers in each second."""
    loop = client.loop
    client.next = lambda: Sent(next(reviews), loop.time())
    for _ in range(connections):
        client.open()
    await asyncio.sleep(2)  # until all are connected, and nothing is seen for the first time
    found = []
    for _ in range(int(seconds)):
        before = client.seen.outcomes["verdict"]
        started = loop.time()
        await asyncio.sleep(1)
        found.append(round((client.seen.outcomes["verdict"] - before) / (loop.time() - started)))
    client.next = lambda: None
    await client.settle()
    return found
