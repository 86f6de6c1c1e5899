"""TLS on a real port: what is accepted, and a certificate that changes under open connections."""

import asyncio
import logging
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import uvloop

from certs import files
from certs.authority import Authority
from certs.reload import Sources
from tests.webhook.serving import HOST, Running, Wire, echo, running
from webhook.listener import Listener, listen
from webhook.metrics import Metrics
from webhook.protocol import Limits
from webhook.tls import CertificateWatch

NOW = datetime.now(UTC)
OLD, NEW = Authority.create("old", NOW), Authority.create("new", NOW)
NAMES = ["localhost", HOST]


class Setup:
    """Files, what watches them, and a server that serves with them."""

    def __init__(self, folder: Path, *, asks_clients: bool = False) -> None:
        self.folder = folder
        self.sources = Sources(folder / "tls.crt", folder / "tls.key", folder / "ca.crt" if asks_clients else None)
        self.install(OLD)
        files.write(folder / "ca.crt", OLD.pair.cert)
        self.metrics = Metrics()
        self.watch = CertificateWatch(self.sources, self.metrics, lambda: datetime.now(UTC))

    def install(self, authority: Authority) -> None:
        authority.server(NAMES, NOW).write(self.sources.cert, self.sources.key)

    def client(self, trusts: Authority = OLD, shows: Authority | None = None) -> ssl.SSLContext:
        """A client that trusts one authority, and may show a certificate of another."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=trusts.pair.cert.decode())
        if shows is not None:
            shows.client("api-server", NOW).write(self.folder / "client.crt", self.folder / "client.key")
            context.load_cert_chain(self.folder / "client.crt", self.folder / "client.key")
        return context

    def counted(self, result: str) -> float | None:
        labels = {"what": "certificate", "result": result}
        return self.metrics.registry.get_sample_value("podgate_reloads_total", labels)


@pytest.fixture
def setup(tmp_path: Path) -> Setup:
    return Setup(tmp_path)


@pytest.fixture
def server(setup: Setup) -> Iterator[Running]:
    with running(echo, context=setup.watch.keeper.context) as found:
        yield found


@pytest.fixture
def asking(tmp_path: Path) -> Iterator[tuple[Setup, Running]]:
    setup = Setup(tmp_path, asks_clients=True)
    with running(echo, context=setup.watch.keeper.context) as found:
        yield setup, found


def works(server: Running, context: ssl.SSLContext, name: str | None = "localhost") -> bool:
    """Whether a new connection gets an answer."""
    try:
        with Wire(server.port, context, name) as wire:
            return wire.ask(b"x").status == 200
    except (ssl.SSLError, ConnectionError, EOFError):
        return False


@pytest.mark.parametrize("name", NAMES)
def test_a_rotated_certificate_is_served_and_open_connections_go_on(setup: Setup, server: Running, name: str) -> None:
    with Wire(server.port, setup.client(OLD), name) as kept:
        kept.ask(b"x")
        assert not works(server, setup.client(NEW), name)
        setup.install(NEW)
        setup.watch.check()

        assert works(server, setup.client(NEW), name)
        assert not works(server, setup.client(OLD), name)
        assert kept.ask(b"xx").body == b"2"
    assert (setup.counted("ok"), setup.counted("failed")) == (1, 0)


def test_a_client_that_names_no_host_gets_the_new_certificate_too(setup: Setup, server: Running) -> None:
    setup.install(NEW)
    setup.watch.check()
    nameless = setup.client(NEW)
    nameless.check_hostname = False

    assert works(server, nameless, None)


@pytest.mark.parametrize("broken", ["mismatch", "half-written", "missing"])
def test_a_broken_pair_leaves_the_old_one_in_place(
    setup: Setup, server: Running, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    if broken == "missing":
        setup.sources.key.unlink()
    else:
        pair = NEW.server(NAMES, NOW)
        files.write(setup.sources.cert, pair.cert if broken == "mismatch" else pair.cert[:300])
    for _ in range(3):
        setup.watch.check()

    assert works(server, setup.client(OLD))
    assert (setup.counted("ok"), setup.counted("failed")) == (0, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "the new certificate cannot be used; the old one still is"
    ]


def test_a_pair_that_was_broken_and_is_taken_back_is_said_to_be_good(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    key = setup.sources.key.read_bytes()
    with caplog.at_level(logging.INFO, "podgate"):
        for content in (b"broken", key, key):
            files.write(setup.sources.key, content)
            setup.watch.check()

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "the new certificate cannot be used; the old one still is"),
        ("INFO", "the certificate is good"),
    ]
    assert (setup.counted("ok"), setup.counted("failed")) == (1, 1)


def test_the_metric_says_when_the_certificate_that_is_served_ends(setup: Setup) -> None:
    value = setup.metrics.registry.get_sample_value("podgate_certificate_expiry_timestamp_seconds")

    assert value == setup.watch.not_after().timestamp()


def test_clients_must_show_a_certificate_where_they_are_asked(asking: tuple[Setup, Running]) -> None:
    setup, server = asking

    assert works(server, setup.client(shows=OLD))
    assert not works(server, setup.client())
    assert not works(server, setup.client(shows=NEW))


def test_a_serving_certificate_is_none_for_clients(asking: tuple[Setup, Running]) -> None:
    setup, server = asking
    context = setup.client()
    context.load_cert_chain(setup.sources.cert, setup.sources.key)

    assert not works(server, context)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda found: found.name)
def test_a_new_client_authority_replaces_the_old_one(asking: tuple[Setup, Running], version: ssl.TLSVersion) -> None:
    setup, server = asking
    old, new = setup.client(shows=OLD), setup.client(shows=NEW)
    old.minimum_version = old.maximum_version = new.minimum_version = new.maximum_version = version
    assert works(server, old)
    files.write(setup.folder / "ca.crt", NEW.pair.cert)
    setup.watch.check()

    assert works(server, new)
    assert not works(server, old)


def test_two_client_authorities_at_once_let_a_rotation_overlap(asking: tuple[Setup, Running]) -> None:
    setup, server = asking
    files.write(setup.folder / "ca.crt", OLD.pair.cert + NEW.pair.cert)
    setup.watch.check()

    assert works(server, setup.client(shows=OLD))
    assert works(server, setup.client(shows=NEW))


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
def test_tls_before_1_2_is_refused(setup: Setup, server: Running) -> None:
    context = setup.client()
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    assert not works(server, context)


def test_only_http_1_1_is_offered(setup: Setup, server: Running) -> None:
    context = setup.client()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with Wire(server.port, context) as wire:
        assert isinstance(wire.socket, ssl.SSLSocket)
        assert wire.socket.selected_alpn_protocol() == "http/1.1"


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"], ids=["nothing", "half-a-hello"])
def test_a_handshake_must_end_in_time(server: Running, sent: bytes) -> None:
    with Wire(server.port) as wire:
        wire.send(sent)

        assert wire.is_ended()


def test_plain_http_is_ended_quietly(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    with Wire(server.port) as wire:
        wire.send(b"GET / HTTP/1.1\r\n\r\n")
        while wire.socket.recv(100):
            pass

    assert caplog.records == []


def test_a_connection_that_says_nothing_after_its_handshake_is_ended(setup: Setup, server: Running) -> None:
    with Wire(server.port, setup.client()) as wire:
        assert wire.is_ended()


def test_a_refusal_is_read_over_tls_by_a_client_that_goes_on_sending(setup: Setup) -> None:
    limits = Limits(read_seconds=2.0, body_bytes=1000, goodbye_seconds=0.5)
    with running(echo, limits, setup.watch.keeper.context) as server, Wire(server.port, setup.client()) as wire:
        wire.post(b"x" * 1_000_000)

        assert wire.answer().status == 413


def test_a_reset_under_tls_lets_go_of_the_connection(setup: Setup, server: Running) -> None:
    with Wire(server.port, setup.client()) as wire:
        wire.ask(b"x")
        wire.reset()

        assert server.wait(lambda: not server.listener.server_state.connections)


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_the_swap_works_on_both_loops(setup: Setup, loop: object) -> None:
    """uvloop is what serves; what it is compatible with is what the standard library promises."""
    sock = listen(HOST, 0)
    listener = Listener(echo, sock, Limits(goodbye_seconds=0.2), context=setup.watch.keeper.context)

    def serve() -> None:
        with asyncio.Runner(loop_factory=loop) as runner:  # type: ignore[arg-type]
            runner.run(listener.serve())

    thread = threading.Thread(target=serve)
    thread.start()
    server = Running(listener, sock.getsockname()[1])
    try:
        assert server.wait(lambda: listener.started)
        assert works(server, setup.client(OLD))
        setup.install(NEW)
        setup.watch.check()
        assert works(server, setup.client(NEW))
    finally:
        listener.should_exit = True
        thread.join(timeout=10)
