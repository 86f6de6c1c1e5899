"""The page of what was measured next to peers says what the raw file says, whether it flatters or not."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def peers() -> ModuleType:
    spec = importlib.util.spec_from_file_location("peers", ROOT / "docs" / "peers.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def sample(number: int, cost: float, **more: Any) -> dict[str, Any]:
    return {"sample": number, "cpu_us": {"server": cost}, "part": "webhooks", "connections": 1, **more}


def test_a_ratio_is_of_samples_that_were_taken_one_after_the_other(peers: ModuleType) -> None:
    """The machine became three times slower after the first sample, which is nobody's fault."""
    own = [sample(2, 150), sample(0, 50), sample(1, 150)]
    other = [sample(0, 100), sample(1, 300), sample(2, 300)]

    assert peers.ratio(own, other, peers.cpu) == 0.5


def test_what_the_api_server_and_a_webhook_spend_is_added(peers: ModuleType) -> None:
    assert peers.cpu({"cpu_us": {"apiserver": 300.5, "server": 200.0}}) == 500.5


@pytest.mark.parametrize(
    ("cost", "told"),
    [
        (50.0, "in 1 of 1 cases with differing pods (0.50 to 0.50) and in 1 of 1 cases with copies (0.50 to 0.50)"),
        (51.0, "in 0 of 1 cases with differing pods (0.51 to 0.51) and in 0 of 1 cases with copies (0.51 to 0.51)"),
    ],
)
def test_the_goal_is_met_or_not(peers: ModuleType, cost: float, told: str) -> None:
    rows = [
        sample(0, each, server=server, case=case)
        for server, each in (("podgate-all", cost), ("psa", 100.0))
        for case in ("hardened-1", "copies-1")
    ]
    run = peers.Run(json.dumps(row) for row in ({"part": "about"}, *rows))

    assert told in peers._met(run)


VERSIONS = {"psa": "psa@v1", "gatekeeper": "gatekeeper@v3", "kyverno": "kyverno@v2"}
ABOUT = {"date": "", "machine": "", "python": "", "go": "", "commit": "", "command": "", "samples": 1, "requests": 1}


def run_of(peers: ModuleType, *servers: str) -> Any:
    """One sample of each server; each costs twice what the one before it does."""
    about = {"part": "about", **ABOUT, "versions": VERSIONS}
    more = {"case": "hardened-1", "latency_us": {"p50": 1000, "p99": 1000}}
    rows = [sample(0, 100 * 2**at, server=server, **more) for at, server in enumerate(servers)]
    return peers.Run(json.dumps(row) for row in (about, *rows))


OWN = ("podgate-all", "podgate-pss", "psa")


def test_a_run_with_gatekeeper_is_compared_with_it_too(peers: ModuleType) -> None:
    run = run_of(peers, *OWN, "gatekeeper")
    told = "".join(peers._ratios(run))

    assert [line for line in told.splitlines() if line.startswith(("Over", "| 1 "))] == [
        "Over upstream's webhook (1 is as much, less is better):",
        "| 1 | differing | 0.25 | 1.00 | 1.00 |",
        "| 1 | differing | 0.50 | 1.00 | 1.00 |",
        "Over Gatekeeper (1 is as much, less is better):",
        "| 1 | differing | 0.12 | 1.00 | 1.00 |",
        "| 1 | differing | 0.25 | 1.00 | 1.00 |",
    ]
    assert "OPA Gatekeeper (`gatekeeper@v3`) judges by the same 17 policies" in peers._about(run)
    assert peers._gatekeeper_missing(run).startswith("- **The templates of Gatekeeper's own library**")


def test_a_run_without_gatekeeper_says_that_it_is_not_measured(peers: ModuleType) -> None:
    run = run_of(peers, *OWN)

    assert "Gatekeeper" not in "".join(peers._ratios(run))
    assert "Gatekeeper" not in peers._about(run)
    assert peers._gatekeeper_missing(run).startswith("- **OPA Gatekeeper**: not in this run.")


def test_the_page_has_every_case_of_the_raw_file(peers: ModuleType) -> None:
    run = peers.Run((ROOT / "benchmarks" / "results" / "peers.jsonl").read_text().splitlines())
    lines = [line for line in (ROOT / "docs" / "peers.md").read_text().splitlines() if line.startswith("| ")]
    wanted = {(row["case"], row["connections"], row["server"]) for row in run.rows("webhooks")}

    assert len(wanted) > 0
    assert [
        each
        for each in wanted
        if not any(
            line.startswith(f"| {peers._named(each[0])} |") and f"| {each[1]} | {each[2]} |" in line for line in lines
        )
    ] == []
