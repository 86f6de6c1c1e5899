"""Work that is done side by side: in order, bounded, and neither lost nor left behind."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from webhook import workers
from webhook.workers import Crew, WorkerLostError


def doubled(order: bytes) -> bytes:
    return order * 2


def numbers(count: int) -> Iterator[tuple[bytes, int]]:
    return ((str(number).encode(), number) for number in range(count))


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.parametrize("count", [0, 1, 2, 5])
def test_answers_come_in_the_order_of_orders(count: int) -> None:
    def late(order: bytes) -> bytes:
        time.sleep(0.01 if order in (b"0", b"7") else 0)
        return order * 2

    with closing(Crew(late, count)) as crew:
        answers = list(crew.work(numbers(50)))
    expected = [None if count < 2 else str(number).encode() * 2 for number in range(50)]
    assert answers == list(zip(range(50), expected, strict=True))


def test_nothing_to_do() -> None:
    with closing(Crew(doubled, 2)) as crew:
        assert list(crew.work(iter([]))) == []


def test_what_is_no_order_keeps_its_place() -> None:
    with closing(Crew(doubled, 2)) as crew:
        assert list(crew.work([(b"a", 1), (None, 2), (b"b", 3)])) == [(1, b"aa"), (2, None), (3, b"bb")]


def test_work_that_fails_has_no_answer_and_the_worker_goes_on() -> None:
    def fail(order: bytes) -> bytes:
        if order == b"1":
            raise ValueError(order)
        return order

    with closing(Crew(fail, 2)) as crew:
        assert [answer for _, answer in crew.work(numbers(4))] == [b"0", None, b"2", b"3"]


def test_large_orders_and_answers() -> None:
    with closing(Crew(doubled, 2)) as crew:
        large = [(bytes([number]) * 300_000, number) for number in range(6)]
        assert [len(answer or b"") for _, answer in crew.work(large)] == [600_000] * 6


def test_orders_are_taken_as_they_are_needed() -> None:
    taken = []

    def orders() -> Iterator[tuple[bytes, int]]:
        for order in numbers(1_000):
            taken.append(order)
            yield order

    with closing(Crew(doubled, 2)) as crew:
        answers = crew.work(orders())
        assert [next(answers)[0] for _ in range(3)] == [0, 1, 2]
        assert len(taken) <= 3 + 2 * 8


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "by signal 9"),
        (lambda: os._exit(4), "with code 4"),
    ],
)
def test_a_worker_that_dies_is_an_error(end: Callable[[], None], how: str) -> None:
    def die(order: bytes) -> bytes:
        if order == b"3":
            end()
        return order

    with closing(Crew(die, 2)) as crew, pytest.raises(WorkerLostError, match=how):
        list(crew.work(numbers(100)))


def test_no_worker_is_left_behind() -> None:
    def told(_order: bytes) -> bytes:
        return str(os.getpid()).encode()

    with closing(Crew(told, 2)) as crew:
        pids = {int(answer or b"0") for _, answer in crew.work(numbers(40))} - {0}
        assert pids
        assert not any(map(is_gone, pids))
    assert all(map(is_gone, pids))


def test_a_worker_ends_when_nobody_can_ask_it_any_more(tmp_path: Path) -> None:
    told = tmp_path / "pids"
    if not (first := os.fork()):
        crew = Crew(lambda _order: str(os.getpid()).encode(), 2)
        told.write_bytes(b" ".join(answer or b"" for _, answer in crew.work(numbers(20))))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(first, 0)
    pids = {int(pid) for pid in told.read_text().split()}
    assert pids
    until = time.monotonic() + 10
    while not all(_ended(pid) for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.01)


def _ended(pid: int) -> bool:
    """A process that nobody waits for stays as a zombie where there is no init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_fewer_workers_where_the_system_allows_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    with closing(Crew(doubled, 4)) as crew:
        assert list(crew.work([(b"a", 1)])) == [(1, None)]


@pytest.mark.parametrize(
    ("quota", "expected"),
    [("max 100000", 4), ("250000 100000", 3), ("50000 100000", 1), ("nonsense", 4), (None, 4)],
)
def test_cores_within_the_quota(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, quota: str | None, expected: int
) -> None:
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(f"{quota}\n")
    monkeypatch.setattr(workers, "QUOTA", str(file))
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1, 2, 3})
    assert workers.cores() == expected


def test_one_core_where_nobody_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    assert workers.cores() == 1
