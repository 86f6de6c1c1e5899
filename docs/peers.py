"""docs/peers.md and its picture, from what `make bench-peers` measured: benchmarks/results/peers.json."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from policies.risk.training import svg

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "peers.json"
_OURS, _THEIRS = ("podgate-all", "podgate-pss"), "psa"
_SIZES = (1, 3, 15, 100)
_Sample = dict[str, Any]

_HEAD = """# Next to its peers

`make bench-peers` builds upstream's own Pod Security webhook, starts it and Podgate next to a real control plane, and
asks both the same: the reviews that this API server sends, over kept-alive TLS connections as its client has them (Go,
HTTP/1.1). Samples are interleaved; every figure is the median of its samples. Upstream's webhook judges the Pod
Security Standards and nothing else. Podgate judges with all rules and the classifier (*all*), or with the restricted
level and the classifier (*pss*), knows the namespaces of the cluster, and writes its decision log to a file.

*Different* pods differ in a label, so that each is judged anew. *Copies* differ in their names alone, as the pods of a
ReplicaSet do: [what comes from one template is judged once](adr/0007-what-comes-from-one-template-is-judged-once.md).

{machine}. Python {python}, {go}. {versions}.
Measured {date} UTC at {commit}: `{command}`.
The machine is shared: compare what stands in one row.
"""


def page(header: str) -> Iterator[str]:
    """Ratios first, then what they are made of."""
    found = json.loads(RESULTS.read_text())
    samples = found["webhooks"]["samples"]
    yield header + _head(found["about"]) + "\n"
    yield "## CPU of a review, as a share of upstream's\n\n"
    yield "Over 16 connections. Below 1 is less than upstream's webhook takes.\n\n"
    yield from _ratios(samples)
    yield "\n![CPU of a review by containers](peers.svg)\n\n## CPU of a review, microseconds\n\n"
    yield from _costs(samples)
    yield "\n## Latency, milliseconds: p50 and p99\n\nDifferent pods with three containers.\n\n"
    yield from _latencies(samples)
    yield "\n## Start and memory\n\n"
    yield from _starts(found["servers"])
    yield from _through(found["apiserver"]) if "apiserver" in found else ()
    yield _MISSING


_MISSING = """
## What is not here

OPA Gatekeeper and Kyverno can be built from their Go modules, but judge nothing without their own resource types,
controllers and policies installed in the cluster; that was not done, so no figure of theirs is given.
"""


def _head(about: dict[str, Any]) -> str:
    peer = about["versions"]["psa"]
    return _HEAD.format(**{**about, "versions": peer})


def _cost(samples: Iterable[_Sample], server: str, case: str, connections: int = 16) -> float:
    """Microseconds of the server's CPU for one review."""
    return median(each["cpu_us"]["server"] for each in _of(samples, server, case, connections))


def _of(samples: Iterable[_Sample], server: str, case: str, connections: int) -> list[_Sample]:
    wanted = (server, case, connections)
    return [each for each in samples if (each["server"], each["case"], each["connections"]) == wanted]


def _ratios(samples: list[_Sample]) -> Iterator[str]:
    yield "| containers | different, all | different, pss | copies, all | copies, pss |\n|---|---|---|---|---|\n"
    for size in _SIZES:
        cells = [
            _cost(samples, ours, f"{kind}-{size}") / _cost(samples, _THEIRS, f"{kind}-{size}")
            for kind in ("hardened", "copies")
            for ours in _OURS
        ]
        yield f"| {size} | {' | '.join(f'{each:.2f}' for each in cells)} |\n"


def _costs(samples: list[_Sample]) -> Iterator[str]:
    servers = (*_OURS, _THEIRS)
    yield "| pod | Podgate, all | Podgate, pss | upstream |\n|---|---|---|---|\n"
    for case in dict.fromkeys(each["case"] for each in samples):
        yield f"| {case} | {' | '.join(f'{_cost(samples, server, case):,.0f}' for server in servers)} |\n"


