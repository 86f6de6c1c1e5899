"""Scalars of YAML as kubectl reads them: the rules of go.yaml.in/yaml/v2, which sigs.k8s.io/yaml makes JSON of.

They are YAML 1.1 with exceptions: `yes` and `n` are booleans, `0755` is octal; but dates and `12:30:45` stay text. A
number without a fraction is a whole number however it was written (`1e3`, `1.0`), because JSON drops the difference.
"""

import math
import re
from struct import pack, unpack
from typing import Any

#: What the composer puts in place of a tag: a plain scalar, whose meaning is looked up; and a quoted one.
PLAIN = "plain"
TEXT = "text"

_CORE = "tag:yaml.org,2002:"
WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
}
_NOT_FINITE = frozenset(
    [".nan", ".NaN", ".NAN"] + [sign + word for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")]
)
_TELLING = frozenset("+-.0123456789yYnNtTfFoO~")
_INTEGER = re.compile(r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))")
_POINT_FIRST = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+)?")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def plain(text: str) -> Any:
    """What a scalar without quotes means. Raises ValueError for what JSON cannot hold."""
    if text and text[0] not in _TELLING:
        return text
    found = _meaning(text)
    return _whole(found) if isinstance(found, float) else found


def tagged(tag: str, text: str) -> Any:
    """What a scalar with an explicit tag means. Raises ValueError when the text is not of that type."""
    if tag == _CORE + "binary":
        raise ValueError("is tagged !!binary, which Kubernetes does not read: write the base64 text as a string")
    wanted = _TYPES.get(tag.removeprefix(_CORE)) if tag.startswith(_CORE) else str
    if wanted is None or wanted is str:
        return text
    found = plain(text)
    if wanted is float and type(found) is int:
        return found
    if type(found) is not wanted:
        raise ValueError(f"is tagged !!{tag.removeprefix(_CORE)}, but is not one")
    return found


def key(tag: str, text: str) -> str:
    """The key of a mapping as JSON has it: text. Raises ValueError for null."""
    found = _meaning(text) if tag == PLAIN else text if tag == TEXT else tagged(tag, text)
    if isinstance(found, str):
        return found
    if found is None:
        raise ValueError("is a null key: a key must be text")
    if isinstance(found, bool):
        return "true" if found else "false"
    return _go_float(found) if isinstance(found, float) else str(found)


def integer(text: str) -> int | float:
    """An integer of JSON. Beyond 64 bits it becomes a float, as in Kubernetes."""
    return _number(text) if len(text) > 18 else int(text)  # type: ignore[return-value]


def fraction(text: str) -> int | float:
    """A number of JSON with a fraction or an exponent. Raises ValueError when no float can hold it."""
    found = float(text)
    if not math.isfinite(found):
        raise ValueError("is too large a number")
    return _whole(found)


#: From here on a number rounds to no 32-bit float.
_FLOAT32 = float.fromhex("0x1.ffffffp127")
_TYPES: dict[str, type] = {"null": type(None), "bool": bool, "int": int, "float": float}


def _meaning(text: str) -> Any:
    if text in WORDS:
        return WORDS[text]
    if text in _NOT_FINITE:
        raise ValueError(f"is {text}, which JSON cannot hold: put it in quotes if it is text")
    first = text[0]
    if first == ".":
        return found if _POINT_FIRST.fullmatch(text) and math.isfinite(found := float(text)) else text
    return _number(text) if first in "+-0123456789" else text


def _number(text: str) -> int | float | str:
    plain = text.replace("_", "")
    if (match := _INTEGER.fullmatch(plain)) is not None:
        sign, *digits = match.groups()
        base, number = next((base, found) for base, found in zip((16, 2, 8, 10), digits, strict=True) if found)
        # Nobody means a number of more digits, and Python takes quadratic time to read one.
        if len(number) <= 64:
            value = int(sign + number, base)
            if -(2**63) <= value < 2**63:
                return value
            if not sign and value < 2**64:
                return float(value)
    if _FLOAT.fullmatch(plain) and math.isfinite(found := float(plain)):
        return found
    return text


def _whole(value: float) -> int | float:
    return int(value) if value.is_integer() and -(2.0**63) <= value < 2.0**63 else value


def _go_float(value: float) -> str:
    """A float key as Go writes it: the fewest digits that mean the same 32-bit float, exponents from 1e6 on."""
    single = unpack("=f", pack("=f", value))[0] if abs(value) < _FLOAT32 else math.inf
    if math.isinf(single):
        return ".inf" if value > 0 else "-.inf"
    exact = pack("=f", single)
    text = next(text for digits in range(9) if _packs(text := f"{single:.{digits}e}", exact))
    mantissa, _, exponent = text.partition("e")
    decimals = len(mantissa.lstrip("-").replace(".", "")) - 1 - int(exponent)
    return f"{float(text):.{max(decimals, 0)}f}" if -4 <= int(exponent) < 6 else text


def _packs(text: str, exact: bytes) -> bool:
    value = float(text)
    return abs(value) < _FLOAT32 and pack("=f", value) == exact
