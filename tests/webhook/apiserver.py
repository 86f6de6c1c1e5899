"""An API server to be asked: real HTTPS on loopback in threads, and answers that a test chooses."""

import json
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import SimpleQueue
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from certs.authority import Authority
from tests.webhook.serving import HOST

AUTHORITY = Authority.create("api-server", datetime.now(UTC))
TOKEN = "a-token-that-nobody-may-see"  # noqa: S105 - it opens nothing


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class Feed:
    """The answer to a watch: a test decides what comes, and when."""

    def __init__(self) -> None:
        self._parts: SimpleQueue[bytes | None] = SimpleQueue()

    def send(self, kind: str, obj: dict[str, Any]) -> None:
        self.raw(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

    def raw(self, part: bytes) -> None:
        self._parts.put(part)

    def end(self) -> None:
        """End it as the API server does after its time."""
        self.raw(b"")

    def cut(self) -> None:
        """End the connection in the middle."""
        self._parts.put(None)

    def parts(self) -> Iterator[bytes | None]:
        while True:
            part = self._parts.get()
            yield part
            if not part:
                return


Answer = tuple[int, Any] | Feed


@dataclass
class ApiServer:
    """`answer` is called in a thread for each request; bytes are sent as they are, the rest as JSON."""

    address: str = ""
    answer: Callable[[Asked], Answer] = lambda _: (404, {"kind": "Status", "code": 404})
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    #: For answers that wait; it is set at the end.
    released: threading.Event = field(default_factory=threading.Event)

    def kubeconfig(self, folder: Path, **user: Any) -> Path:
        """A file that leads here."""
        (folder / "ca.crt").write_bytes(AUTHORITY.pair.cert)
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": self.address, "certificate-authority": "ca.crt"}}],
            "users": [{"name": "u", "user": user or {"token": TOKEN}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
        path = folder / "kubeconfig"
        path.write_text(json.dumps(content))
        return path

    def wait(self, asked: Asked) -> Answer:
        """An answer that comes too late."""
        self.released.wait(10)
        return 200, {"asked": asked.path}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are written apart: the second would wait for an acknowledgement
    api: ApiServer

    def setup(self) -> None:
        super().setup()
        self.api.connections += 1

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name.lower(): value for name, value in self.headers.items()}
        query = dict(parse_qsl(url.query))
        asked = Asked(self.command, url.path, query, headers, json.loads(body) if body else None)
        self.api.asked.append(asked)
        answer = self.api.answer(asked)
        if isinstance(answer, Feed):
            self._feed(answer)
        else:
            self._reply(*answer)

    do_POST = do_PUT = do_PATCH = do_GET  # noqa: N815 - as they are called there

    def _reply(self, status: int, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("location", body.decode())
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _feed(self, feed: Feed) -> None:
        self.send_response(200)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for part in feed.parts():
            if part is None:
                self.close_connection = True
                return
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called there
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # whoever asked has gone


@contextmanager
def api_server(authority: Authority = AUTHORITY) -> Iterator[ApiServer]:
    """An API server until the block ends."""
    api = ApiServer()
    handler = type("Handler", (_Handler,), {"api": api})
    with _Server((HOST, 0), handler) as server:
        context = _context(authority)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        api.address = f"https://{HOST}:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield api
        finally:
            api.released.set()
            server.shutdown()
            thread.join()


def _context(authority: Authority) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        cert, key = Path(folder, "tls.crt"), Path(folder, "tls.key")
        authority.server([HOST], datetime.now(UTC)).write(cert, key)
        context.load_cert_chain(cert, key)
    return context


class Clock:
    """Time that passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now
