"""How many connections there may be, and what becomes of the rest."""

import asyncio
import errno
import logging
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.webhook.serving import HOST, QUICK, Running, Wire, echo, running
from tests.webhook.test_tls import Setup
from webhook import accept, listener, protocol
from webhook.accept import Acceptor
from webhook.listener import listen

TWO = replace(QUICK, connections=2, read_seconds=5.0)


@pytest.fixture
def full() -> Iterator[Running]:
    """A server whose every connection is taken."""
    with running(echo, TWO) as server, Wire(server.port) as first, Wire(server.port) as second:
        assert (first.ask(b"x").status, second.ask(b"x").status) == (200, 200)
        yield server


def test_who_comes_when_all_is_taken_is_told_to_come_back(full: Running) -> None:
    with Wire(full.port) as wire:
        answer = wire.ask(b"x")
        ended = wire.is_ended()

    assert (answer.status, answer.closes, answer.headers["retry-after"]) == (429, True, "1")
    assert answer.json == {"error": "too many requests", "detail": "too many connections at once"}
    assert ended
    assert full.refusals == [protocol.FULL]


def test_who_comes_and_says_nothing_is_not_kept(full: Running) -> None:
    with Wire(full.port) as wire:
        assert wire.is_ended()
    assert full.refusals == [protocol.FULL]


def test_whatever_is_sent_is_answered_once(full: Running) -> None:
    with Wire(full.port) as wire:
        wire.post(b"x" * 1_000_000)
        answer = wire.answer()

        assert (answer.status, wire.is_ended()) == (429, True)


def test_room_is_made_by_those_who_leave() -> None:
    with running(echo, TWO) as server:
        for _ in range(5):
            with Wire(server.port) as first, Wire(server.port) as second:
                assert (first.ask(b"x").status, second.ask(b"x").status) == (200, 200)
            assert server.wait(lambda: not server.listener.server_state.connections)


def test_beyond_those_who_are_told_nobody_is_accepted_until_somebody_leaves(
    full: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "_SPARE", 1)
    with Wire(full.port) as told, Wire(full.port) as waiting:
        assert full.wait(lambda: len(full.refusals) == 1)
        waiting.post(b"x")
        time.sleep(0.05)
        assert len(full.listener.server_state.connections) == 3

        assert told.is_ended()
        assert waiting.answer().status == 429


def test_a_handshake_that_is_not_finished_counts_too(tmp_path: Path) -> None:
    setup = Setup(tmp_path)
    limits = replace(TWO, handshake_seconds=1.0)
    with running(echo, limits, setup.watch.keeper.context) as server:
        with Wire(server.port), Wire(server.port):
            assert server.wait(lambda: server.listener._open == 2)
            with Wire(server.port, setup.client()) as wire:
                assert wire.ask(b"x").status == 429
        assert server.wait(lambda: server.listener._open == 0)
        with Wire(server.port, setup.client()) as wire:
            assert wire.ask(b"x").status == 200


class Exhausted:
    """A listening socket of a process that has no handles left, for so many times."""

    def __init__(self, sock: socket.socket, times: int) -> None:
        self._socket = sock
        self.times = times
        self.asked = 0

    def fileno(self) -> int:
        return self._socket.fileno()

    def accept(self) -> Any:
        self.asked += 1
        if self.asked <= self.times:
            raise OSError(errno.EMFILE, "Too many open files")
        return self._socket.accept()

    def close(self) -> None:
        self._socket.close()


def test_when_handles_run_out_it_is_said_once_and_tried_again_slowly(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(accept, "_EXHAUSTED_SECONDS", 0.05)

    async def play() -> tuple[int, list[socket.socket]]:
        sock = listen(HOST, 0)
        sock.setblocking(False)
        exhausted, accepted = Exhausted(sock, 3), asyncio.Queue[socket.socket]()
        acceptor = Acceptor(exhausted, accepted.put_nowait, lambda: True)  # type: ignore[arg-type]
        acceptor.start()
        client = socket.create_connection(sock.getsockname())
        found = await asyncio.wait_for(accepted.get(), 5)
        acceptor.close()
        await acceptor.wait_closed()
        return exhausted.asked, [client, found]

    with caplog.at_level(logging.ERROR, "podgate"):
        asked, sockets = asyncio.run(play())
    for each in sockets:
        each.close()

    assert asked <= 5
    assert [record.__dict__["fields"] for record in caplog.records] == [{"problem": "too many open files"}]


def test_a_server_that_pauses_can_be_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "_SPARE", 0)
    before = threading.active_count()
    with running(echo, replace(TWO, connections=1)) as server, Wire(server.port) as wire, Wire(server.port):
        wire.ask(b"x")
        time.sleep(0.15)

    assert threading.active_count() == before
