"""Measure Podgate and its peers in one run, and write what was measured: python -m benchmarks.peers

The figures of one run can be compared with each other. docs/peers.md is made of them (docs/peers.py).
"""

import argparse
import json
import platform
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers import apiserver, capture, growth, programs, rate, webhooks
from benchmarks.peers.about import machine, said
from benchmarks.peers.pods import Json
from benchmarks.peers.servers import SERVERS, Yard
from tests.e2e.cluster import Cluster, find_assets

LAYERS = ["webhooks", "apiserver", "growth", "rate"]
RESULTS = Path(__file__).parent.parent / "results" / "peers.jsonl"
_CORE = 0


def main() -> None:
    options = _arguments()
    assets, reason = find_assets()
    if assets is None:
        raise SystemExit(f"There is no API server to measure against: {reason}")
    about = _about(options)
    found: dict[str, list[Json]] = {}
    with Cluster(assets) as cluster:
        _measure(cluster, found, options)
    options.results.parent.mkdir(exist_ok=True)
    options.results.write_text("".join(_lines(about, found)))
    print(options.results)


def _measure(cluster: Cluster, found: dict[str, list[Json]], options: argparse.Namespace) -> None:
    reviews = capture.reviews(cluster, webhooks.pods())
    careless = webhooks.first(reviews)
    yard = Yard(cluster, careless)
    with yard.running(options.servers) as servers:
        found["reviews"] = [{"case": name, "bytes": len(text)} for name, text in reviews.items()]
        found["starts"] = yard.starts(servers)
        if "webhooks" in options.layers:
            found["webhooks"] = webhooks.measure(servers, reviews, yard.ca, options)
        for each in servers:
            each.remember("reviews")
        if "apiserver" in options.layers:
            found["apiserver"] = apiserver.measure(cluster, servers, yard.ca.read_bytes(), options)
        if "growth" in options.layers:
            found["growth"] = growth.measure(cluster, yard, servers, reviews, options)
        found["memory"] = [{"server": each.server.name, **each.memory_kib} for each in servers]
    if "rate" in options.layers:
        found["rate"] = rate.measure(Yard(cluster, careless, _CORE), reviews, _CORE, options)


def _lines(about: Json, found: dict[str, list[Json]]) -> Iterable[str]:
    yield json.dumps({"part": "about", **about}) + "\n"
    for part, rows in found.items():
        yield from (json.dumps({"part": part, **row}) + "\n" for row in rows)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__.split("\n")[0])
    arguments.add_argument("--samples", type=int, default=5)
    arguments.add_argument("--requests", type=int, default=500, help="requests a sample")
    arguments.add_argument("--servers", nargs="+", default=list(SERVERS), choices=SERVERS)
    arguments.add_argument("--creations", type=int, default=30, help="pods a sample, through the API server")
    arguments.add_argument("--layers", nargs="+", default=LAYERS, choices=LAYERS)
    arguments.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    arguments.add_argument("--rate", type=float, default=500, help="reviews a second for a server on one core")
    arguments.add_argument("--rate-seconds", type=float, default=3, help="how long they arrive, a sample")
    arguments.add_argument("--results", type=Path, default=RESULTS)
    return arguments.parse_args()


def _about(options: argparse.Namespace) -> Json:
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "command": " ".join(["python -m benchmarks.peers", *_said_here()]),
        "samples": options.samples,
        "requests": options.requests,
        "commit": said("git", "describe", "--always", "--dirty"),
        "machine": machine(),
        "python": platform.python_version(),
        "go": said("go", "version").split()[2],
        "versions": {name: program.label for name, program in programs.PROGRAMS.items()},
    }


def _said_here() -> list[str]:
    """The options that change what is measured, and not where it is written."""
    given = sys.argv[1:]
    if "--results" in given:
        at = given.index("--results")
        del given[at : at + 2]
    return given


if __name__ == "__main__":
    main()
