"""The short way of a request whose head is known: the same answers, and the same bounds."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from policies import config
from tests.reviews import body, pod, privileged_pod, review
from tests.webhook.serving import QUICK, Running, Wire, running
from webhook import protocol
from webhook.app import Front, Gate
from webhook.heads import Heads, Read
from webhook.metrics import Stage

GOOD, BAD = body(review(pod())), body(review(privileged_pod()))
LIMITS = replace(QUICK, held_bytes=4096)


class Counting(Front):
    """A front that counts what took the short way."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.seen: list[bytes] = []
        self.short = 0
        gate = Gate(config.of_profile("pss-baseline"))
        super().__init__(gate, self._nothing, lambda told, *_: self.seen.append(told.body), self.stages.append)

    async def _nothing(self, _scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def respond(self, body: bytes, query: bytes, arrived: float, whole: float) -> bytes | None:
        self.short += 1
        return super().respond(body, query, arrived, whole)


@pytest.fixture
def front() -> Counting:
    return Counting()


@pytest.fixture
def server(front: Counting) -> Iterator[Running]:
    with running(front, LIMITS, desk=front) as found:
        yield found


@pytest.fixture
def wire(server: Running) -> Iterator[Wire]:
    with Wire(server.port) as found:
        yield found


def test_it_answers_as_the_ordinary_way_does(front: Counting, wire: Wire) -> None:
    ordinary = [wire.ask(sent) for sent in (GOOD, b"null")]
    first = front.short
    answers = [wire.ask(sent) for sent in (GOOD, b"null", BAD, GOOD)]

    assert (first, front.short) == (1, 5)
    assert answers[:2] == ordinary
    assert [answer.status for answer in answers] == [200, 400, 200, 200]
    assert [json.loads(told)["response"]["allowed"] for told in front.seen] == [True, True, False, True]
    assert front.stages == ["call", "call"]


def test_what_is_learnt_on_one_connection_is_known_on_the_others(front: Counting, server: Running, wire: Wire) -> None:
    wire.ask(GOOD)
    with Wire(server.port) as other:
        assert other.ask(BAD).json["response"]["allowed"] is False
    assert front.short == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"content_type": "text/plain"},
        {"content_encoding": "gzip"},
        {"expect": "100-continue"},
        {"connection": "close"},
        {"transfer_encoding": "chunked", "content_length": ""},
    ],
    ids=str,
)
def test_what_is_out_of_the_ordinary_never_takes_it(front: Counting, server: Running, headers: dict[str, str]) -> None:
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD) if "transfer_encoding" in headers else GOOD
    for _ in range(2):
        with Wire(server.port) as wire:
            wire.ask(sent, **headers)

    assert front.short == 0


@pytest.mark.parametrize(
    "head",
    [
        "POST /other HTTP/1.1\r\nContent-Length: {}\r\nContent-Type: application/json\r\n\r\n",
        "PUT /validate HTTP/1.1\r\nContent-Length: {}\r\nContent-Type: application/json\r\n\r\n",
        "POST /validate HTTP/1.0\r\nContent-Length: {}\r\nContent-Type: application/json\r\n\r\n",
        "POST /validate HTTP/1.1\r\ncontent-length: {}\r\nContent-Type: application/json\r\n\r\n",
        "POST /validate HTTP/1.1\r\nContent-Length:  {}\r\nContent-Type: application/json\r\n\r\n",
        "\r\nPOST /validate HTTP/1.1\r\nContent-Length: {}\r\nContent-Type: application/json\r\n\r\n",
        "POST /validate HTTP/1.1\r\nContent-Length: 0{}\r\nContent-Type: application/json\r\n\r\n",
    ],
)
def test_what_is_written_another_way_is_read_by_the_parser(front: Counting, server: Running, head: str) -> None:
    request = head.format(len(GOOD)).encode() + GOOD
    for _ in range(2):
        with Wire(server.port) as wire:
            wire.send(request)
            assert wire.answer().status in (200, 404, 405)

    assert front.short == 0


