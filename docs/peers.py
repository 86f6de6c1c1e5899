"""docs/peers.md and its picture, from what `make bench-peers` measured: benchmarks/results/{peers,linters}.*."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from policies.risk.training import svg

RESULTS = Path(__file__).parent.parent / "benchmarks" / "results"
Row = dict[str, Any]
_TITLES = {
    "podgate-all": "Podgate, all rules and the classifier",
    "podgate-pss": "Podgate, profile `pss-restricted`",
    "psa": "upstream's Pod Security webhook",
    "gatekeeper": "OPA Gatekeeper",
    "none": "nothing",
    "built-in": "Pod Security inside the API server",
    "vap": "ValidatingAdmissionPolicy: 17 policies of CEL",
}
_PEERS = {"psa": "upstream's webhook", "gatekeeper": "Gatekeeper"}
_PEER, _OWN, _GOAL = "psa", ("podgate-all", "podgate-pss"), 0.5
_GATEKEEPER = "gatekeeper"
_POD = 3


class Run:
    """What one run measured, by the part that it belongs to."""

    def __init__(self, lines: Iterable[str]) -> None:
        rows = [json.loads(line) for line in lines]
        [self.about] = [row for row in rows if row["part"] == "about"]
        self._rows = rows

    def rows(self, part: str, **wanted: Any) -> list[Row]:
        """Those of a part that have these values."""
        return [row for row in self._rows if row["part"] == part and wanted.items() <= row.items()]

    def values(self, part: str, name: str, **wanted: Any) -> list[Any]:
        """The different values of a field, in the order in which they came."""
        return list(dict.fromkeys(row[name] for row in self.rows(part, **wanted)))


def cpu(row: Row) -> float:
    """Microseconds of CPU time of all that is watched."""
    return float(sum(row["cpu_us"].values()))


def latency(share: str) -> Callable[[Row], float]:
    """Milliseconds."""
    return lambda row: float(row["latency_us"][share]) / 1000


def ratio(own: list[Row], other: list[Row], figure: Callable[[Row], float]) -> float:
    """The median over samples that were taken one after the other."""
    others = {row["sample"]: figure(row) for row in other}
    return median(figure(row) / others[row["sample"]] for row in own)


def middle(rows: list[Row], figure: Callable[[Row], float]) -> float:
    return median(map(figure, rows))


def page(header: str) -> Iterator[str]:
    """Ratios first, absolute figures second."""
    run = Run((RESULTS / "peers.jsonl").read_text().splitlines())
    yield f"{header}# Next to its peers\n\n{_about(run)}\n\n## Ratios\n\n{_met(run)}\n\n"
    yield "![CPU time a review](peers.svg)\n"
    yield from _ratios(run)
    yield from _reviews(run)
    yield from _rate(run)
    yield from _start(run)
    yield from _growth(run)
    yield from _apiserver(run)
    yield from _linters()
    yield f"\n## What is not here\n\n{_gatekeeper_missing(run)}{_MISSING}"


_ABOUT = """\
`make bench-peers` starts Podgate and upstream's webhook of the
[Pod Security Standards](https://kubernetes.io/docs/concepts/security/pod-security-standards/)
(`{psa}`) against one control plane, and sends both, in turn, the reviews that
the API server itself sends for the same pods: HTTPS, connections kept alive, as many of them idle as the API server
keeps. CPU time is that of the server's process, by the kernel's clock.

What they do is not alike. Upstream's webhook judges by the standard `restricted`. Podgate does the same with the
profile `pss-restricted`, and with the profile `all` also by every other rule and the classifier.
{gatekeeper}
Pods come in three kinds. *Differing* ones differ in an image and a label, as those of different releases do; each is
judged anew. Those of the *same spec* differ in a label, as those of different Jobs do; what Podgate finds by a spec
alone, it [finds once]({decision}).
*Copies* differ in name and uid alone, like the pods of a ReplicaSet, and are judged once.

{date} UTC, {machine}, Python {python}, {go}, at commit {commit};
`{command}`:
{samples} samples of {requests} reviews, medians. The client, the control plane and whatever else the machine did ran on
the same cores: compare figures of one run only."""
_DECISION = "adr/0007-what-comes-from-one-template-is-judged-once.md"


_ABOUT_GATEKEEPER = """
OPA Gatekeeper (`{gatekeeper}`) judges by the same 17 policies
that the API server judges by below, from the chart of `{kyverno}`,
each as a constraint template for its CEL engine with a constraint for all pods. They ask for what `restricted` asks,
with one gap of their own: a container that says nothing about `capabilities` passes, though it drops none of them.
Gatekeeper runs as its own chart runs its webhook, with no part that changes pods, and makes no
ValidatingAdmissionPolicies. What a review costs it grows with the number of constraints: by its own CPU profile
(`--enable-pprof`, differing pods of 3 containers), a third of the time goes into decoding the pod anew to see whether
each constraint matches, and another third into its CEL engine.
A sample ends after 5 s, and holds fewer reviews where each takes long.
"""


def _has_gatekeeper(run: Run) -> bool:
    return bool(run.rows("webhooks", server=_GATEKEEPER))


def _about(run: Run) -> str:
    versions = run.about["versions"]
    gatekeeper = _ABOUT_GATEKEEPER.format(**versions) if _has_gatekeeper(run) else ""
    return _ABOUT.format(**run.about, psa=versions["psa"], gatekeeper=gatekeeper, decision=_DECISION)


_KINDS = {"hardened": "differing pods", "alike": "pods of the same spec", "copies": "copies"}


def _met(run: Run) -> str:
    told = []
    for kind, kinds in _KINDS.items():
        found = [
            _over(run, "podgate-all", _PEER, case, many, cpu)
            for case in _cases(run)
            if case.startswith(kind)
            for many in run.values("webhooks", "connections")
        ]
        met = sum(each <= _GOAL for each in found)
        if found:
            told.append(f"in {met} of {len(found)} cases with {kinds} ({min(found):.2f} to {max(found):.2f})")
    return (
        "The goal is at most half of the CPU time of upstream's webhook, with all rules and the classifier on.\n"
        f"It was met {', '.join(told[:-1])} and {told[-1]}."
    )


def _cases(run: Run) -> list[str]:
    return run.values("webhooks", "case")


def _over(run: Run, server: str, peer: str, case: str, many: int, figure: Callable[[Row], float]) -> float:
    own, other = (run.rows("webhooks", server=each, case=case, connections=many) for each in (server, peer))
    return ratio(own, other, figure)


def _named(case: str) -> str:
    kind, _, size = case.partition("-")
    words = {"hardened": "differing", "alike": "same spec", "copies": "copies"}
    words["careless"] = "that set nothing, differing"
    return f"{size} | {words[kind]}"


def _ratios(run: Run) -> Iterator[str]:
    yield from _ratios_over(run, _PEER)
    if _has_gatekeeper(run):
        yield from _ratios_over(run, _GATEKEEPER)
    many = run.values("webhooks", "connections")[0]
    yield f"\np50 and p99 are of the time to the answer over {many} connection{'s' if many > 1 else ''}.\n"


def _ratios_over(run: Run, peer: str) -> Iterator[str]:
    yield f"\nOver {_PEERS[peer]} (1 is as much, less is better):\n"
    many = run.values("webhooks", "connections")
    for server in _OWN:
        yield f"\n**{_TITLES[server]}**\n\n"
        yield f"| containers | pods | {' | '.join(f'CPU, {each} conn.' for each in many)} | p50 | p99 |\n"
        yield f"|---|---|{'---|' * len(many)}---|---|\n"
        for case in _cases(run):
            costs = [f"{_over(run, server, peer, case, each, cpu):.2f}" for each in many]
            waits = [f"{_over(run, server, peer, case, many[0], latency(share)):.2f}" for share in ("p50", "p99")]
            yield f"| {_named(case)} | {' | '.join(costs + waits)} |\n"


def _reviews(run: Run) -> Iterator[str]:
    size = {row["case"]: row["bytes"] for row in run.rows("reviews")}
    yield "\n## A review over HTTPS\n\n"
    yield "CPU time a review in microseconds, and the time to the answer in milliseconds.\n\n"
    yield "| containers | pods | bytes | connections | server | CPU | p50 | p99 | sent away |\n"
    yield "|---|---|---|---|---|---|---|---|---|\n"
    for case in _cases(run):
        for many in run.values("webhooks", "connections"):
            for server in run.values("webhooks", "server"):
                rows = run.rows("webhooks", case=case, connections=many, server=server)
                yield f"| {_named(case)} | {size[case]:,} | {many} | {server} | {_figures(rows)} |\n"
    yield "\n*Sent away*: how many reviews in all were told to come back a second later (HTTP 429) and did.\n"


def _figures(rows: list[Row]) -> str:
    waits = [f"{middle(rows, latency(share)):.1f}" for share in ("p50", "p99")]
    return f"{middle(rows, cpu):,.0f} | {' | '.join(waits)} | {sum(row.get('sent_away', 0) for row in rows)}"


def _rate(run: Run) -> Iterator[str]:
    if not (rows := run.rows("rate")):
        return
    yield f"\n## {rows[0]['rate']:g} reviews a second on one core\n\n"
    yield "They arrive by the clock whatever becomes of those before, and time counts from when they were due; the\n"
    yield f"server has one core, the client the others. Pods of {_POD} containers. The goal is a p99 under 5 ms.\n\n"
    yield f"| pods | server | CPU | p50 | p99 | sent away | {rows[0]['requests']:,} took, s (due within "
    yield f"{rows[0]['requests'] / rows[0]['rate']:g}) |\n|---|---|---|---|---|---|---|\n"
    for case in run.values("rate", "case"):
        for server in run.values("rate", "server"):
            found = run.rows("rate", case=case, server=server)
            took = median(row["seconds"] for row in found)
            yield f"| {_named(case).partition('| ')[2]} | {server} | {_figures(found)} | {took:.1f} |\n"


def _start(run: Run) -> Iterator[str]:
    yield "\n## Start and memory\n\n"
    yield "From the start of the process to the first right answer (goal: 1.5 s), and memory (goal: 90 MB).\n\n"
    yield "| server | ready, s | CPU to then, s | MB then | MB after the reviews | the most |\n"
    yield "|---|---|---|---|---|---|\n"
    for each in run.rows("memory"):
        starts = run.rows("starts", server=each["server"])
        seconds, spent = (median(row[name] for row in starts) for name in ("seconds", "cpu_seconds"))
        idle = median(row["idle_kib"] for row in starts)
        sizes = " | ".join(
            f"{kib * 1024 / 1e6:.0f}" for kib in (idle, each["reviews"]["VmRSS"], each["reviews"]["VmHWM"])
        )
        yield f"| {each['server']} | {seconds:.2f} | {spent:.2f} | {sizes} |\n"


_GROWTH = """
## Many namespaces, many overrides

CPU time a review (differing pods of {pod} containers) in microseconds, before and after 2,000 namespaces were made, and
2,000 workloads that ask for an override. In brackets, what it is over upstream's webhook in the same minute, which
shows how the machine changed meanwhile.

"""


def _growth(run: Run) -> Iterator[str]:
    if not run.rows("growth"):
        return
    yield _GROWTH.format(pod=_POD)
    stages = run.values("growth", "after")
    yield f"| server | {' | '.join(f'after {stage}' for stage in stages)} |\n|---|{'---|' * len(stages)}\n"
    for server in run.values("growth", "server"):
        cells = []
        for stage in stages:
            rows, other = (run.rows("growth", after=stage, server=each) for each in (server, _PEER))
            cells.append(f"{middle(rows, cpu):,.0f} ({ratio(rows, other, cpu):.2f})")
        yield f"| {server} | {' | '.join(cells)} |\n"


def _apiserver(run: Run) -> Iterator[str]:
    if not run.rows("apiserver"):
        return
    yield "\n## Through the API server\n\n"
    yield "What creating a pod costs, with each way to judge it, in turn: CPU time of the API server and the webhook\n"
    yield "in microseconds, and the time to the answer in milliseconds. *Over nothing* is CPU time.\n\n"
    yield "| creation | containers | pods | conn. | judged by | API server | webhook | over nothing | p50 | p99 |\n"
    yield "|---|---|---|---|---|---|---|---|---|---|\n"
    for query in run.values("apiserver", "query"):
        for case in run.values("apiserver", "case", query=query):
            for many in run.values("apiserver", "connections", query=query):
                yield from _creations(run, query, case, many)


def _creations(run: Run, query: str, case: str, many: int) -> Iterator[str]:
    def of(server: str) -> list[Row]:
        return run.rows("apiserver", query=query, case=case, connections=many, server=server)

    for server in run.values("apiserver", "server"):
        rows = of(server)
        api, hook = (
            middle(rows, lambda row, name=name: row["cpu_us"].get(name, 0)) for name in ("apiserver", "server")
        )
        waits = " | ".join(f"{middle(rows, latency(share)):.1f}" for share in ("p50", "p99"))
        kind = "dry run" if query else "stored"
        more = "" if server == "none" else f"{ratio(rows, of('none'), cpu):.2f}"
        cells = f"{_TITLES[server]} | {api:,.0f} | {f'{hook:,.0f}' if hook else ''} | {more} | {waits}"
        yield f"| {kind} | {_named(case)} | {many} | {cells} |\n"


_LINTERS = """
## `podgate check` next to linters

`{command}`: {manifests:,} manifests in {files:,} files of one folder, {what}.
{date} UTC, {machine}; medians of {samples} runs (Checkov's last one alone, where it was
run once). MB are those of the largest process.
The goal is the rate of the best compiled linter, and twenty times Checkov's.

| program | Podgate's rate over its | manifests a second of CPU | a second | CPU, s | wall, s | MB |
|---|---|---|---|---|---|---|
"""


def _linters() -> Iterator[str]:
    if not (file := RESULTS / "linters.json").exists():
        return
    found = json.loads(file.read_text())
    about, rows = found["about"], found["linters"]
    [own] = [row for row in rows if row["name"] == "podgate check"]
    yield _LINTERS.format(**about)
    for row in rows:
        rate, over = about["manifests"] / row["cpu_seconds"], row["cpu_seconds"] / own["cpu_seconds"]
        took = f"{rate:,.0f} | {about['manifests'] / row['seconds']:,.0f} | {row['cpu_seconds']:.1f}"
        memory = row["most_kib"] * 1024 / 1e6
        yield f"| {row['label']} | {over:.2f} | {took} | {row['seconds']:.1f} | {memory:.0f} |\n"
    for name, why in found["missing"].items():
        yield f"\n{name} was not measured: {why}\n"


_GATEKEEPER_MISSING = """\
- **OPA Gatekeeper**: not in this run. `make bench-peers` starts it, with the policies of the
  ValidatingAdmissionPolicies above as constraint templates for its CEL engine.
"""
_GATEKEEPER_LIBRARY = """\
- **The templates of Gatekeeper's own library**, and with them its Rego engine: the Go module proxy serves no version of
  the library (`go mod download github.com/open-policy-agent/gatekeeper-library@master`: 403 Forbidden, "This module
  version is not available"). Gatekeeper's module holds five of its Rego templates as test data (privileged, host paths,
  host namespaces, host ports, volumes), which judge far less than the others here do.
"""
_MISSING = """\
- **Kyverno**: not measured. Its server judges by custom resources and takes its certificate from Secrets
  (`--caSecretName` and `--tlsSecretName` are required); it may run outside of the cluster (`--serverIP`), and this
  bench does not set that up. Its policies, rendered from its chart, are the ValidatingAdmissionPolicies above.
- **The engines alone**, without HTTPS: [performance](performance.md) has Podgate's; those of others are not measured.
"""


def _gatekeeper_missing(run: Run) -> str:
    return _GATEKEEPER_LIBRARY if _has_gatekeeper(run) else _GATEKEEPER_MISSING


def picture() -> Iterator[str]:
    """CPU time a review by containers, over the most connections that all sizes have in common."""
    run = Run((RESULTS / "peers.jsonl").read_text().splitlines())
    many = 16 if 16 in run.values("webhooks", "connections") else run.values("webhooks", "connections")[0]
    lines = [("podgate-all", "hardened"), ("psa", "hardened"), ("podgate-pss", "hardened"), ("podgate-all", "copies")]
    names = ["Podgate, all rules and classifier", "upstream's webhook", "Podgate, pss-restricted"]
    marks = [*_chart(run, lines, many), *svg.key(520, 90, [*names, "Podgate, all, copies of one template"])]
    yield svg.paper(820, 360, f"CPU time a review, {many} connections", marks)


def _chart(run: Run, lines: list[tuple[str, str]], many: int) -> Iterator[str]:
    sizes = [int(case.partition("-")[2]) for case in _cases(run) if case.startswith("hardened")]
    x = svg.Axis("containers", sizes[0], sizes[-1], [(each, str(each)) for each in sizes], logarithmic=True)
    ticks = [(10.0**power, f"{10**power:,}") for power in range(1, 6)]
    y = svg.Axis("microseconds", 10, 100_000, ticks, logarithmic=True)
    frame = svg.Frame(80, 70, 400, 230, x, y)
    yield from svg.axes(frame)
    for colour, (server, kind) in enumerate(lines):
        points = [
            (float(size), middle(run.rows("webhooks", server=server, case=f"{kind}-{size}", connections=many), cpu))
            for size in sizes
        ]
        yield svg.line(frame, points, colour)
