"""Layer 2: what a review costs over HTTPS, on connections that are kept as the API server keeps them."""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any, cast

from benchmarks.peers import programs
from benchmarks.peers.pods import SIZES, Json, careless, hardened, replica
from benchmarks.peers.servers import ALLOWED, DENIED, Running, memory_kib

_CARELESS = 3


def pods() -> dict[str, Json]:
    """By name, every pod that is judged."""
    different = {f"hardened-{size}": hardened(size) for size in SIZES}
    copies = {f"copies-{size}": replica(size) for size in SIZES}
    return different | copies | {f"careless-{_CARELESS}": careless(_CARELESS)}


def first(reviews: dict[str, str]) -> str:
    """The review that a server that has just been started is asked."""
    return reviews[f"careless-{_CARELESS}"]


def measure(servers: list[Running], reviews: dict[str, str], ca: Path, options: argparse.Namespace) -> Json:
    """Every server with every pod, over so many connections, in turn."""
    cases = [_case(*review, many, options.requests) for review in reviews.items() for many in options.connections]
    plan = {
        "ca": str(ca),
        "servers": [{"name": r.server.name, "url": f"{r.url}?timeout=10s", "watch": _watch(r)} for r in servers],
        "cases": [{**case, "expect": _expected(servers, case["name"])} for case in cases],
        "samples": options.samples,
        "warm": options.requests // 4,
    }
    samples = ask(plan)
    for each in servers:
        each.memory_kib = memory_kib(each.process.pid)
    return {"bytes": {name: len(text) for name, text in reviews.items()}, "samples": samples}


def ask(plan: Json) -> list[Json]:
    """What the client measured."""
    found: list[Json] = []
    with subprocess.Popen([programs.load()], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        plans, told = cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)
        plans.write(json.dumps(plan))
        plans.close()
        for line in told:
            found.append(json.loads(line))
            say(f"{found[-1]['server']:>14} {found[-1]['case']:<13} {found[-1]['cpu_us']}")
    if process.returncode:
        raise SystemExit("the client stopped: see above")
    return found


def _watch(each: Running) -> dict[str, int]:
    return {"server": each.process.pid}


def _case(name: str, body: str, connections: int, requests: int) -> dict[str, Any]:
    # A pod with 100 containers takes as long as 30 small ones: as many would tell nothing more.
    fewer = requests if len(body) < 20_000 else max(200, requests // 8)
    return {"name": name, "body": body, "connections": connections, "requests": fewer}


def _expected(servers: list[Running], case: str) -> dict[str, str]:
    if not case.startswith("careless"):
        return {"": ALLOWED}
    return {"": DENIED} | {each.server.name: each.server.careless for each in servers}


def say(text: str) -> None:
    """Progress, for whoever waits."""
    print(text, file=sys.stderr, flush=True)
