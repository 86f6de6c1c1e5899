"""Every bound of a connection, at it and over it, over real sockets."""

import gc
import socket
import time
import weakref
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from tests.webhook.serving import HOST, QUICK, Running, Wire, echo, reply, running
from webhook import protocol
from webhook.listener import ListenError, listen

SMALL = replace(QUICK, header_bytes=1024, body_bytes=2048)


async def early(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers before it has read anything."""
    await reply(send, b"early", 429)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    with running(echo, SMALL) as found:
        yield found


@pytest.fixture(scope="module")
def early_server() -> Iterator[Running]:
    with running(early, SMALL) as found:
        yield found


@pytest.fixture(scope="module")
def patient() -> Iterator[Running]:
    """A server with long deadlines and little patience between requests."""
    with running(echo, replace(SMALL, read_seconds=5.0, keep_alive_seconds=0.2)) as found:
        yield found


@pytest.fixture
def wire(server: Running) -> Iterator[Wire]:
    server.refusals.clear()
    with Wire(server.port) as found:
        yield found


def head(size: int) -> bytes:
    """A request without a body, of about this many bytes as they are counted."""
    start = b"GET / HTTP/1.1\r\n"
    return start + b"x: " + b"a" * (size - len(b"/") - len(b"x") - 4) + b"\r\n\r\n"


def test_many_requests_share_a_connection(wire: Wire) -> None:
    assert [wire.ask(b"x" * size).body for size in (1, 2000, 0)] == [b"1", b"2000", b"0"]


def test_headers_at_the_limit_are_read(wire: Wire) -> None:
    wire.send(head(1024))

    assert wire.answer().status == 200


@pytest.mark.parametrize("data", [head(1025), b"GET / HTTP/1.1\r\nx: " + b"a" * 4096], ids=["over", "without-end"])
def test_headers_over_the_limit_are_refused(server: Running, wire: Wire, data: bytes) -> None:
    wire.send(data[:900])
    time.sleep(0.02)
    for start in range(900, len(data), 500):
        wire.send(data[start : start + 500])
    answer = wire.answer()

    assert (answer.status, answer.closes, answer.json["error"]) == (431, True, "request header fields too large")
    assert wire.is_ended()
    assert server.refusals == [protocol.HEADERS]


def test_an_address_over_the_limit_is_refused(wire: Wire) -> None:
    wire.send(b"GET /" + b"a" * 1100 + b" HTTP/1.1\r\n\r\n")

    assert wire.answer().status == 431


def test_a_body_at_the_limit_is_read(wire: Wire) -> None:
    assert wire.ask(b"x" * 2048).body == b"2048"


def test_a_body_that_is_announced_too_large_is_refused_before_it_arrives(server: Running, wire: Wire) -> None:
    wire.post(b"", content_length="2049")
    answer = wire.answer()

    assert (answer.status, answer.closes, answer.json["error"]) == (413, True, "content too large")
    assert server.refusals == [protocol.BODY]


def test_the_refusal_is_read_by_a_client_that_goes_on_sending(wire: Wire) -> None:
    wire.post(b"x" * 1_000_000)

    assert wire.answer().status == 413
    assert wire.is_ended()


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)


CHUNKED = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"


def test_a_chunked_body_at_the_limit_is_read(wire: Wire) -> None:
    wire.send(CHUNKED + chunked(b"x" * 1024, b"x" * 1024) + b"0\r\n\r\n")

    assert wire.answer().body == b"2048"


def test_a_chunked_body_over_the_limit_is_refused(wire: Wire) -> None:
    wire.send(CHUNKED + chunked(b"x" * 1024, b"x" * 1024))
    time.sleep(0.02)
    wire.send(chunked(b"x"))

    assert wire.answer().status == 413


def test_trailers_count_as_headers(wire: Wire) -> None:
    wire.send(CHUNKED + chunked(b"x") + b"0\r\n" + b"trailer: x\r\n" * 200 + b"\r\n")

    assert wire.answer().status == 431


@pytest.mark.parametrize(("longer", "status"), [(0, 200), (1, 431)])
def test_headers_and_trailers_at_the_limit_are_read_and_one_byte_more_is_not(
    wire: Wire, longer: int, status: int
) -> None:
    counted = len("/") + len("host: a\r\n") + len("transfer-encoding: chunked\r\n") + len("trailer: \r\n")
    wire.send(CHUNKED + chunked(b"x") + b"0\r\n" + b"trailer: " + b"x" * (1024 - counted + longer) + b"\r\n\r\n")

    assert wire.answer().status == status


def test_chunk_extensions_are_bounded(wire: Wire) -> None:
    wire.send(CHUNKED)
    for _ in range(10):
        wire.send(b"1;" + b"e" * 1000 + b"\r\nx\r\n")
        time.sleep(0.005)

    assert wire.answer().status == 413


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET / HTTP/1.1\r\nhost: a\r\n", 408),
        (b"GE", 408),
        (b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf", 408),
        (CHUNKED + b"5\r\nha", 408),
    ],
    ids=["half-headers", "half-method", "half-body", "half-chunk"],
)
def test_what_does_not_arrive_in_time_is_refused(server: Running, wire: Wire, data: bytes, status: int) -> None:
    wire.send(data)
    answer = wire.answer()

    assert (answer.status, answer.closes, answer.json["error"]) == (status, True, "request timeout")
    assert wire.is_ended()
    assert server.refusals == [protocol.SLOW]


def test_a_request_that_trickles_in_is_refused_all_the_same(wire: Wire) -> None:
    wire.post(b"", content_length="100")
    for _ in range(10):
        time.sleep(0.03)
        wire.send(b"x")

    assert wire.answer().status == 408


def test_a_connection_that_says_nothing_is_ended(server: Running, wire: Wire) -> None:
    assert wire.is_ended()
    assert server.refusals == []


def test_line_ends_alone_do_not_keep_a_connection(wire: Wire) -> None:
    wire.ask(b"x")
    wire.send(b"\r\n")

    assert wire.is_ended()


def test_the_deadline_begins_anew_with_each_request(wire: Wire) -> None:
    for _ in range(4):
        wire.post(b"", content_length="2")
        time.sleep(0.08)
        wire.send(b"ab")
        assert wire.answer().body == b"2"


def test_silence_before_the_first_request_does_not_count_against_it(wire: Wire) -> None:
    time.sleep(0.12)
    wire.post(b"", content_length="2")
    time.sleep(0.12)
    wire.send(b"ab")

    assert wire.answer().body == b"2"


def test_an_idle_connection_is_kept_longer_than_a_request_may_take(wire: Wire) -> None:
    wire.ask(b"x")
    time.sleep(0.3)

    assert wire.ask(b"xx").body == b"2"


def test_an_idle_connection_is_not_kept_for_ever(patient: Running) -> None:
    with Wire(patient.port) as wire:
        wire.ask(b"x")

        assert wire.is_ended()


@pytest.mark.parametrize(
    "data",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        b"POST / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\ncontent-length: 3\r\n\r\nabc",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nhost: example.com\r\n\r\n",
    ],
    ids=str,
)
def test_what_is_not_a_request_is_answered_in_full_and_ended(wire: Wire, data: bytes) -> None:
    wire.send(data)
    answer = wire.answer()

    assert (answer.status, answer.closes) == (400, True)
    assert set(answer.json) == {"error", "detail"}
    assert wire.is_ended()


def test_nothing_is_read_after_a_refusal(server: Running, wire: Wire) -> None:
    wire.send(b"nonsense\r\n\r\n")
    wire.post(b"x")

    assert wire.answer().status == 400
    assert wire.is_ended()
    assert server.refusals == [protocol.MALFORMED]


def test_pipelined_requests_are_answered_in_order(wire: Wire) -> None:
    for size in range(1, 9):
        wire.post(b"x" * size)

    assert [wire.answer().body for _ in range(8)] == [str(size).encode() for size in range(1, 9)]


def test_a_pile_of_pipelined_requests_ends_after_those_that_were_read(server: Running, wire: Wire) -> None:
    one = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
    wire.send(one * 500)
    answers = [wire.answer() for _ in range(9)]

    assert [answer.status for answer in answers] == [200] * 9
    assert answers[-1].closes
    assert wire.is_ended()
    assert server.refusals == [protocol.CROWD]


def test_as_many_requests_as_may_wait_are_all_answered_and_the_connection_stays(server: Running, wire: Wire) -> None:
    wire.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * 9)  # eight that wait, and the one under way
    answers = [wire.answer() for _ in range(9)]

    assert [(answer.status, answer.closes) for answer in answers] == [(200, False)] * 9
    assert wire.ask(b"x").status == 200
    assert server.refusals == []


def test_a_refusal_waits_for_the_answer_to_an_earlier_request(server: Running, wire: Wire) -> None:
    wire.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\n\r\nxnonsense\r\n\r\n")
    answer = wire.answer()

    assert (answer.status, answer.body, answer.closes) == (200, b"1", True)
    assert wire.is_ended()
    assert server.refusals == [protocol.MALFORMED]


def test_a_second_request_that_is_too_large_does_not_harm_the_first(wire: Wire) -> None:
    wire.send(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" + CHUNKED + chunked(b"x" * 1500, b"x" * 1500))
    answer = wire.answer()

    assert (answer.body, answer.closes) == (b"0", True)
    assert wire.is_ended()


def test_a_request_that_is_answered_early_leaves_the_connection_usable(early_server: Running) -> None:
    with Wire(early_server.port) as wire:
        wire.post(b"", content_length="2000")
        first = wire.answer()
        wire.send(b"x" * 2000)
        time.sleep(0.3)
        second = wire.ask(b"x")

    assert (first.status, first.closes) == (429, False)
    assert second.status == 429


def test_a_request_that_is_answered_early_must_still_arrive_in_time(early_server: Running) -> None:
    with Wire(early_server.port) as wire:
        wire.post(b"", content_length="2000")

        assert wire.answer().status == 429
        assert wire.is_ended()


def test_a_client_that_asks_before_it_sends_is_told_to_go_on(wire: Wire) -> None:
    wire.post(b"", content_length="3", expect="100-continue")
    first = wire.answer()
    wire.send(b"abc")
    second = wire.answer()

    assert first.status == 100
    assert (second.body, second.closes) == (b"3", True)


def test_a_client_that_asks_before_it_sends_too_much_is_refused(wire: Wire) -> None:
    wire.post(b"", content_length="2049", expect="100-continue")

    assert wire.answer().status == 413


@pytest.mark.parametrize("data", [b"", b"GET / HT", b"POST / HTTP/1.1\r\ncontent-length: 9\r\n\r\nhalf"], ids=str)
def test_a_reset_lets_go_of_the_connection(server: Running, data: bytes) -> None:
    """uvicorn alone keeps it for as long as an idle connection may live."""
    assert server.wait(lambda: not server.listener.server_state.connections)
    with Wire(server.port) as wire:
        wire.ask(b"x")
        wire.send(data)
        assert server.wait(lambda: len(server.listener.server_state.connections) == 1)
        held = [weakref.ref(found) for found in server.listener.server_state.connections]
        wire.reset()

        assert server.wait(lambda: _collected(held))


def _collected(held: list[weakref.ref[Any]]) -> bool:
    gc.collect()
    return all(found() is None for found in held)


def test_a_client_that_leaves_in_the_middle_harms_nobody(server: Running) -> None:
    for _ in range(20):
        with Wire(server.port) as wire:
            wire.post(b"half", content_length="2000")

    with Wire(server.port) as wire:
        assert wire.ask(b"x").status == 200


def test_while_draining_every_answer_ends_its_connection() -> None:
    with running(echo) as server, Wire(server.port) as kept:
        before = kept.ask(b"x")
        server.listener.drain()
        after = kept.ask(b"x")
        with Wire(server.port) as fresh:
            new = fresh.ask(b"x")

        assert (before.closes, after.closes, new.closes) == (False, True, True)
        assert kept.is_ended()


def test_a_request_that_has_begun_is_answered_before_the_server_ends() -> None:
    with running(echo, replace(QUICK, read_seconds=5.0)) as server, Wire(server.port) as wire:
        wire.ask(b"x")
        wire.send(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-le")
        time.sleep(0.05)
        server.listener.drain()
        server.listener.should_exit = True
        time.sleep(0.25)
        wire.send(b"ngth: 2\r\n\r\nab")

        assert wire.answer().body == b"2"


def test_an_address_in_use_is_said_plainly() -> None:
    with listen(HOST, 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"cannot listen on {HOST}:{port}: address already in use"):
            listen(HOST, port)


@pytest.mark.parametrize("host", ["::1", "::", "0.0.0.0"], ids=str)  # noqa: S104 - that is what is tested
def test_every_kind_of_address_can_be_listened_on(host: str) -> None:
    if ":" in host and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with listen(host, 0) as sock:
        assert sock.getsockname()[1] > 0
