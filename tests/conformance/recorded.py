"""Upstream's verdicts on random pods, written down, so that a machine without Go can be held against them.

`python -m tests.conformance.recorded` asks upstream anew and writes verdicts.txt: a line a pod, with its seed, the
beginning of the hash of the pod, and for each level one bit a version, v1.0 first, set where the pod is forbidden.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from . import oracle, pods
from .oracle import Pod

FILE = Path(__file__).with_name("verdicts.txt")
COUNT = 1_500


class Recorded(NamedTuple):
    """What upstream says of a pod: bits by version."""

    seed: int
    digest: str
    baseline: int
    restricted: int


def pod(seed: int) -> Pod:
    """The pod of this seed."""
    return pods.as_an_api_server_sends(pods.random_pod(random.Random(seed)))


def digest(made: Pod) -> str:
    """What tells whether a seed still makes the pod that was judged."""
    return hashlib.sha256(json.dumps(made, sort_keys=True).encode()).hexdigest()[:8]


def load() -> Iterator[Recorded]:
    """The verdicts that are written down."""
    for line in FILE.read_text().splitlines():
        seed, found, baseline, restricted = line.split()
        yield Recorded(int(seed), found, int(baseline, 16), int(restricted, 16))


def main() -> int:
    """Ask upstream, and write down what it says. Returns the exit code."""
    if oracle.build() is None:
        sys.stderr.write(f"{oracle.WITHOUT_GO}\n")
        return 3
    made = [pod(seed) for seed in range(COUNT)]
    with FILE.open("w") as file:
        for seed, (one, verdicts) in enumerate(zip(made, oracle.judge(made), strict=True)):
            # The last one is `latest`, which is the newest version.
            bits = [
                sum((not found.allowed) << version for version, found in enumerate(level[:-1]))
                for level in (verdicts.baseline, verdicts.restricted)
            ]
            file.write(f"{seed} {digest(one)} {bits[0]:x} {bits[1]:x}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
