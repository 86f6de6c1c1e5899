"""How long a review takes when so many a second arrive, whatever becomes of those before, on one core."""

import argparse
import os
import shutil

from benchmarks.peers import programs, webhooks
from benchmarks.peers.pods import Json
from benchmarks.peers.servers import Running, Yard

CONNECTIONS = 64
_POD = 3


def measure(yard: Yard, reviews: dict[str, str], core: int, options: argparse.Namespace) -> list[Json]:
    """Each server alone on the core, in turn; the client on the others."""
    with yard.running(options.servers) as servers:
        cases = [_case(servers, name, reviews[name], options) for name in (f"hardened-{_POD}", f"copies-{_POD}")]
        plan = webhooks.plan(servers, cases, yard.ca, options.samples, int(options.rate))
        return webhooks.ask(plan, *_elsewhere(core))


def _case(servers: list[Running], name: str, body: str, options: argparse.Namespace) -> Json:
    requests = int(options.rate * options.rate_seconds)
    return {**webhooks.case(servers, name, body, CONNECTIONS, requests), "rate": options.rate, "seconds": 0}


def _elsewhere(core: int) -> list[str]:
    others = sorted(os.sched_getaffinity(0) - {core})
    if not others or (taskset := shutil.which("taskset")) is None:
        raise programs.UnavailableError("it takes two cores and taskset: one for the server, one for the client")
    return [taskset, "-c", ",".join(map(str, others))]