@pytest.mark.parametrize("length", ["0", "-1", "+3", "3_0", "", "9" * 30, "3 ", "\u0663"], ids=ascii)
def test_a_length_that_is_none_is_refused_as_ever(front: Counting, server: Running, wire: Wire, length: str) -> None:
    wire.ask(GOOD)
    head = "POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"
    wire.send(head.format(length).encode())
    answer = wire.answer()

    assert answer.status in (400, 408)
    assert front.short == 0
    assert wait_for_one(server) or length in ("0", "3 ")


def wait_for_one(server: Running) -> bool:
    return server.wait(lambda: len(server.refusals) == 1, 0.5)


@pytest.mark.parametrize("cut", [10, 100, 130, 500, len(GOOD)])
def test_what_arrives_in_pieces_is_put_together(front: Counting, wire: Wire, cut: int) -> None:
    wire.ask(GOOD)
    data = (
        b"POST /validate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
    )
    data %= len(BAD), BAD
    wire.send(data[:cut])
    time.sleep(0.05)
    wire.send(data[cut:])

    assert wire.answer().json["response"]["allowed"] is False
    assert wire.ask(GOOD).json["response"]["allowed"] is True


def test_a_known_head_whose_body_comes_in_pieces_takes_it_too(front: Counting, wire: Wire) -> None:
    wire.ask(GOOD)
    wire.post(BAD[:100], content_length=str(len(BAD)))
    for start in range(100, len(BAD), 300):
        time.sleep(0.01)
        wire.send(BAD[start : start + 300])

    assert wire.answer().json["response"]["allowed"] is False
    assert front.short == 1


def test_a_large_body_is_not_held(front: Counting, wire: Wire) -> None:
    large = GOOD + b" " * 10_000
    wire.ask(GOOD)
    wire.post(large[:5000], content_length=str(len(large)))
    time.sleep(0.05)
    wire.send(large[5000:])

    assert wire.answer().status == 200
    assert (front.short, len(front.seen)) == (0, 2)


def test_several_at_once_are_answered_in_order(front: Counting, wire: Wire) -> None:
    wire.ask(GOOD)
    for sent in (GOOD, BAD, GOOD):
        wire.post(sent)
    answers = [wire.answer().json["response"]["allowed"] for _ in range(3)]

    assert answers == [True, False, True]
    assert wire.ask(BAD).json["response"]["allowed"] is False


def test_half_a_body_must_arrive_in_time(server: Running, front: Counting, wire: Wire) -> None:
    wire.ask(GOOD)
    wire.post(GOOD[:100], content_length=str(len(GOOD)))
    for _ in range(10):
        time.sleep(0.03)
        wire.send(b" ")
    answer = wire.answer()

    assert (answer.status, answer.closes, front.short) == (408, True, 0)
    assert wire.is_ended()
    assert server.refusals == [protocol.SLOW]


def test_a_client_that_leaves_in_the_middle_harms_nobody(front: Counting, server: Running, wire: Wire) -> None:
    wire.ask(GOOD)
    for _ in range(5):
        with Wire(server.port) as other:
            other.post(GOOD[:100], content_length=str(len(GOOD)))

    assert wire.ask(GOOD).status == 200
    assert server.wait(lambda: len(server.listener.server_state.connections) == 1)
    assert (len(front.seen), server.refusals) == (2, [])


def test_an_idle_connection_is_kept_as_long_as_any_other(front: Counting) -> None:
    limits = replace(LIMITS, keep_alive_seconds=0.4)
    with running(front, limits, desk=front) as server, Wire(server.port) as wire:
        for _ in range(4):
            wire.ask(GOOD)
            time.sleep(0.25)
        begin = time.monotonic()
        answer = wire.ask(GOOD)
        ended = wire.is_ended()

    assert (answer.status, ended, front.short) == (200, True, 4)
    assert 0.35 < time.monotonic() - begin < 2


