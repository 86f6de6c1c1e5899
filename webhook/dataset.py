"""The data set of the classifier, made anew from a corpus: python -m webhook.dataset CORPUS [FOLDER].

CORPUS holds one JSON object a line, compressed with gzip: `object`, `origin_class`, `evident`, `family`, `cluster`, and
`source` with `repo`, `commit`, `path` and `license`. Of it only features are kept, and what is measured on it.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from policies.risk import training
from policies.risk.training import disguise, synthetic, trials
from policies.risk.training.dataset import Row, digest, of_corpus, write

FOLDER = Path(training.__file__).parent


def rows(lines: list[dict[str, Any]]) -> Iterator[Row]:
    """Real rows, then synthetic ones, laid over benign workloads that use nothing of the host, then disguised ones."""
    real = [(row, line["object"]) for line in lines for row in of_corpus([line])]
    yield from (row for row, _ in real)
    yield from synthetic.rows([(row.repository, obj) for row, obj in real if row.label is False and not row.host])
    yield from disguise.rows((row, obj) for row, obj in real if row.label)


def main(corpus: str, folder: str = str(FOLDER)) -> int:
    """Returns the exit code."""
    with gzip.open(corpus, "rt") as file:
        lines = [json.loads(line) for line in file]
    found = list(rows(lines))
    made = sum(row.synthetic for row in found)
    content = write(found)
    (Path(folder) / "dataset.tsv.gz").write_bytes(content)
    sys.stdout.write(
        f"wrote {len(found) - made:,} rows and {made:,} synthetic ones; measuring what only a corpus can\n"
    )
    measured = trials.run(lines, found, digest(content))
    text = msgspec.json.format(msgspec.json.encode(measured), indent=1) + b"\n"
    (Path(folder) / trials.FILE).write_bytes(text)
    sys.stdout.write(f"wrote {trials.FILE}; make model makes a model of it\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
