"""What a role grants: which of its rules allow some verb on some resource, as the API server's authorizer reads them.

Source: k8s.io/kubernetes/pkg/apis/rbac/v1/evaluation_helpers.go. A group, verb or resource may be `*`, and `*/scale`
is the subresource scale of everything. `pods/*` and `*/*` match nothing there; they are read here as they are meant,
because somebody will correct them.
"""

from collections.abc import Iterator, Mapping
from itertools import islice

from policies.api import Strings
from policies.objects import Binding, PolicyRule, RBACSubject, Role
from policies.pod import shown
from policies.rule import Violation

ANY = "*"
#: Of the verbs and resources of one rule, so many are named in a message.
_NAMED = 3
#: The groups in which a resource can be; the core group is empty.
CORE = ""
RBAC = "rbac.authorization.k8s.io"


class Access:
    """Verbs on resources, looked for in roles.

    `resources` are words by API group. `by_name`: rules that are limited to resourceNames count. `by_star`: rules that
    allow every resource count; where they do not, rbac-wildcard-resources says enough.
    """

    __slots__ = ("_by_name", "_by_star", "_resources", "_verbs")

    def __init__(self, verbs: str, resources: Mapping[str, str], *, by_name: bool = True, by_star: bool = True) -> None:
        self._verbs = frozenset(verbs.split()) | {ANY}
        self._resources = {group: _spellings(words.split()) for group, words in resources.items()}
        self._by_name = by_name
        self._by_star = by_star

    def violations(self, role: Role) -> Iterator[Violation]:
        """One for each rule of the role that grants it."""
        for index, rule in enumerate(role.rules or ()):
            if rule is not None and (text := self.granted(rule)):
                yield Violation(("rules", index), f"grants {text}")

    def granted(self, rule: PolicyRule) -> str:
        """What of it this rule grants, in words; empty where it grants none of it."""
        if rule.resource_names and not self._by_name:
            return ""
        verbs = _among(rule.verbs, self._verbs)
        groups = [wanted for group, wanted in self._resources.items() if verbs and _has(rule.api_groups, group)]
        for wanted in groups:
            if resources := _among(rule.resources, wanted):
                return f"{verbs} on {resources}"
        return f"{verbs} on every resource" if groups and self._by_star and _has(rule.resources, ANY) else ""


def _spellings(resources: list[str]) -> frozenset[str]:
    """Every way to write these resources in a rule, but the star."""
    found = set(resources)
    for resource in resources:
        above, slash, below = resource.partition("/")
        if slash:
            found |= {f"*/{below}", f"{above}/*", "*/*"}
    return frozenset(found)


def _has(words: Strings | None, wanted: str) -> bool:
    return words is not None and (wanted in words or ANY in words)


def _among(words: Strings | None, wanted: frozenset[str]) -> str:
    """The first few of these words that are wanted, as messages show them; empty where none is."""
    # Most words of most roles are not, and this finds it out at once.
    if not words or wanted.isdisjoint(words):
        return ""
    return ", ".join(islice((shown(word) for word in words if word in wanted), _NAMED))


def wildcards(role: Role, field: str) -> Iterator[Violation]:
    """Every star in this list, `verbs` or `resources`, of a role's rules. `*/scale` is none: it says what it grants."""
    for index, rule in enumerate(role.rules or ()):
        words = (rule.verbs if field == "verbs" else rule.resources) if rule is not None else None
        for position, word in enumerate(words or ()):
            if word == ANY or (word is not None and word.endswith("/*")):
                yield Violation(("rules", index, field, position), f"is {shown(word)}")


def subjects(binding: Binding) -> Iterator[tuple[int, RBACSubject]]:
    """Who is bound, with the position in the list."""
    for index, subject in enumerate(binding.subjects or ()):
        if subject is not None:
            yield index, subject


def bound(binding: Binding, names: frozenset[str]) -> Iterator[Violation]:
    """Every user or group of one of these names that is bound. A service account's name is a word of its namespace."""
    for index, subject in subjects(binding):
        if subject.name in names and subject.kind != "ServiceAccount":
            yield Violation(("subjects", index, "name"), f"is {subject.name}, which is given {role_of(binding)}")


def role_of(binding: Binding) -> str:
    """How messages name what a binding gives."""
    return shown(binding.role_ref.name) if binding.role_ref is not None else "an empty role"
