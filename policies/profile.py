"""Profiles: what every rule does unless a policy says otherwise."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, Literal

import yaml
from msgspec import Struct, convert

from policies.rule import Rule
from policies.standard import Level, Standard, Version

DEFAULT = "recommended"
_FOLDER = Path(__file__).with_name("profiles")


class Action(IntEnum):
    """What a finding of a rule leads to."""

    OFF = 0
    AUDIT = 1
    WARN = 2
    DENY = 3

    def __str__(self) -> str:
        return self.name.lower()

    @classmethod
    def parse(cls, text: str) -> "Action":
        """`deny`, `warn`, `audit` or `off`. Raises ValueError."""
        try:
            return cls[text.upper()] if text.islower() else cls[""]
        except KeyError:
            raise ValueError(f'"{text}" is not an action: write deny, warn, audit or off') from None


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """A shipped profile.

    With `standard` it is that level of the Pod Security Standards, judged as upstream does. Otherwise a rule does what
    `rules` says of it, else what `levels` says of its level, else `default`; the few rules that are stricter at the
    restricted level are held against `level`. `classifier`: a risk over the model's thresholds is denied and warned of,
    only warned of, or only reported.
    """

    title: str
    description: str
    standard: str | None = None
    level: str = "baseline"
    levels: dict[str, str] = {}
    rules: dict[str, str] = {}
    default: str = "off"
    classifier: Literal["enforce", "warn", "report"] = "report"

    def yardstick(self, version: Version) -> Standard:
        """What pods are held against by the rules that upstream judges differently by level."""
        return Standard(Level[(self.standard or self.level).upper()], version)

    def actions(self, rules: Iterable[Rule], version: Version) -> dict[str, Action]:
        """The action of every rule that exists in this version, by id."""
        existing = [found for found in rules if found.since <= version]
        if self.standard is not None:
            return _as_upstream(existing, Level[self.standard.upper()])
        return {found.id: Action.parse(self._says(found)) for found in existing}

    def _says(self, found: Rule) -> str:
        by_level = self.levels.get(str(found.level)) if found.level is not None else None
        return self.rules.get(found.id) or by_level or self.default


def _as_upstream(rules: list[Rule], level: Level) -> dict[str, Action]:
    asked = [found for found in rules if found.level is not None and found.level <= level]
    # A restricted check stands in for the baseline checks it overrides (policy.NewEvaluator upstream). It matters:
    # some restricted checks let Windows pods do what the baseline check would refuse.
    replaced = {name for found in asked if found.level == level for name in found.replaces}
    return {found.id: Action.OFF if found.id in replaced else Action.DENY for found in asked}


def as_upstream(rules: Iterable[Rule], standard: Standard) -> frozenset[str]:
    """The rules by which upstream refuses a pod at this level, in this version."""
    existing = [found for found in rules if found.since <= standard.version]
    return frozenset(rule for rule, action in _as_upstream(existing, standard.level).items() if action is Action.DENY)


def names() -> list[str]:
    """The shipped profiles, sorted."""
    return sorted(file.stem for file in _FOLDER.glob("*.yaml"))


def load(name: str) -> Profile:
    """A shipped profile. Raises ValueError for a name that is none."""
    if name not in (known := names()):
        raise ValueError(f'"{name}" is not a profile: write one of {", ".join(known)}')
    text = (_FOLDER / f"{name}.yaml").read_text("utf-8")
    content: Mapping[str, Any] = yaml.load(text, Loader=yaml.CSafeLoader)
    return convert(content, Profile)
