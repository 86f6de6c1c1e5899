"""What reviews, manifests and policies are made of, for mutations that get beyond the first error."""

from functools import cache

import msgspec
from msgspec import Struct

from policies import api, gatepolicy, kinds, objects, overrides, registry

#: Values that programs stumble over.
ODD: tuple[object, ...] = (
    None, True, False, 0, -1, 1, 65536, 2**31, 2**63, -(2**63) - 1, 10**30, 0.5, 1e300, -0.0,
    "", " ", "x", "0", "true", "null", "\x00", "\n", "\x1b[31m", "\u202e", "\ud7ff", "ä" * 300, "/", "../..", "*",
    "1e3", "500m", "1Ki", "9" * 30, "a,b", "2026-12-14T00:00:00Z", "sha256:" + "0" * 64,
    "docker.io/library/nginx:latest",
    [], {}, [None], [[]], [{}], {"": None}, {"a": {}}, [1, "x", None],
)  # fmt: skip
#: What YAML is made of.
PIECES = (
    ": ", "- ", "\n", "\n  ", "---\n", "...\n", "{", "}", "[", "]", ", ", '"', "'", "&x ", "*x", "<<: *x\n", "!!int ",
    "!!binary ", "!x ", "? ", "| \n", "|- \n", "> \n", "#", " # c", "%YAML 1.1\n", "\t", "1e3", "0x1F", "0755", "null",
    "~", "yes", "12:30:45", "2024-01-01", ".inf", "{{ x }}", "\\u", "\xed\xa0\xbd",
    "\x00", "\x85", "\ufeff", "\u2028", "\r\n", "\r", "items:\n", "kind: List\n", "{}", "[]", "''",
)  # fmt: skip


@cache
def names() -> tuple[str, ...]:
    """The names of all fields that are read, of kinds, rules and annotations."""
    found = {
        field.encode_name
        for module in (api, objects, gatepolicy, overrides)
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Struct)
        for field in msgspec.structs.fields(kind)
    }
    found |= {kind.kind for kind in kinds._ROWS} | {kind.group for kind in kinds._ROWS}
    found |= {step for row in kinds._ROWS.values() for place in row.places for step in (*place.path, *place.names)}
    found |= {*registry.by_name(), *overrides._ALL, overrides.RISK}
    found |= {"request", "object", "oldObject", "operation", "CREATE", "UPDATE", "DELETE", "userInfo", "subResource"}
    return tuple(sorted(found - {"", "*"}))


def dictionary() -> str:
    """The names as a dictionary of libFuzzer."""
    return "".join(f'"{name}"\n' for name in names() if name.isascii() and '"' not in name and "\\" not in name)
