"""What a role grants is read as the API server's authorizer reads it, and a little more kindly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.objects import Binding, PolicyRule, RBACSubject, Role, RoleRef
from policies.rbac import Access, bound, role_of, wildcards
from policies.rule import Violation

EXEC = Access("create get", {"": "pods/exec pods/attach"}, by_name=False)
EVENTS = Access("delete", {"": "events", "events.k8s.io": "events"}, by_star=False)


def rule(
    groups: str | None, resources: str | None, verbs: str | None, names: tuple[str, ...] | None = None
) -> PolicyRule:
    """A rule of words that stand apart; `-` is the empty word."""
    split = [None if words is None else tuple(word.strip("-") for word in words.split()) for words in (verbs, groups)]
    return PolicyRule(split[0], split[1], None if resources is None else tuple(resources.split()), names)


@pytest.mark.parametrize(
    ("each", "text"),
    [
        (rule("-", "pods/exec", "create"), "create on pods/exec"),
        (rule("apps -", "pods pods/attach pods/exec", "list get create"), "get, create on pods/attach, pods/exec"),
        (rule("*", "pods/exec", "*"), "* on pods/exec"),
        (rule("-", "*/exec", "get"), "get on */exec"),
        (rule("-", "pods/*", "get"), "get on pods/*"),
        (rule("-", "*/*", "get"), "get on */*"),
        (rule("-", "*", "list get create"), "get, create on every resource"),
        (rule("-", "*", "*"), "* on every resource"),
        (rule("-", "*", "list"), ""),
        (rule("-", "pods */scale", "create"), ""),
        (rule("apps", "pods/exec", "create"), ""),
        (rule("-", "pods/exec", "list"), ""),
        (rule(None, "pods/exec", "create"), ""),
        (rule("-", None, "create"), ""),
        (rule("-", "pods/exec", None), ""),
        (rule("", "pods/exec", "create"), ""),
        (rule("-", "pods/exec", "create", ("web-0",)), ""),
        (rule("-", "pods/exec", "create", ()), "create on pods/exec"),
        (PolicyRule((None, "get"), (None, ""), (None, "pods/exec")), "get on pods/exec"),
    ],
)
def test_what_a_rule_grants(each: PolicyRule, text: str) -> None:
    assert EXEC.granted(each) == text


def test_every_resource_does_not_count_where_it_is_told_elsewhere() -> None:
    assert EVENTS.granted(rule("*", "*", "*")) == ""
    assert EVENTS.granted(rule("*", "events", "*")) == "* on events"
    assert EVENTS.granted(rule("events.k8s.io", "events", "delete", ("one",))) == "delete on events"


def test_every_rule_of_a_role_that_grants_it_is_told_at_its_place() -> None:
    granted = rule("-", "pods/exec", "get")
    role = Role(rules=(None, granted, rule("-", "pods", "get"), granted))
    assert list(EXEC.violations(role)) == [Violation(("rules", index), "grants get on pods/exec") for index in (1, 3)]
    assert list(EXEC.violations(Role())) == []


def test_only_a_few_words_are_named() -> None:
    many = Access("a b c d", {"": "p q r s"})
    assert many.granted(rule("-", "p q r s", "a b c d")) == "a, b, c on p, q, r"


def test_stars_are_told_at_their_places() -> None:
    role = Role(rules=(None, rule("-", "pods * */scale pods/*", "get *"), PolicyRule((None,))))
    assert list(wildcards(role, "verbs")) == [Violation(("rules", 1, "verbs", 1), "is *")]
    assert [found.path[2:] for found in wildcards(role, "resources")] == [("resources", 1), ("resources", 3)]


def test_users_and_groups_are_bound_by_their_names_and_service_accounts_are_not() -> None:
    subjects = [RBACSubject(kind, name="everybody") for kind in ("User", "ServiceAccount", "Group", None)]
    binding = Binding(role_ref=RoleRef(name="view"), subjects=(None, *subjects))
    found = list(bound(binding, frozenset({"everybody"})))
    assert found == [Violation(("subjects", index, "name"), "is everybody, which is given view") for index in (1, 3, 4)]
    assert list(bound(Binding(), frozenset({"everybody"}))) == []


def test_a_binding_is_named_by_its_role() -> None:
    assert role_of(Binding(role_ref=RoleRef(name="view"))) == "view"
    assert role_of(Binding()) == "an empty role"


words = st.lists(st.sampled_from(["", "*", "get", "create", "pods", "pods/exec", "*/exec", "apps", None]), max_size=4)


@given(words, words, words)
def test_more_words_never_grant_less(verbs: list[str | None], groups: list[str | None], more: list[str | None]) -> None:
    less = PolicyRule(tuple(verbs), tuple(groups), ("pods/exec",))
    wider = PolicyRule((*verbs, *more), (*groups, *more), ("pods/exec", *more))
    assert bool(EXEC.granted(less)) <= bool(EXEC.granted(wider))
