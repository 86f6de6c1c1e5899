"""Measure Podgate and its peers in one run, and write what was measured: python -m benchmarks.peers

The figures of one run can be compared with each other. docs/peers.md is made of them (docs/peers.py).
"""

import argparse
import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.peers import apiserver, capture, programs, servers, webhooks
from benchmarks.peers.pods import Json
from tests.e2e.cluster import Cluster, find_assets

LAYERS = ["webhooks", "apiserver"]
RESULTS = Path(__file__).parent.parent / "results"


def main() -> None:
    options = _arguments()
    assets, reason = find_assets()
    if assets is None:
        raise SystemExit(f"There is no API server to measure against: {reason}")
    found: Json = {"about": _about(options)}
    with Cluster(assets) as cluster:
        reviews = capture.reviews(cluster, webhooks.pods())
        with servers.running(cluster, options.servers, webhooks.first(reviews)) as running:
            ca = cluster.folder / "bench" / "ca.crt"
            if "webhooks" in options.layers:
                found["webhooks"] = webhooks.measure(running, reviews, ca, options)
            if "apiserver" in options.layers:
                found["apiserver"] = apiserver.measure(cluster, running, ca.read_bytes(), options)
            found["servers"] = {each.server.name: _told(each) for each in running}
    options.results.mkdir(exist_ok=True)
    place = options.results / "peers.json"
    place.write_text(json.dumps(found, indent=1) + "\n")
    print(place)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--samples", type=int, default=5)
    arguments.add_argument("--requests", type=int, default=800, help="requests a sample")
    arguments.add_argument("--servers", nargs="+", default=list(servers.SERVERS), choices=servers.SERVERS)
    arguments.add_argument("--creations", type=int, default=200, help="pods a sample, through the API server")
    arguments.add_argument("--layers", nargs="+", default=LAYERS, choices=LAYERS)
    arguments.add_argument("--connections", type=int, nargs="+", default=[1, 16, 64])
    arguments.add_argument("--results", type=Path, default=RESULTS)
    return arguments.parse_args()


def _told(each: servers.Running) -> Json:
    return {
        "title": each.server.title,
        "start_seconds": each.start_seconds,
        "start_cpu_seconds": each.start_cpu_seconds,
        "idle_kib": each.idle_kib,
        "memory_kib": each.memory_kib,
    }


def _about(options: argparse.Namespace) -> Json:
    cpu = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")), "")
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "command": f"python -m benchmarks.peers --samples {options.samples} --requests {options.requests}",
        "commit": _said("git", "rev-parse", "--short", "HEAD"),
        "machine": f"{os.cpu_count()} cores, {cpu.partition(':')[2].strip()}, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "go": _said("go", "version").split()[2],
        "versions": {name: program.label for name, program in programs.PROGRAMS.items()},
    }


def _said(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else "?"


if __name__ == "__main__":
    sys.exit(main())
