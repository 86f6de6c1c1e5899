"""The process is killed, stopped and started again while reviews are under way."""

import json
import signal
from pathlib import Path

import pytest

from tests.faults.conftest import Begin
from tests.webhook.serving import HOST, Wire, wait
from tests.webhook.test_serve import BAD, GOOD
from webhook.listener import listen


def free_port() -> int:
    with listen(HOST, 0) as taken:
        return int(taken.getsockname()[1])


def is_denied(wire: Wire) -> bool:
    answer = wire.ask(BAD)
    return answer.status == 200 and answer.json["response"]["allowed"] is False


def is_unanswered(wire: Wire) -> bool:
    """Whether the connection ends without any answer."""
    try:
        wire.answer()
    except (EOFError, OSError):
        return True
    return False


def test_a_kill_in_the_middle_of_a_request_is_no_answer_and_the_next_process_gives_one(
    begin: Begin, tmp_path: Path
) -> None:
    log = tmp_path / "decisions"
    flags = ("--port", str(free_port()), "--decision-log", str(log))
    first = begin(*flags)
    with first.wire() as half, first.wire() as kept:
        half.post(BAD[: len(BAD) // 2], content_length=str(len(BAD)))
        assert is_denied(kept)
        assert wait(lambda: log.read_text().endswith("\n"))
        first.signal(signal.SIGKILL)
        first.process.wait()
        assert is_unanswered(half)
        assert is_unanswered(kept)
    second = begin(*flags)
    with second.wire() as wire:
        assert is_denied(wire)

    assert second.port == first.port
    assert wait(lambda: log.read_text().count("\n") == 2)
    assert [json.loads(line)["decision"] for line in log.read_text().splitlines()] == ["deny", "deny"]


def test_a_process_that_is_stopped_says_nothing_and_answers_when_it_goes_on(begin: Begin) -> None:
    served = begin()
    with served.wire() as wire, served.wire() as left:
        assert is_denied(wire)
        assert is_denied(left)
        served.signal(signal.SIGSTOP)
        wire.post(BAD)
        left.post(GOOD)
        wire.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            wire.answer()
        left.reset()  # an API server that has waited long enough
        served.signal(signal.SIGCONT)
        wire.socket.settimeout(10)

        assert wire.answer().json["response"]["allowed"] is False
        assert is_denied(wire)


def test_a_first_request_that_comes_while_it_is_stopped_is_answered_when_it_goes_on(begin: Begin) -> None:
    """Also when the time is over in which a new connection must say something: it has."""
    served = begin("--read-timeout", "1.0")
    with served.wire() as wire:
        served.ops("/readyz")  # by now hands are shaken
        served.signal(signal.SIGSTOP)
        wire.post(BAD)
        wire.socket.settimeout(1.2)
        with pytest.raises(TimeoutError):
            wire.answer()
        wire.socket.settimeout(10)
        served.signal(signal.SIGCONT)

        assert wire.answer().json["response"]["allowed"] is False


def test_half_a_request_from_before_a_stop_is_refused_after_it(begin: Begin) -> None:
    served = begin("--read-timeout", "0.3")
    with served.wire() as wire:
        assert is_denied(wire)
        wire.post(BAD[:-1], content_length=str(len(BAD)))
        served.signal(signal.SIGSTOP)
        wire.socket.settimeout(0.5)
        with pytest.raises(TimeoutError):
            wire.answer()
        wire.socket.settimeout(10)
        served.signal(signal.SIGCONT)

        assert wire.answer().status == 408
    with served.wire() as wire:
        assert is_denied(wire)
