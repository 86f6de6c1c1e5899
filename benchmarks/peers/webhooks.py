"""Layer 2: what a review costs over HTTPS, on connections that are kept as the API server keeps them."""

import argparse
import itertools
import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

from benchmarks.peers import programs
from benchmarks.peers.pods import SIZES, Json, careless, hardened_cases
from benchmarks.peers.servers import ALLOWED, DENIED, Running

_CARELESS = 3
#: How long a sample may take: a review of 100 containers takes one server a fifth of a second, another 5 ms.
SAMPLE_SECONDS = 5.0
#: Where the client begins to count: no request is like one of an earlier plan.
_NUMBERS = itertools.count(1)


def pods() -> dict[str, Json]:
    """By the name of the case, every pod that is judged."""
    return hardened_cases(SIZES, ("hardened", "alike", "copies")) | {f"careless-{_CARELESS}": careless(_CARELESS)}


def first(reviews: dict[str, str]) -> str:
    """The review that a server that has just been started is asked."""
    return reviews[f"careless-{_CARELESS}"]


def measure(servers: list[Running], reviews: dict[str, str], ca: Path, options: argparse.Namespace) -> list[Json]:
    """Every server with every pod, over so many connections, in turn."""
    cases = [case(servers, *each, many, options.requests) for each in reviews.items() for many in options.connections]
    return ask(plan(servers, cases, ca, options.samples, options.requests // 4))


def plan(servers: list[Running], cases: list[Json], ca: Path, samples: int, warm: int) -> Json:
    """What the client is to do with these servers."""
    told = [{"name": r.server.name, "url": f"{r.url}?timeout=10s", "watch": {"server": r.process.pid}} for r in servers]
    return {"ca": str(ca), "servers": told, "cases": cases, "samples": samples, "warm": warm}


def case(servers: list[Running], name: str, body: str, connections: int, requests: int) -> Json:
    """One pod over so many connections, and what must be answered."""
    # A pod with 100 containers takes as long as 30 small ones: as many would tell nothing more.
    fewer = requests if len(body) < 20_000 else max(100, requests // 8)
    expect = {"": ALLOWED}
    if name.startswith("careless"):
        expect = {"": DENIED} | {each.server.name: each.server.careless for each in servers}
    told = {"name": name, "body": body, "connections": connections, "requests": fewer, "expect": expect}
    return {**told, "seconds": SAMPLE_SECONDS}


def ask(plan: Json, *before: str) -> list[Json]:
    """What the client measured; started by the command `before`, if there is one."""
    found: list[Json] = []
    with TemporaryFile("w+") as sent:
        json.dump({**plan, "first": next(_NUMBERS) << 20}, sent)
        sent.seek(0)
        command = [*before, str(programs.load())]
        with subprocess.Popen(command, stdin=sent, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout or ():
                found.append(json.loads(line))
                say(f"{found[-1]['server']:>14} {found[-1]['case']:<13} {found[-1]['cpu_us']}")
    if process.returncode:
        raise SystemExit("the client stopped: see above")
    return found


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)