def _latencies(samples: list[_Sample]) -> Iterator[str]:
    many = sorted({each["connections"] for each in samples})
    yield "| connections | Podgate, all | Podgate, pss | upstream |\n|---|---|---|---|\n"
    for connections in many:
        cells = []
        for server in (*_OURS, _THEIRS):
            found = _of(samples, server, "hardened-3", connections)
            half, most = (median(each["latency_us"][part] for each in found) / 1000 for part in ("p50", "p99"))
            cells.append(f"{half:.1f}, {most:.1f}")
        yield f"| {connections} | {' | '.join(cells)} |\n"


def _starts(servers: dict[str, Any]) -> Iterator[str]:
    yield "*Ready*: from the start of the process to the first right answer.\n\n"
    yield "| server | ready, s | CPU until then, s | resident then, MiB | after all reviews, MiB | most, MiB |\n"
    yield "|---|---|---|---|---|---|\n"
    for each in servers.values():
        memory = each["memory_kib"]
        cells = [f"{each['start_seconds']:.2f}", f"{each['start_cpu_seconds']:.2f}", f"{each['idle_kib'] / 1024:.0f}"]
        cells += [f"{memory[name] / 1024:.0f}" for name in ("VmRSS", "VmHWM")] if memory else ["-", "-"]
        yield f"| {each['title']} | {' | '.join(cells)} |\n"


_THROUGH = """
## Through the API server

Creating a pod with `dryRun=All`, one after the other over one connection: how much longer it takes than with nothing
that judges (p50), and the CPU of the API server and the webhook together, in milliseconds, by containers.

"""


def _through(found: dict[str, Any]) -> Iterator[str]:
    yield _THROUGH
    yield "| way | " + " | ".join(f"{size}, longer | {size}, CPU" for size in (1, 3, 15))
    yield " |\n|---|" + "---|---|" * 3 + "\n"
    samples = found["dry_run"]
    for way in dict.fromkeys(each["server"] for each in samples):
        cells = []
        for size in (1, 3, 15):
            more = _half(samples, way, size) - _half(samples, "none", size)
            cells.append("-" if way == "none" else f"{more:.1f}")
            cells.append(f"{_spent(samples, way, size):.1f}")
        yield f"| {found['titles'].get(way, way)} | {' | '.join(cells)} |\n"


def _half(samples: list[_Sample], way: str, size: int) -> float:
    return median(each["latency_us"]["p50"] for each in _of(samples, way, f"hardened-{size}", 1)) / 1000


def _spent(samples: list[_Sample], way: str, size: int) -> float:
    return median(sum(each["cpu_us"].values()) for each in _of(samples, way, f"hardened-{size}", 1)) / 1000


def picture() -> Iterator[str]:
    """CPU of a review by the number of containers, in logarithms."""
    samples = json.loads(RESULTS.read_text())["webhooks"]["samples"]
    lines = {
        "Podgate, all, different pods": ("podgate-all", "hardened"),
        "upstream's webhook": (_THEIRS, "hardened"),
        "Podgate, all, copies": ("podgate-all", "copies"),
        "Podgate, pss, different pods": ("podgate-pss", "hardened"),
    }
    ticks = [(10.0**power, f"{10**power:,}") for power in range(1, 6)]
    x = svg.Axis("containers", 1, 100, [(size, str(size)) for size in _SIZES], logarithmic=True)
    y = svg.Axis("CPU of a review, µs", 10, 100_000, ticks, logarithmic=True)
    frame = svg.Frame(80, 70, 360, 240, x, y)
    marks = [*svg.axes(frame), *svg.key(470, 90, lines)]
    for number, (server, kind) in enumerate(lines.values()):
        points = [(size, _cost(samples, server, f"{kind}-{size}")) for size in _SIZES]
        marks.append(svg.line(frame, points, number))
    yield svg.paper(720, 380, "CPU of a review, next to upstream's webhook", marks)
