"""Run a target under Atheris: python -m tests.fuzz.run TARGET FOLDER [options of libFuzzer].

FOLDER holds the inputs that were found; it begins with the seeds.
"""

import hashlib
import sys
from pathlib import Path
from random import Random

import atheris

with atheris.instrument_imports(include=["policies", "webhook"]):
    from tests.fuzz import words
    from tests.fuzz.targets import TARGETS

_KEPT = Path(__file__).parent / "corpus"


def main() -> None:
    name, folder, *options = sys.argv[1:]
    target, found = TARGETS[name], Path(folder)
    found.mkdir(parents=True, exist_ok=True)
    for seed in [*target.seeds(), *(file.read_bytes() for file in sorted(_KEPT.glob(f"{name}/*")))]:
        (found / hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
    dictionary = found.parent / f"{name}.dict"
    dictionary.write_text(words.dictionary(), encoding="utf-8")
    mutate = target.mutator()

    def custom(content: bytes, most: int, seed: int) -> bytes:
        return mutate(content, Random(seed), lambda text: atheris.Mutate(text, max(64, min(most, 2 * len(text)))))[
            :most
        ]

    def one(content: bytes) -> int:
        return 0 if target.take(content) else -1

    known = [f"-dict={dictionary}", f"-max_len={target.longest}", "-timeout=60", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(found), *known, *options], one, custom_mutator=custom)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
