"""Quantities such as `500m`, `1Gi` or `1e3`, as Kubernetes reads them.

Source: ParseQuantity and UnmarshalJSON in k8s.io/apimachinery/pkg/api/resource/quantity.go (v0.37).
"""

import re
from decimal import Decimal
from functools import lru_cache

_QUANTITY = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+)|([EinumkKMGTP]{0,2}))")
_TENS = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_TWOS = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_SMALLEST = -9
_LARGEST = 2**63 - 1
# Nobody writes a longer one, though the API server would take it.
_LONGEST = 100
_USUAL = 20
# Around a quantity they do not count: the spaces that JSON leaves in a string as they are.
_SPACES = (
    " \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


@lru_cache(maxsize=4096)
def parse(value: str | float) -> Decimal:
    """The number that a quantity stands for. Raises ValueError for what is none."""
    match = _QUANTITY.fullmatch(_text(value))
    if match is None or not match[0]:
        raise ValueError("is not a quantity: write a number with a suffix, as in 500m or 1Gi")
    sign, whole, part, power, suffix = match[1], match[2], match[3] or "", match[4], match[5]
    exponent, twos = _scale(suffix) if power is None else (_wrapped(power), 0)
    exponent -= len(part)
    # Without a digit it is zero, as upstream has it - save where upstream needs more than 64 bits.
    if not (whole or part) and (twos > _TWOS["Ti"] or exponent < _SMALLEST):
        raise ValueError("has no digits: write a number with a suffix, as in 500m or 1Gi")
    unscaled = int(whole + part or "0") << twos
    if exponent < _SMALLEST:
        unscaled, exponent = _rounded_up(unscaled, _SMALLEST - exponent), _SMALLEST
    if twos and unscaled > _LARGEST * 10**-exponent:
        unscaled, exponent = _LARGEST, 0
    return Decimal(f"{sign}{unscaled}e{exponent}")


def is_usual(value: str | float | None) -> bool:
    """Whether it is as short as quantities are, so that what follows from it can be kept."""
    return value is None or (isinstance(value, str) and len(value) <= _USUAL)


def number(value: str | float | None) -> Decimal | None:
    """The same; None for what is no quantity, or not there."""
    try:
        return None if value is None else parse(value)
    except ValueError:
        return None


def _text(value: str | float) -> str:
    """What is written; nothing when it is too long."""
    if isinstance(value, int) and value.bit_length() > 3 * _LONGEST:
        return ""
    text = str(value).strip(_SPACES)
    return text if len(text) <= _LONGEST else ""


def _scale(suffix: str) -> tuple[int, int]:
    """The powers of ten and of two that a suffix stands for."""
    if (tens := _TENS.get(suffix)) is not None:
        return tens, 0
    if (twos := _TWOS.get(suffix)) is not None:
        return 0, twos
    raise ValueError(f"has the unknown suffix {suffix}: write one as in 500m, 1Gi or 1G")


def _wrapped(power: str) -> int:
    """The power of ten that is written. It wraps around at 32 bits, as upstream."""
    exponent = int(power)
    if not -_LARGEST - 1 <= exponent <= _LARGEST:
        raise ValueError("has an exponent that is too large: write a number with a suffix, as in 500m or 1Gi")
    return (exponent + 2**31) % 2**32 - 2**31


def _rounded_up(unscaled: int, places: int) -> int:
    """Without its last places: who asks for something, however little, gets something."""
    if places > len(str(unscaled)):
        return 1 if unscaled else 0
    tens: int = 10**places
    return -(-unscaled // tens)
