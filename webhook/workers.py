"""Processes that do one kind of work side by side, forked from this one, and asked over sockets."""

import math
import os
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

#: Orders that a worker has: one that it works on, and one that waits, so that it never does.
_AHEAD = 2
#: Answers that may wait for an earlier one, for each worker.
_BEHIND = 8
_LENGTH = 8
#: An order that surely fits into a socket. A longer one is for a worker that waits: another one may be writing, too.
_SMALL = 1 << 14
#: The quota of a control group, as a container sees its own: https://docs.kernel.org/admin-guide/cgroup-v2.html
QUOTA = "/sys/fs/cgroup/cpu.max"
_UNLIMITED = 1 << 16
Order = TypeVar("Order")
Work = Callable[[bytes], bytes]


class WorkerLostError(Exception):
    """A worker ended before its work did."""


def cores() -> int:
    """How many cores this process may use: those that it is bound to, within the quota of its control group."""
    if not hasattr(os, "sched_getaffinity"):
        return 1  # Not on macOS, where libraries of the system do not survive a fork.
    return max(1, min(len(os.sched_getaffinity(0)), _quota()))


def _quota() -> int:
    try:
        with open(QUOTA) as file:  # noqa: PTH123
            most, period = file.read().split()
    except (OSError, ValueError):
        return _UNLIMITED
    return _UNLIMITED if most == "max" else math.ceil(int(most) / int(period))


class Crew:
    """Some workers. They are gone once it is closed; and when this process dies, because nobody asks them any more."""

    def __init__(self, work: Work, count: int) -> None:
        """Fork `count` workers, or as many as the system allows. One is none: this process does as well."""
        self._workers: list[_Worker] = []
        try:
            for _ in range(count if count > 1 else 0):
                self._workers.append(_Worker(work, [each.socket for each in self._workers]))
        except OSError:
            pass  # No more processes are allowed, or there is no memory for them: fewer do.
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the workers, whatever they do."""
        for worker in self._workers:
            worker.end()
        self._workers = []

    def work(self, orders: Iterable[tuple[bytes | None, Order]]) -> "Iterator[tuple[Order, bytes | None]]":
        """Answers in the order of the orders, each with what came along.

        None stands for what no worker could do, and for what was no order. Orders are taken as they are needed.
        Raises WorkerLostError.
        """
        return _Round(self._workers, iter(orders)).answers()


class _Round(Generic[Order]):
    """Orders on their way through some workers."""

    def __init__(self, workers: "list[_Worker]", orders: Iterator[tuple[bytes | None, Order]]) -> None:
        self._workers = workers
        self._orders = orders
        self._open: deque[_Task[Order]] = deque()
        self._more = True
        self._next: tuple[bytes | None, Order] | None = None

    def answers(self) -> Iterator[tuple[Order, bytes | None]]:
        with selectors.DefaultSelector() as ready:
            for worker in self._workers:
                ready.register(worker.socket, selectors.EVENT_READ, worker)
            while True:
                self._hand_out()
                while self._open and self._open[0].done:
                    task = self._open.popleft()
                    yield task.along, task.answer
                    self._hand_out()
                if not self._open:
                    return
                for key, _ in ready.select():
                    key.data.receive()

    def _hand_out(self) -> None:
        while self._more and len(self._open) < max(1, _BEHIND * len(self._workers)):
            worker = min(self._workers, key=lambda each: len(each.tasks), default=None)
            if worker is not None and len(worker.tasks) >= _AHEAD:
                return
            following = self._next or next(self._orders, None)
            if following is None:
                self._more = False
                return
            order, along = following
            if order is not None and len(order) > _SMALL and worker is not None and worker.tasks:
                self._next = following
                return
            self._next = None
            task = _Task(along)
            self._open.append(task)
            if order is None or worker is None:
                task.done = True
            else:
                worker.give(order, task)


class _Task(Generic[Order]):
    __slots__ = ("along", "answer", "done")

    def __init__(self, along: Order) -> None:
        self.along = along
        self.answer: bytes | None = None
        self.done = False


class _Worker:
    """A process, and what it was asked."""

    def __init__(self, work: Work, others: list[socket.socket]) -> None:
        self.socket, theirs = socket.socketpair()
        self.tasks: deque[_Task] = deque()  # type: ignore[type-arg]
        try:
            self._pid = os.fork()
        except OSError:
            self.socket.close()
            theirs.close()
            raise
        if not self._pid:
            _live(theirs, [self.socket, *others], work)
        theirs.close()

    def give(self, order: bytes, task: "_Task") -> None:  # type: ignore[type-arg]
        self.tasks.append(task)
        try:
            _send(self.socket, order)
        except OSError:
            raise self._lost() from None

    def receive(self) -> None:
        try:
            answer = _received(self.socket)
        except OSError:
            answer = None
        if answer is None:
            raise self._lost()
        task = self.tasks.popleft()
        task.answer, task.done = answer or None, True

    def _lost(self) -> WorkerLostError:
        self.socket.close()
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        self._pid = 0
        how = f"by signal {-code} (9 is what the system does when memory is short)" if code < 0 else f"with code {code}"
        return WorkerLostError(f"one of several processes ended {how}, and what it was to judge is not judged")

    def end(self) -> None:
        self.socket.close()
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
            self._pid = 0


def _live(own: socket.socket, others: list[socket.socket], work: Work) -> None:
    """Be a worker until nobody asks any more; it never returns."""
    try:
        # Ctrl-C reaches all processes of a terminal: the first one says what becomes of the others.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for other in others:
            other.close()  # or it would stay open when the first process dies
        while (order := _received(own)) is not None:
            try:
                answer = work(order)
            except Exception:  # noqa: BLE001 - the first process tries again, and says what is wrong
                answer = b""
            _send(own, answer)
    finally:
        # Nothing of the first process is to be tidied up, flushed or printed by this one.
        os._exit(0)


def _send(to: socket.socket, message: bytes) -> None:
    to.sendall(len(message).to_bytes(_LENGTH, "big"))
    to.sendall(message)


def _received(source: socket.socket) -> bytes | None:
    """A message; None when the other side is gone."""
    head = _exactly(source, _LENGTH)
    return None if head is None else _exactly(source, int.from_bytes(head, "big"))


def _exactly(source: socket.socket, size: int) -> bytes | None:
    content = bytearray(size)
    view, at = memoryview(content), 0
    while at < size:
        count = source.recv_into(view[at:])
        if not count:
            return None
        at += count
    return bytes(content)
