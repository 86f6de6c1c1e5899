"""What msgspec says of data that does not fit a type, as a path and in words."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec
from msgspec import inspect

from policies.path import Path

# What msgspec says: "Expected `bool | null`, got `str` - at `$.spec.containers[0].securityContext.privileged`", and
# "Expected `int` <= 2147483647 - at `$...`", "Invalid enum value 'a' - at `$...`", "... - at `key` in `$...`".
_PLACE = re.compile(r"(?P<said>.*?)(?: - at (?:`key` in )?`\$(?P<at>[^`]*)`)?", re.DOTALL)
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(\.\.\.)\]")
_EXPECTED = re.compile(r"Expected `(?P<wanted>[^`]*)`(?:, got `(?P<got>[^`]*)`| (?P<bound>[<>]=?) (?P<limit>-?[\d.]+))")
_NAMES = {
    "object": "an object",
    "array": "a list",
    "str": "a string",
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number with a fraction",
}
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}
#: Stands in a path for a key that msgspec does not tell.
ANY = "*"
_MOST_TRIED = 1_000


class Complaint(NamedTuple):
    """Where the trouble is, below what was read, and what msgspec says of it. A key that it does not tell is ANY."""

    path: Path
    said: str


def of(error: Exception) -> Complaint:
    """Take apart what msgspec says."""
    match = _PLACE.fullmatch(str(error))
    if match is None:
        return Complaint((), str(error))
    steps = _STEP.findall(match["at"] or "")
    path = tuple(ANY if any_ else int(index) if index else key for key, index, any_ in steps)
    return Complaint(path, match["said"])


def words(said: str) -> str | None:
    """A complaint about a type or a bound: `must be a string, not a list`. None for any other."""
    match = _EXPECTED.match(said)
    if match is None:
        return None
    if match["got"] is None:
        return f"must be {_BOUNDS[match['bound']]} {match['limit']}"
    wanted = " or ".join(_NAMES.get(name, name) for name in match["wanted"].removesuffix(" | null").split(" | "))
    return f"must be {wanted}, not {_NAMES.get(match['got'], match['got'])}"


def explained(value: Any, kind: type, error: msgspec.ValidationError) -> tuple[Path, str]:
    """Where data does not fit its type, with every key, and what to write instead, for those who wrote the data."""
    told, said = of(error)
    if not _leads(value, told):  # a key that looks like the end of a complaint
        told, said = (), str(error)
    path = _complete(value, kind, str(error), told)
    if len(path) < len(told):
        return path, f"holds something that cannot be used: {said}"
    found = _Place(_value_at(value, path), _type_at(inspect.type_info(kind), path))
    name = said.split("`")[1] if said.startswith("Object ") else ""
    if said.startswith("Object contains unknown field"):
        return (*path, name), _unknown(name, found.fields)
    if said.startswith("Object missing required field"):
        only = _Place(None, found.fields.get(name)).choices
        return (*path, name), f"is missing: write {name}: {only[0]}" if len(only) == 1 else "is missing"
    if found.choices:
        return path, f"is {_shown(found.value)}{near(str(found.value), found.choices)}"
    if (problem := words(said)) is None:
        return path, f"cannot be used: {said}"
    return path, problem.replace("an object", "a mapping").replace(" with a fraction", "") + found.hint(said)


def _unknown(name: str, fields: Iterable[str]) -> str:
    return f"is not known here{near(name, list(fields))}"


def near(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """How a sentence about a wrong word ends: with the nearest right one, or else with all of them."""
    known = list(known)
    if found := get_close_matches(name, known, n=1):
        return f": did you mean {found[0]}?"
    return otherwise or f": write {', '.join(known[:-1])}{' or ' if known[1:] else ''}{known[-1]}"


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()[:100]


@dataclass(frozen=True, slots=True)
class _Place:
    """What is written somewhere, and the type that is wanted there."""

    value: Any
    type: inspect.Type | None

    @property
    def fields(self) -> dict[str, inspect.Type]:
        """The fields of a mapping that has a fixed set of them."""
        struct = next((each for each in _alternatives(self.type) if isinstance(each, inspect.StructType)), None)
        return {} if struct is None else {field.encode_name: field.type for field in struct.fields}

    @property
    def choices(self) -> list[str]:
        """The words that may be written, where there is a fixed set of them."""
        words: list[str] = []
        for each in _alternatives(self.type):
            if isinstance(each, inspect.LiteralType):
                words += map(str, each.values)
            elif isinstance(each, inspect.EnumType):
                words += [str(member.value) for member in each.cls]
        return words

    def hint(self, said: str) -> str:
        """What to write instead of a value of the wrong type."""
        if self.value is None:
            return ": leave it out, or write what is in it"
        fields = self.fields
        fitting = (name for name, type_ in fields.items() if self.value in _Place(None, type_).choices)
        if isinstance(self.value, str) and (name := next(fitting, None)) is not None:
            return f": write {{{name}: {self.value}}}"
        if fields:
            return f": its fields are {', '.join(fields)}"
        if said.startswith("Expected `array`") and isinstance(self.value, str):
            return f": write [{self.value[:80]}]"
        scalar = isinstance(self.value, bool | int | float)
        return ": put it in quotes" if said.startswith("Expected `str") and scalar else ""


def _alternatives(type_: inspect.Type | None) -> list[inspect.Type]:
    if isinstance(type_, inspect.Metadata):
        return _alternatives(type_.type)
    if isinstance(type_, inspect.UnionType):
        return [found for each in type_.types for found in _alternatives(each)]
    return [] if type_ is None else [type_]


def _type_at(type_: inspect.Type | None, path: Path) -> inspect.Type | None:
    for step in path:
        below = None
        for each in _alternatives(type_):
            if isinstance(each, inspect.DictType):
                below = each.value_type
            elif isinstance(each, inspect.ListType | inspect.VarTupleType):
                below = each.item_type
            elif isinstance(each, inspect.StructType):
                below = _Place(None, each).fields.get(str(step))
        type_ = below
    return type_


def _value_at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def _leads(value: Any, path: Path) -> bool:
    """Whether there is something at a path, as far as its keys are told."""
    for step in path:
        if step == ANY:
            return True
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True


def _complete(value: Any, kind: type, said: str, path: Path) -> Path:
    """The path with the keys that msgspec does not tell: those which alone lead to the same complaint."""
    for position, step in enumerate(path):
        if step != ANY:
            continue
        above = path[:position]
        for key in list(_value_at(value, above))[:_MOST_TRIED]:
            reduced = _only(value, above, key)
            if _complaint(reduced, kind) == said:
                value, path = reduced, (*above, key, *path[position + 1 :])
                break
        else:
            return above
    return path


def _only(value: Any, path: Path, key: str) -> Any:
    """The same data, of whose mapping at this path only one key is left. Nothing is changed in place."""
    if not path:
        return {key: value[key]}
    step, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return {**value, step: _only(value[step], rest, key)}
    return [_only(item, rest, key) if index == step else item for index, item in enumerate(value)]


def _complaint(value: Any, kind: type) -> str:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        return str(error)
    return ""