def test_a_first_request_by_it_is_not_cut_by_the_deadline_of_the_connection(front: Counting, server: Running) -> None:
    with Wire(server.port) as wire:
        wire.ask(GOOD)
    with Wire(server.port) as wire:
        wire.ask(GOOD)
        time.sleep(0.3)

        assert wire.ask(GOOD).status == 200
    assert front.short == 2


def test_while_draining_it_is_not_taken(front: Counting, server: Running, wire: Wire) -> None:
    wire.ask(GOOD)
    server.listener.drain()
    answer = wire.ask(GOOD)

    assert (answer.status, answer.closes, front.short) == (200, True, 0)
    assert wire.is_ended()


def test_what_is_held_when_the_server_ends_is_answered(front: Counting, server: Running) -> None:
    limits = replace(LIMITS, read_seconds=5.0)
    with running(front, limits, desk=front) as patient, Wire(patient.port) as wire:
        wire.ask(GOOD)
        wire.post(GOOD[:100], content_length=str(len(GOOD)))
        time.sleep(0.05)
        patient.listener.drain()
        patient.listener.should_exit = True
        time.sleep(0.25)
        wire.send(GOOD[100:])

        assert wire.answer().status == 200
        assert wire.is_ended()


HEAD = b"POST /validate HTTP/1.1\r\nHost: a\r\nContent-Length: 12"
READ = Read(b"/validate", [(b"host", b"a"), (b"content-length", b"12")], {"query_string": b""})


class Yes:
    def takes(self, _scope: object) -> bool:
        return True

    def respond(self, body: bytes, _query: bytes, _arrived: float, _whole: float) -> bytes:
        return body


@pytest.mark.parametrize(
    ("head", "read"),
    [
        (HEAD, replace(READ, url=b"/other")),
        (HEAD, replace(READ, headers=[*READ.headers, (b"a", b"b")])),
        (HEAD, replace(READ, headers=READ.headers[:1])),
        (HEAD.replace(b": a", b": a "), READ),
        (HEAD + b"\r\nA: " + b"b" * 5000, replace(READ, headers=[*READ.headers, (b"a", b"b" * 5000)])),
    ],
    ids=["url", "more", "less", "other", "large"],
)
def test_only_what_was_read_word_for_word_is_learnt(head: bytes, read: Read) -> None:
    heads = Heads(Yes())
    heads.learn(head + b"\r\n\r\n", read)
    assert heads.find(head + b"\r\n\r\n") is None

    heads.learn(HEAD + b"\r\n\r\n", READ)
    assert heads.find(HEAD + b"\r\n\r\nhello, world") == (b"", 56, 68)
    assert [heads.find(HEAD[:size]) for size in range(len(HEAD) + 1)] == [None] * (len(HEAD) + 1)
    assert heads.find(HEAD + b"\r") is heads.find(HEAD + b"\r\n\r") is None


def test_heads_that_somebody_invents_do_not_pile_up() -> None:
    heads = Heads(Yes())

    def learn(numbers: range) -> int:
        """How many of these heads are known afterwards."""
        sent = [HEAD.replace(b"Host: a", b"Host: %d" % number) + b"\r\n\r\n" for number in numbers]
        for number, head in zip(numbers, sent, strict=True):
            headers = [(b"host", b"%d" % number), (b"content-length", b"12")]
            heads.learn(head, replace(READ, headers=headers))
        return sum(heads.find(head) is not None for head in sent)

    assert learn(range(64)) == 64
    assert learn(range(65)) == 1
    assert learn(range(1000)) <= 64


def test_a_head_at_the_limit_is_learnt_and_one_over_it_is_not() -> None:
    def is_learnt(size: int) -> bool:
        heads, more = Heads(Yes()), b"b" * (size - len(HEAD) - len(b"\r\nA: "))
        head = HEAD + b"\r\nA: " + more + b"\r\n\r\n"
        heads.learn(head, replace(READ, headers=[*READ.headers, (b"a", more)]))
        return heads.find(head) is not None

    assert (is_learnt(4096), is_learnt(4097)) == (True, False)
