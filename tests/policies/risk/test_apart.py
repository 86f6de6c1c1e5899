"""The model is data, and whoever serves needs nothing of what trains it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from policies import risk

ROOT = Path(risk.__file__).parents[2]
SOURCES = sorted(file for folder in ("policies", "webhook", "certs") for file in (ROOT / folder).rglob("*.py"))
_SERIALISERS = re.compile(
    r"^\s*(?:import|from)\s+(?:pickle|_pickle|joblib|skops|dill|cloudpickle|marshal|shelve)\b|allow_pickle",
    re.MULTILINE,
)
_SUFFIXES = {".pkl", ".pickle", ".joblib", ".skops", ".npy", ".npz"}
_TRAINING = {"numpy", "scipy", "sklearn", "joblib", "threadpoolctl", "policies.risk.training"}


def test_nothing_that_is_read_can_run() -> None:
    assert len(SOURCES) > 100
    assert [str(file) for file in SOURCES if _SERIALISERS.search(file.read_text("utf-8"))] == []
    assert [
        str(file) for ending in ("pkl", "pickle", "joblib", "skops") for file in ROOT.glob(f"policies/**/*.{ending}")
    ] == []


@pytest.mark.parametrize("module", ["webhook.serve", "webhook.check", "webhook.cli", "policies.risk.assess"])
def test_serving_imports_nothing_of_training(module: str) -> None:
    loaded = run(f"import sys, {module}; print(*sys.modules)").split()
    assert module in loaded
    assert _TRAINING.isdisjoint(loaded)


def test_judging_imports_nothing_of_training_either() -> None:
    """Not even when it is needed first: the model is read, and a pod is judged with reasons."""
    said, loaded = run(
        "import sys; from policies import config, resource\n"
        "obj = {'apiVersion': 'v1', 'kind': 'Pod', 'spec': {'containers': [{'image': 'alpine'}]}}\n"
        "risk = config.of_profile().engine.evaluate(resource.read(obj)).risk\n"
        "print(risk.text, risk.remedy(0.01))\n"
        "print(*sys.modules)"
    ).splitlines()
    assert said.startswith("looks dangerous")
    assert _TRAINING.isdisjoint(loaded.split())


def run(code: str) -> str:
    """What a new interpreter prints."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
