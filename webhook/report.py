"""What came of judging manifests: the one thing that every output format knows."""

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from enum import IntEnum, StrEnum
from functools import cached_property
from typing import Any

import msgspec
from msgspec import Struct

from policies.decision import Decision, Reason, Verdict
from policies.path import render
from policies.profile import Action
from policies.rule import Severity


class ExitCode(IntEnum):
    """What the program's exit code says. BUG: a mistake in Podgate itself."""

    ALLOWED = 0
    DENIED = 1
    BAD_INPUT = 2
    BUG = 3


class Source(Struct, frozen=True):
    """Where something was read: documents are counted from 1, without the empty ones, and so are lines."""

    file: str
    document: int
    line: int


class ObjectRef(Struct, frozen=True, rename="camel"):
    """Which object it is, in its own words; what it does not say is empty."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def group(self) -> str:
        """The API group; that of the core is empty."""
        return self.api_version.rpartition("/")[0]

    def __str__(self) -> str:
        """As kubectl writes it: `deployment.apps/web (namespace shop)`. It may hold any character."""
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        namespace = f" (namespace {self.namespace})" if self.namespace else ""
        return f"{kind.lower()}/{self.name or '(no name)'}{namespace}"


class Replacement(Struct, frozen=True):
    """A region of a file, and what to write there instead. Counted from 1, in characters; the end is not part of it."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fixes(StrEnum):
    """What a report tells of fixes: nothing, patches of the objects, or also the text to write into the files."""

    NONE = "none"
    PATCH = "patch"
    TEXT = "text"


class Fix(Struct, frozen=True):
    """How to get rid of a finding: as operations on the object (RFC 6902), and as text to write into its file."""

    patch: tuple[dict[str, Any], ...]
    replacements: tuple[Replacement, ...]


class Located(Struct, frozen=True):
    """A finding, what it leads to, and where it is written: of a missing field, where what is nearest above it is.

    `fix` is None where nothing can be derived that is sure to be right.
    """

    reason: Reason
    line: int
    column: int
    fix: Fix | None = None

    @property
    def message(self) -> str:
        """What is wrong, in a sentence that begins with the path and has no full stop. It may hold any character."""
        finding = self.reason.finding
        return f"{render(finding.path)} {finding.message}"


class Telling(Struct, frozen=True):
    """Which findings a report tells of: those that are severe enough; and what is only `recorded`, or not.

    What an override lifted is not only recorded.
    """

    least: Severity = Severity.INFO
    recorded: bool = True

    def __call__(self, reason: Reason) -> bool:
        told = self.recorded or reason.action > Action.AUDIT or reason.override is not None
        return told and reason.finding.rule.severity >= self.least


#: Every finding.
ALL = Telling()


class Result(Struct, frozen=True):
    """An object that was judged; its findings are sorted worst first."""

    object: ObjectRef
    source: Source
    decision: Decision
    findings: tuple[Located, ...] = ()


class ReportError(Struct, frozen=True):
    """Something that could not be judged: a file, or a document in one."""

    file: str
    document: int | None
    line: int | None
    message: str


class PolicyRef(Struct, frozen=True):
    """The policy that was applied."""

    name: str
    hash: str


class ModelRef(Struct, frozen=True):
    """The model of the classifier."""

    version: str
    checksum: str


class Summary(Struct, frozen=True):
    """Counts. `findings` are by severity, worst first; `hidden` were left out, as nobody asked for them."""

    objects: int
    allowed: int
    warned: int
    denied: int
    findings: Mapping[str, int]
    hidden: int
    errors: int
    ignored: int

    @property
    def verdicts(self) -> dict[str, int]:
        """What became of the objects, worst first, without what did not occur."""
        words = {"denied": self.denied, "warned": self.warned, "allowed": self.allowed, "not judged": self.errors}
        return {word: count for word, count in words.items() if count}


class Report(Struct, frozen=True, dict=True):
    """Everything, in the order of the input. `ignored`: documents of folders that are not meant for Kubernetes."""

    policy: PolicyRef
    results: tuple[Result, ...] = ()
    errors: tuple[ReportError, ...] = ()
    ignored: tuple[Source, ...] = ()
    hidden: int = 0
    model: ModelRef | None = None

    @property
    def exit_code(self) -> ExitCode:
        """What could not be judged weighs more than what was denied."""
        if self.errors:
            return ExitCode.BAD_INPUT
        denied = any(result.decision.verdict is Verdict.DENY for result in self.results)
        return ExitCode.DENIED if denied else ExitCode.ALLOWED

    @cached_property
    def summary(self) -> Summary:
        verdicts = Counter(result.decision.verdict for result in self.results)
        severities = Counter(found.reason.finding.rule.severity for result in self.results for found in result.findings)
        return Summary(
            objects=len(self.results),
            allowed=verdicts[Verdict.ALLOW],
            warned=verdicts[Verdict.WARN],
            denied=verdicts[Verdict.DENY],
            findings={str(severity): severities[severity] for severity in sorted(Severity, reverse=True)},
            hidden=self.hidden,
            errors=len(self.errors),
            ignored=len(self.ignored),
        )

    def worst_first(self) -> list[tuple[Result, Located]]:
        """Every finding with its object: what is denied comes first, and then what is more severe."""
        found = [(result, located) for result in self.results for located in result.findings]
        return sorted(found, key=lambda pair: _badness(pair[1].reason), reverse=True)


def _badness(reason: Reason) -> tuple[int, int]:
    return reason.action, reason.finding.rule.severity


_INSTALLED = re.compile(r"podgate-([^-]+)\.dist-info")


def version() -> str:
    """The installed version of Podgate; `unknown` when it runs from a source tree that was never installed."""
    beside = os.listdir(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120, PTH208 - pathlib costs more than that
    installed = [match[1] for name in beside if (match := _INSTALLED.fullmatch(name))]
    if len(installed) == 1:
        return installed[0]
    from importlib import metadata  # noqa: PLC0415 - takes as long as judging a file, and is seldom needed

    try:
        return metadata.version("podgate")
    except metadata.PackageNotFoundError:
        return "unknown"


def counted(count: int, one: str, many: str) -> str:
    """`1 object`, `2,000 objects`."""
    return f"{count:,} {one if count == 1 else many}"


def printable(text: str, most: int | None = None) -> str:
    """Text of a manifest, safe for a terminal and a log: what would move the cursor or the eye is written out.

    What is longer than `most` characters then is cut, and ends in three dots.
    """
    if most is not None:
        shown = printable(text[: most + 1])
        return shown if len(shown) <= most else shown[:most] + "..."
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def as_json(content: Any) -> str:
    """Indented JSON, always the same for the same content, and safe for a terminal."""
    try:
        text = msgspec.json.format(msgspec.json.encode(content), indent=2).decode()
    except UnicodeEncodeError:
        # Half a character cannot be encoded; JSON can write it all the same.
        text = json.dumps(msgspec.to_builtins(content), indent=2)
    return _INVISIBLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text) + "\n"


# JSON need not escape these, but a terminal may obey them. They occur nowhere but in strings.
_INVISIBLE = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def _escaped(char: str) -> Any:
    return char.encode("unicode_escape", "surrogatepass").decode("ascii")
