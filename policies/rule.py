"""What a rule is: one function over a read-only view that yields violations, and what is declared about it."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from functools import partial
from typing import Any, NamedTuple, Protocol

from policies.path import Path
from policies.pod import Pod
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


class Violation(NamedTuple):
    """Where a rule is broken, and how.

    The message continues a sentence that the path begins: `spec.hostNetwork` + `is true`.
    """

    path: Path
    message: str


class Check(Protocol):
    """The function of a rule, once the engine has bound what it was compiled for."""

    def __call__(self, pod: Pod, /) -> Iterator[Violation]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One thing that a workload should not do.

    `level` and `since` say which Pod Security Standard asks for it and from which version on; `replaces` names the
    baseline rules that this one stands in for when a pod is held against the restricted level (upstream's
    OverrideCheckIDs).
    """

    id: str
    category: str
    title: str
    severity: Severity
    confidence: Confidence
    level: Level | None
    since: Version
    replaces: tuple[str, ...]
    references: tuple[str, ...]
    remediation: str
    description: str
    aliases: tuple[str, ...]
    function: Callable[..., Iterator[Violation]]
    versioned: bool

    def bind(self, standard: Standard) -> Check:
        """The function for pods held against this standard."""
        return partial(self.function, standard=standard) if self.versioned else self.function


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
    aliases: tuple[str, ...] = (),
) -> Callable[[Callable[..., Iterator[Violation]]], Rule]:
    """Make a Rule of a function.

    The function is named after the bad thing, in a module of the same name: that is the rule's id, in kebab-case. Its
    docstring says what an attacker gains and when the setting is legitimate. It takes a Pod and, where upstream's
    judgement depends on it, a Standard; it yields Violations and decides nothing.
    """

    def declare(function: Callable[..., Iterator[Violation]]) -> Rule:
        return Rule(
            id=function.__name__.replace("_", "-"),
            category=function.__module__.split(".")[-2],
            title=title,
            severity=severity,
            confidence=confidence,
            level=level,
            since=since,
            replaces=replaces,
            references=references,
            remediation=remediation,
            description=inspect.getdoc(function) or "",
            aliases=aliases,
            function=function,
            versioned=_takes_standard(function),
        )

    return declare


def _takes_standard(function: Callable[..., Any]) -> bool:
    return function.__code__.co_argcount == 2
