"""The clock of the machine jumps: by a day ahead, by a day back, while reviews are under way."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import webhook
from certs.authority import Authority
from certs.reload import Keeper, Sources
from tests.reviews import body, review
from tests.webhook.test_app import Tried
from tests.webhook.test_asks import Oracle, allowed
from tests.webhook.test_grants import POLICY, asked, pod
from webhook.admission import Context
from webhook.app import Front, Gate
from webhook.asking import Plain
from webhook.ops import Readiness

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass
class Clock:
    now: datetime = NOON

    def __call__(self) -> datetime:
        return self.now


def test_an_override_ends_with_the_clock_and_does_not_last_longer_when_it_is_set_back() -> None:
    clock, tried = Clock(), Tried()
    tried.gate = Gate(POLICY, Context(Plain(), clock), Oracle(*[True] * 3))
    tried.front = Front(tried.gate, tried.front._other, lambda *_: None, tried.stages.append)
    sent = body(review(pod(asked(expires="2026-12-24T11:59:00Z")), namespace="shop", userInfo={"username": "alice"}))
    found = {}
    for days in (0, 29, 30, -1, 0):
        clock.now = NOON + days * DAY
        found[days] = allowed(tried, sent)

    # On the day before, it ends more than thirty days ahead: nobody could have granted it.
    assert found == {0: True, 29: True, 30: False, -1: False}


def test_a_clock_before_the_certificate_keeps_what_is_served_and_takes_the_new_one_when_it_is_right(
    tmp_path: Path,
) -> None:
    sources, clock = Sources(tmp_path / "tls.crt", tmp_path / "tls.key", None), Clock()
    authority = Authority.create("jumps", NOON)
    authority.server(["localhost"], NOON).write(sources.cert, sources.key)
    keeper = Keeper(sources, clock)
    served = keeper.current.digest
    authority.server(["localhost"], NOON).write(sources.cert, sources.key)
    clock.now = NOON - DAY
    refused = keeper.refresh()
    kept = keeper.current.digest
    clock.now = NOON

    assert refused is not None
    assert refused.problem == f"{sources.cert} is not valid before 2026-11-24T11:55:00Z"
    assert kept == served
    assert keeper.refresh() is not None
    assert keeper.current.digest != served


def test_a_clock_beyond_the_certificate_makes_it_not_ready_and_ready_again_when_it_is_right() -> None:
    clock = Clock()
    readiness = Readiness(Gate(POLICY), lambda: NOON + DAY, clock)
    readiness.serving = True
    found = []
    for days in (0, 1, 0):
        clock.now = NOON + days * DAY
        found.append(readiness.problems())

    assert found == [[], ["the serving certificate expired at 2026-11-25T12:00:00Z"], []]


#: What waits, caches or gives up does so by a clock that never jumps.
WAITING = [
    "accept",
    "app",
    "authority",
    "cluster",
    "direct",
    "lines",
    "listener",
    "ops",
    "protocol",
    "reload",
    "watched",
]


def reads_of_the_wall_clock(file: Path) -> Iterator[int]:
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        match node:
            case ast.Call(func=ast.Name(id="time")) | ast.Call(func=ast.Attribute(value=ast.Name(id="time"))):
                yield node.lineno
            case ast.Attribute(value=ast.Name(id="datetime"), attr="now" | "utcnow" | "today"):
                yield node.lineno
            case _:
                pass


def test_the_search_finds_the_wall_clock(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("a = time()\nb = time.time()\nc = datetime.now(UTC)\nd = monotonic(), self.now, case.now\n")

    assert sorted(reads_of_the_wall_clock(file)) == [1, 2, 3]


@pytest.mark.parametrize("module", WAITING)
def test_what_waits_does_not_read_the_wall_clock(module: str) -> None:
    assert list(reads_of_the_wall_clock(Path(webhook.__path__[0]) / f"{module}.py")) == []
