"""docs/load.md and its picture, from what `make soak` measured: benchmarks/results/soak.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policies.risk.training import svg

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results" / "soak.json"
_WIDTH, _HEIGHT = 760, 240


def page(header: str) -> Iterator[str]:
    """What was asked of the server, and what became of it."""
    found = json.loads(RESULTS.read_text())
    minutes, over = found["minutes"], found["overload"]
    yield f"{header}# Under load\n\n{_about(found)}\n\n## For {len(minutes)} minutes\n\n{_steady(found)}\n\n"
    yield "![Memory and latency by minute](load.svg)\n\n"
    yield "| minute | reviews | failed | sent away | p50, ms | p99, ms | CPU a review, µs | memory, MiB |\n"
    yield "|---|---|---|---|---|---|---|---|\n"
    for each in minutes[:: max(1, len(minutes) // 10)]:
        yield (
            f"| {each['minute']} | {_answered(each):,} | {each['failed']} | {_shed(each)} | {each['p50_milliseconds']}"
            f" | {each['p99_milliseconds']} | {each['server_microseconds']} | {each['memory_mib']} |\n"
        )
    yield f"\n## Three times what it can do\n\n{_overload(over)}\n"


_ABOUT = """\
`make soak` (`python -m benchmarks.soak`) finds how many reviews a second the server answers over 16 connections, asks
for 70 % of that for {minutes} minutes while the certificate, the policy and the model change every minute, and then for
three times as many for ten seconds. The reviews are those that a real API server sent, and some that must be denied,
under the profile `recommended` with the classifier. Every answer is checked.

{when}, {cores} shared virtual cores ({machine}), Python {python}; the client runs on the same cores.
Capacity: {rate:,} reviews a second, at {cost} µs of CPU each."""


def _about(found: dict[str, Any]) -> str:
    capacity = found["capacity"]
    rate, cost = capacity["reviews_per_second"], capacity["server_microseconds"]
    return _ABOUT.format(**found["machine"], minutes=len(found["minutes"]), rate=rate, cost=cost)


def _steady(found: dict[str, Any]) -> str:
    minutes, changes = found["minutes"], found["changes"]
    first, last = minutes[0]["memory_mib"], minutes[-1]["memory_mib"]
    reloads = ", ".join(
        f"{count} of {changes['made'][what]} new {what} files" for what, count in changes["taken"].items()
    )
    return (
        f"{sum(map(_answered, minutes)):,} verdicts at {minutes[0]['sent_per_second']:,} reviews a second;\n"
        f"{sum(each['failed'] for each in minutes)} failed, {sum(each['wrong'] for each in minutes)} were wrong, "
        f"{sum(map(_shed, minutes))} were told to come back. Taken meanwhile: {reloads}.\n"
        f"Memory: {first} MiB after the first minute, {last} MiB after the last."
    )


def _overload(over: dict[str, Any]) -> str:
    back = over["recovery"]["seconds_until_answered_at_once"]
    held = over["outcomes"].get("held back", 0)
    return (
        f"{over['wanted_per_second']:,} reviews a second were to be sent over at most 900 connections: "
        f"{_answered(over):,} were judged,\n{_shed(over):,} were told at once to come back (HTTP 429), "
        f"{over['failed']} failed.\n{held:,} were held back by the client, as an API server does when so many requests "
        f"are under way.\nThe longest wait for a verdict was {over['most_milliseconds'] / 1000:.1f} s. "
        f"{'It never was back' if back is None else f'After {back:.1f} s'} "
        f"reviews were answered within 0.1 s again; memory: {over['memory_mib']} MiB."
    )


def _answered(each: dict[str, Any]) -> int:
    return int(each["outcomes"].get("verdict", 0))


def _shed(each: dict[str, Any]) -> int:
    return int(each["outcomes"].get("shed", 0))


def picture() -> Iterator[str]:
    """Memory and latency by minute."""
    minutes = json.loads(RESULTS.read_text())["minutes"]
    memory = [(each["minute"], each["memory_mib"]) for each in minutes]
    latency = [(each["minute"], each["p99_milliseconds"]) for each in minutes]
    marks = [*_chart(60, "resident memory, MiB", memory), *_chart(430, "p99 of verdicts, ms", latency)]
    yield svg.paper(_WIDTH, _HEIGHT, "Under load, minute by minute", marks)


def _chart(left: float, title: str, points: list[svg.Point]) -> Iterator[str]:
    last, top = max(point[0] for point in points), _above(max(point[1] for point in points))
    x = svg.Axis("minute", 0, last, [(at, f"{at:g}") for at in (0, last / 2, last)])
    y = svg.Axis(title, 0, top, [(at, f"{at:g}") for at in (0, top / 2, top)])
    frame = svg.Frame(left, 70, 280, 110, x, y)
    yield from svg.axes(frame)
    yield svg.line(frame, points, 0)


def _above(value: float) -> float:
    """A round number that is not less."""
    step = 10.0
    while value > step:
        step *= 2
    return step
