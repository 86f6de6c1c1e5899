"""The data set of the classifier, made anew from a corpus: python -m webhook.dataset CORPUS [FILE].

CORPUS holds one JSON object a line, compressed with gzip: `object`, `origin_class`, `evident`, `family`, `cluster`, and
`source` with `repo`, `commit` and `path`. Of it only features are kept.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from policies.risk import training
from policies.risk.training import synthetic
from policies.risk.training.dataset import Row, of_corpus, write

FILE = Path(training.__file__).parent / "dataset.tsv.gz"


def rows(lines: list[dict[str, Any]]) -> Iterator[Row]:
    """Real rows, and then synthetic ones that are laid over benign workloads which use nothing of the host."""
    real = list(of_corpus(lines))
    yield from real
    ordinary = {row.source for row in real if row.label is False and not row.host}
    bases = [
        (line["source"]["repo"], line["object"])
        for line in lines
        for row in of_corpus([line])
        if row.source in ordinary
    ]
    yield from synthetic.rows(bases)


def main(corpus: str, target: str = str(FILE)) -> int:
    """Returns the exit code."""
    with gzip.open(corpus, "rt") as file:
        lines = [json.loads(line) for line in file]
    found = list(rows(lines))
    Path(target).write_bytes(write(found))
    made = sum(row.synthetic for row in found)
    sys.stdout.write(f"wrote {len(found) - made:,} rows and {made:,} synthetic ones to {target}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
