"""What a rule is: one function over a read-only view that yields violations, and what is declared about it."""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any, NamedTuple

from msgspec import Struct

from policies import lists
from policies.lists import Table
from policies.path import Path
from policies.standard import FIRST, Level, Standard, Version


class Severity(IntEnum):
    """The damage when it is exploited."""

    INFO = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    def __str__(self) -> str:
        return self.name.lower()


class Confidence(StrEnum):
    """Whether a violation is a fact, or a guess that a person should confirm."""

    CERTAIN = "certain"
    HEURISTIC = "heuristic"


class Violation(Struct, frozen=True, gc=False):
    """Where a rule is broken, and how.

    The message continues a sentence that the path begins: `spec.hostNetwork` + `is true`.
    """

    path: Path
    message: str


class Put(NamedTuple):
    """Write this value (plain data) here, and whatever is missing above it."""

    path: Path
    value: Any


class Drop(NamedTuple):
    """Take this field or item away."""

    path: Path


#: One step of a fix. Paths begin where those of the rule's violations begin.
Edit = Put | Drop


class Options(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a policy may set of a rule: a subclass with fields that have defaults.

    Each is `Annotated[type, Meta(description=...)]`; the description is a sentence for docs/rules.md. `__post_init__`
    raises ValueError, with what to write instead, for values that cannot be.
    """


#: The function of a rule, once it is bound to what it was compiled for: a view to its violations.
Check = Callable[[Any], Iterator[Violation]]
#: The function that fixes a violation, bound alike: a view and the violation's path to edits.
Fixer = Callable[[Any, Path], Iterable[Edit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that a workload should not do.

    `level` and `since` say which Pod Security Standard asks for it and from which version on; `replaces` names the
    baseline rules that this one stands in for when a pod is held against the restricted level (upstream's
    OverrideCheckIDs). `refines` names rules of the standards that this one tells more exactly: where a namespace
    declares a level that does not ask for them, this one denies nothing either.
    """

    id: str
    category: str
    title: str
    severity: Severity
    confidence: Confidence
    level: Level | None
    since: Version
    replaces: tuple[str, ...]
    refines: tuple[str, ...]
    references: tuple[str, ...]
    remediation: str
    description: str
    aliases: tuple[str, ...]
    subject: type
    options: type[Options] | None
    function: Callable[..., Iterator[Violation]]
    fixer: Callable[..., Iterable[Edit]] | None

    def bind(self, standard: Standard, options: Options | None = None) -> Check:
        """The function for objects held against this standard, under these options."""
        return _bound(self.function, standard, options)

    def bind_fixer(self, standard: Standard, options: Options | None = None) -> Fixer | None:
        """The function that fixes, under the same options."""
        return None if self.fixer is None else _bound(self.fixer, standard, options)


def _bound(function: Callable[..., Any], standard: Standard, options: Options | None) -> Callable[..., Any]:
    """Parameters after the first get what their type asks for: a standard, options, or a list."""
    wanted: dict[str, Any] = {}
    for name, kind in list(_parameters(function).items())[1:]:
        if kind is Standard:
            wanted[name] = standard
        elif issubclass(kind, Options):
            wanted[name] = options if options is not None else kind()
        elif issubclass(kind, Table):
            wanted[name] = lists.load(kind)
    return partial(function, **wanted) if wanted else function


def _parameters(function: Callable[..., Any]) -> dict[str, Any]:
    return {name: kind for name, kind in inspect.get_annotations(function).items() if name != "return"}


def rule(
    *,
    title: str,
    severity: Severity,
    remediation: str,
    references: tuple[str, ...] = (),
    confidence: Confidence = Confidence.CERTAIN,
    level: Level | None = None,
    since: Version = FIRST,
    replaces: tuple[str, ...] = (),
    refines: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
    fix: Callable[..., Iterable[Edit]] | None = None,
) -> Callable[[Callable[..., Iterator[Violation]]], Rule]:
    """Make a Rule of a function.

    The function is named after the bad thing, in a module of the same name: that is the rule's id, in kebab-case. Its
    docstring says what an attacker gains and when the setting is legitimate. It yields Violations and decides nothing.

    The type of its first parameter says what it is about: a Pod (every pod inside whatever object), a Resource (every
    object), or a type of policies.objects. Further parameters are filled by their types: a Standard where upstream's
    judgement depends on it, a subclass of Options, a subclass of policies.lists.Table.
    `fix` takes the same view, the path of a violation, and options or lists as above; it yields Edits.
    """

    def declare(function: Callable[..., Iterator[Violation]]) -> Rule:
        parameters = _parameters(function)
        # A rule may have options for its fix alone.
        asked = [*parameters.values(), *(_parameters(fix).values() if fix is not None else ())]
        return Rule(
            id=function.__name__.replace("_", "-"),
            category=function.__module__.split(".")[-2],
            title=title,
            severity=severity,
            confidence=confidence,
            level=level,
            since=since,
            replaces=replaces,
            refines=refines,
            references=references,
            remediation=remediation,
            description=inspect.getdoc(function) or "",
            aliases=aliases,
            subject=next(iter(parameters.values())),
            options=next((kind for kind in asked if issubclass(kind, Options)), None),
            function=function,
            fixer=fix,
        )

    return declare
