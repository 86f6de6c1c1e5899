"""Rows to measure with: how risky they are is known."""

import numpy as np

from policies.risk.features import Features
from policies.risk.training.dataset import Row
from policies.risk.training.figures import Scored


def row(number: int, label: bool, *, host: bool = False, klass: str = "", family: str = "") -> Row:
    klass = klass or ("attack" if label else "benign-app")
    features: Features = {"command_mines": 1} if label else {}
    family = family or ("cryptomining" if label else "")
    return Row(f"repo{number}@0:{number}.yaml#0", label, klass, family, f"c{number}", host, (features,))


def scored() -> Scored:
    """Four dangerous rows and sixteen benign ones, each in its own repository; two of them are in the wrong order."""
    rows = [row(number, number < 4, host=number % 2 == 0) for number in range(20)]
    chances = np.linspace(0.95, 0.0, 20)
    chances[[3, 5]] = chances[[5, 3]]
    return Scored(rows, chances)
