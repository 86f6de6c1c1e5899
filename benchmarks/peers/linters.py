"""`podgate check` next to linters, over one folder of manifests: python -m benchmarks.peers.linters FOLDER

Each reads every file of the folder once, with the output that it prints by itself, which is thrown away, and on as many
cores as it likes. CPU time is that of the program and what it starts, by the kernel. The results are a part of
docs/peers.md.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import yaml

from benchmarks.peers import programs
from benchmarks.peers.about import machine
from benchmarks.peers.pods import Json
from benchmarks.peers.webhooks import say

RESULTS = Path(__file__).parent.parent / "results" / "linters.json"
_NOT_SERVED = "the Go module proxy serves no version of its module."
#: Run once, at the end: it takes minutes.
_SLOW = {"Checkov"}
MISSING = {"kube-linter": _NOT_SERVED, "kubesec": _NOT_SERVED, "Polaris": _NOT_SERVED}


def main() -> None:
    options = _arguments()
    files = sorted(file for file in options.folder.rglob("*") if file.suffix in (".yaml", ".yml"))
    missing = dict(MISSING)
    commands = {
        "podgate check": (_podgate(), "`podgate check`, with the classifier"),
        "podgate check, one core": (["taskset", "-c", "0", *_podgate()], "the same on one core (`taskset -c 0`)"),
    }
    for name, find, label in (("kube-score", _kube_score, "kube-score"), ("Checkov", _checkov, "Checkov")):
        try:
            commands[name] = (find(), f"{label} {_version(name)}")
        except programs.UnavailableError as error:
            missing[name] = str(error)
    taken: dict[str, list[Json]] = {name: [] for name in commands}
    for sample in range(options.samples):
        for name, (command, _) in commands.items():
            if name in _SLOW and sample < options.samples - 1:
                continue
            given = files if name == "kube-score" else [options.folder]
            taken[name].append(_ran([*command, *map(str, given)]))
            say(f"{name:>14} {taken[name][-1]}")
    about = {
        "command": f"python -m benchmarks.peers.linters FOLDER --samples {options.samples}",
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
        "machine": machine(),
        "samples": options.samples,
        "files": len(files),
        "manifests": sum(_documents(file) for file in files),
        "what": options.what,
    }
    linters = [{"name": name, "label": commands[name][1], **_middle(found)} for name, found in taken.items()]
    RESULTS.write_text(json.dumps({"about": about, "linters": linters, "missing": missing}, indent=1) + "\n")
    print(RESULTS)


def _arguments() -> argparse.Namespace:
    arguments = argparse.ArgumentParser(prog="python -m benchmarks.peers.linters", description=__doc__.split("\n")[0])
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--what", default="manifests of one's own", help="what lies in the folder, for the page")
    arguments.add_argument("--samples", type=int, default=3)
    return arguments.parse_args()


def _podgate() -> list[str]:
    return [sys.executable, "-m", "webhook.cli", "check"]


def _kube_score() -> list[str]:
    return [str(programs.binary("kube-score")), "score"]


def _checkov() -> list[str]:
    flags = ["--framework", "kubernetes", "--compact", "--quiet", "--skip-download", "-d"]
    return [str(programs.checkov()), *flags]


def _version(name: str) -> str:
    return programs.CHECKOV if name == "Checkov" else programs.PROGRAMS[name].version


def _ran(command: list[str]) -> Json:
    """What it took. Raises SystemExit where a program has failed, and not only found something."""
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        told = process.stderr.read() if process.stderr else ""
        _, status, spent = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1) or "Failed to score" in told:
        raise SystemExit(f"{command[0]} failed: {told.strip()[-400:]}")
    return {
        "seconds": round(time.monotonic() - began, 3),
        "cpu_seconds": round(spent.ru_utime + spent.ru_stime, 3),
        "most_kib": spent.ru_maxrss,
    }


def _documents(file: Path) -> int:
    with file.open() as text:
        return sum(isinstance(event, yaml.DocumentStartEvent) for event in yaml.parse(text, Loader=yaml.CSafeLoader))


def _middle(found: list[Json]) -> Json:
    return {name: median(each[name] for each in found) for name in ("seconds", "cpu_seconds", "most_kib")} | {
        "each": found
    }


if __name__ == "__main__":
    main()
