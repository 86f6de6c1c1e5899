"""Values to text: plain where every reader of YAML takes the same meaning from it, and quoted where not."""

import json
import re
from typing import Any, NamedTuple

from webhook.manifest import scalars

_SPECIAL = re.compile("[\x7f-\x9f\ufeff\ufffe\uffff\u2028\u2029]")
# What other readers take for a date, a number of base 60, a merge or a default value.
_OTHERS = re.compile(r"\d{4}-\d\d?-\d\d?.*|[-+]?\d[\d_]*(?::[0-5]?\d)+(?:\.[\d_]*)?|<<|=|(?:---|\.\.\.).*", re.DOTALL)
_NEVER_PLAIN = re.compile(r"""[,\[\]{}#&*!|>'"%@`]|[-?:](?:\s|\Z)|.*?(?::(?:\s|\Z)|\s#)|\s|.*\s\Z""", re.DOTALL)
_FLOW = re.compile(r"[,\[\]{}:?]")


class Layout(NamedTuple):
    """How far mappings are indented below their key, and dashes; `compact`: JSON without blanks."""

    step: int = 2
    dashes: int = 0
    compact: bool = False


def scalar(value: Any, quote: str = "", *, flow: bool = False) -> str:
    """A scalar in YAML; text in these quotes, if it can be, and without any only where it needs none."""
    if not isinstance(value, str):
        return json.dumps(value)
    if quote == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    return value if not quote and _is_plain(value) and not (flow and _FLOW.search(value)) else text(value)


def text(value: str) -> str:
    """Text in double quotes, which means the same in JSON and YAML."""
    return _SPECIAL.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))


def _is_plain(value: str) -> bool:
    if not value.isprintable() or _OTHERS.fullmatch(value) or _NEVER_PLAIN.match(value):
        return False
    try:
        return isinstance(scalars.plain(value), str)
    except ValueError:
        return False


def flow(value: Any, *, quoted: bool, compact: bool = False) -> str:
    """A value in one line; `quoted`: as JSON."""
    colon, comma = (":", ",") if compact else (": ", ", ")
    if isinstance(value, dict):
        pairs = [f"{flow(k, quoted=quoted)}{colon}{flow(v, quoted=quoted, compact=compact)}" for k, v in value.items()]
        return "{" + comma.join(pairs) + "}"
    if isinstance(value, list):
        return "[" + comma.join(flow(item, quoted=quoted, compact=compact) for item in value) + "]"
    return scalar(value, '"' if quoted else "", flow=True)


def indented_json(value: Any, unit: str, indent: str) -> str:
    """JSON over several lines, all but the first of them indented."""
    return _SPECIAL.sub(
        lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False, indent=unit)
    ).replace("\n", "\n" + indent)


def is_inline(value: Any) -> bool:
    """Whether a value stands in one line also in block style."""
    return not value or not isinstance(value, dict | list)


def block(value: Any, layout: Layout) -> list[str]:
    """The lines of a value in block style."""
    if is_inline(value):
        return [scalar(value) if not isinstance(value, dict | list) else flow(value, quoted=False)]
    if isinstance(value, list):
        return [line for item in value for line in _item(item, layout)]
    return [line for key, item in value.items() for line in _entry(key, item, layout)]


def _item(value: Any, layout: Layout) -> list[str]:
    first, *others = block(value, layout)
    return ["- " + first, *("  " + line for line in others)]


def _entry(key: str, value: Any, layout: Layout) -> list[str]:
    lines = block(value, layout)
    if is_inline(value):
        return [f"{scalar(key)}: {lines[0]}"]
    indent = " " * (layout.dashes if isinstance(value, list) else layout.step)
    return [f"{scalar(key)}:", *(indent + line for line in lines)]
