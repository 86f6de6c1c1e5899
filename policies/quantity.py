"""Quantities such as `500m`, `1Gi` or `1e3`, as Kubernetes reads them.

Source: k8s.io/apimachinery/pkg/api/resource/quantity.go.
"""

import re
from decimal import Decimal
from functools import lru_cache

_QUANTITY = re.compile(
    r"(?P<number>[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))(?P<suffix>[eE][+-]?[0-9]{1,3}|[A-Za-z]{0,2})"
)
_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal("1e3"),
    "M": Decimal("1e6"), "G": Decimal("1e9"), "T": Decimal("1e12"), "P": Decimal("1e15"), "E": Decimal("1e18"),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip
_MAX = 64


@lru_cache(maxsize=4096)
def parse(value: str | float) -> Decimal:
    """The number that a quantity stands for. Raises ValueError for what is none."""
    text = str(value)
    match = _QUANTITY.fullmatch(text) if len(text) <= _MAX else None
    if match is None:
        raise ValueError("is not a quantity: write a number with a suffix, as in 500m or 1Gi")
    number, suffix = Decimal(match["number"]), match["suffix"]
    if suffix in _SUFFIXES:
        return number * _SUFFIXES[suffix]
    if suffix[0] in "eE" and len(suffix) > 1:
        return number.scaleb(int(suffix[1:]))
    raise ValueError(f"has the unknown suffix {suffix}: write one as in 500m, 1Gi or 1G")
