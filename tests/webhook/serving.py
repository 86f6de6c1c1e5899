"""A real server on loopback, in a thread, and raw sockets that talk to it."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from webhook.heads import Desk
from webhook.listener import Listener, listen
from webhook.protocol import Limits, Refusal

HOST = "127.0.0.1"
QUICK = Limits(read_seconds=0.2, handshake_seconds=0.2, goodbye_seconds=0.2, keep_alive_seconds=10.0)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection, byte by byte."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None, name: str | None = "localhost") -> None:
        self.socket = socket.create_connection((HOST, port), timeout=5)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname=name)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def post(self, body: bytes, path: str = "/validate", **headers: str) -> None:
        given = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": str(len(body))}
        given |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items() if value)
        self.send(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)

    def ask(self, body: bytes, path: str = "/validate", **headers: str) -> Answer:
        self.post(body, path, **headers)
        return self.answer()

    def get(self, path: str) -> Answer:
        self.send(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
        return self.answer()

    def answer(self) -> Answer:
        """The next response. Raises EOFError when the connection ends before it."""
        head, _, rest = self._until(lambda seen: b"\r\n\r\n" in seen).partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        length = int(headers.get("content-length", "0"))
        self._buffer = rest
        rest = self._until(lambda seen: len(seen) >= length)
        self._buffer = rest[length:]
        return Answer(int(first.split(" ")[1]), headers, rest[:length])

    def is_ended(self) -> bool:
        """Wait until the server ends the connection; False when it sends something instead."""
        try:
            return not self._buffer and self.socket.recv(1) == b""
        except (ConnectionResetError, ssl.SSLEOFError):
            return True

    def reset(self) -> None:
        """End the connection as a process does that dies with data unread."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        self.socket.close()

    def _until(self, enough: Callable[[bytes], bool]) -> bytes:
        while not enough(self._buffer):
            data = self.socket.recv(65536)
            if not data:
                raise EOFError
            self._buffer += data
        return self._buffer


@dataclass
class Running:
    """A server that runs, and what it refused."""

    listener: Listener
    port: int
    refusals: list[Refusal] = field(default_factory=list)

    def wait(self, condition: Callable[[], bool], seconds: float = 5) -> bool:
        """Whether it becomes true in time."""
        return wait(condition, seconds)


def wait(condition: Callable[[], bool], seconds: float = 5) -> bool:
    """Whether it becomes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


@contextmanager
def running(
    app: ASGIApp, limits: Limits = QUICK, context: ssl.SSLContext | None = None, desk: Desk | None = None
) -> Iterator[Running]:
    """Serve an application on a free port until the block ends."""
    sock = listen(HOST, 0)
    refusals: list[Refusal] = []
    listener = Listener(app, sock, limits, refusals.append, context, desk)
    thread = threading.Thread(target=lambda: uvloop.run(listener.serve()))
    thread.start()
    try:
        assert wait(lambda: listener.started)
        yield Running(listener, sock.getsockname()[1], refusals)
    finally:
        listener.should_exit = True
        thread.join(timeout=10)
        assert not thread.is_alive()


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers the length of the body, or nothing when the client has gone."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message["body"])
        more = message["more_body"]
    await reply(send, str(size).encode())


async def reply(send: Send, body: bytes, status: int = 200) -> None:
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
