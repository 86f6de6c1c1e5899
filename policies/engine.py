"""Judge an object: run the rules that are in force over every pod inside it."""

from collections.abc import Iterable

from msgspec import Struct

from policies.path import Path
from policies.resource import Resource
from policies.rule import Rule
from policies.standard import Standard


class Finding(Struct, frozen=True):
    """A violation of a rule in an object.

    `path` starts at the object's root; `message` continues the sentence that the path begins. `value` is what stands at
    the path, as JSON, where somebody needs it: it tells two findings apart whose messages are the same.
    """

    rule: Rule
    path: Path
    message: str
    value: bytes = b""


class Evaluation(Struct, frozen=True):
    """All that was found in an object, in the order of the rules' ids and then of the object."""

    findings: tuple[Finding, ...]


NOTHING = Evaluation(())
#: Of one rule in one object: an object of 3 MiB can break a rule a million times, and nobody reads on.
MAX_FINDINGS = 1_000


class Engine:
    """The rules in force, compiled once for the standard that pods are held against.

    Safe to share between threads: it keeps nothing of what it judges.
    """

    __slots__ = ("_plan", "standard")

    def __init__(self, rules: Iterable[Rule], standard: Standard) -> None:
        self.standard = standard
        self._plan = tuple((found, found.bind(standard)) for found in sorted(rules, key=lambda found: found.id))

    def evaluate(self, resource: Resource) -> Evaluation:
        """Run every rule over every pod. One rule finds at most MAX_FINDINGS things in an object, and says so."""
        findings: list[Finding] = []
        for rule, check in self._plan:
            end = len(findings) + MAX_FINDINGS
            for found in resource.pods:
                for violation in check(found.pod):
                    if len(findings) == end:
                        findings[-1] = _last_of_many(findings[-1])
                        break
                    findings.append(Finding(rule, found.path(violation.path), violation.message))
                else:
                    continue
                break
        return Evaluation(tuple(findings)) if findings else NOTHING


def _last_of_many(finding: Finding) -> Finding:
    return Finding(finding.rule, finding.path, f"{finding.message}; there are more, which are not listed")
