"""Profiles: what every rule does."""

import pytest

from policies import profile, registry
from policies.profile import Action, Profile
from policies.standard import LATEST, Level, Standard, Version

RULES = registry.load()


def in_force(name: str, version: Version = LATEST) -> set[str]:
    """The rules that a profile denies by."""
    return {rule for rule, action in profile.load(name).actions(RULES, version).items() if action is Action.DENY}


def test_names_are_sorted() -> None:
    names = profile.names()
    assert names == sorted(names)
    assert {"all", "pss-baseline", "pss-restricted", "recommended"} <= set(names)


@pytest.mark.parametrize("name", profile.names())
def test_every_profile_says_what_it_is_and_judges_every_version(name: str) -> None:
    found = profile.load(name)
    assert found.title
    assert found.description.endswith(".")
    assert set(found.rules) <= set(registry.by_name())
    for minor in range(LATEST.minor + 1):
        assert found.actions(RULES, Version(1, minor))


@pytest.mark.parametrize("name", ["", "strict", "../pss-baseline", "PSS-baseline"])
def test_a_name_that_is_none(name: str) -> None:
    with pytest.raises(ValueError, match=r"is not a profile: write one of all, .*pss-baseline") as caught:
        profile.load(name)
    assert str(caught.value).startswith(f'"{name}" ')


class TestAction:
    @pytest.mark.parametrize("action", list(Action))
    def test_is_read_as_it_is_written(self, action: Action) -> None:
        assert Action.parse(str(action)) is action

    @pytest.mark.parametrize("text", ["", "block", "Deny", "DENY", "3"])
    def test_is_nothing_else(self, text: str) -> None:
        with pytest.raises(ValueError, match="is not an action: write deny, warn, audit or off"):
            Action.parse(text)

    def test_worse_is_more(self) -> None:
        assert Action.OFF < Action.AUDIT < Action.WARN < Action.DENY


class TestStandards:
    def test_baseline_is_the_rules_of_its_level(self) -> None:
        assert in_force("pss-baseline") == {rule.id for rule in RULES if rule.level is Level.BASELINE}

    def test_restricted_is_all_but_what_is_replaced(self) -> None:
        levelled = {rule.id for rule in RULES if rule.level is not None}
        assert in_force("pss-restricted") == levelled - {"capabilities-added", "host-path", "seccomp-unconfined"}

    def test_a_rule_that_does_not_exist_yet_replaces_nothing(self) -> None:
        old = in_force("pss-restricted", Version(1, 18))
        assert {"capabilities-added", "seccomp-unconfined"} <= old
        assert not {"capabilities-added-strict", "seccomp-unset", "host-probe", "host-path"} & old

    @pytest.mark.parametrize(
        ("name", "level"),
        [
            ("all", Level.RESTRICTED),
            ("pss-baseline", Level.BASELINE),
            ("pss-restricted", Level.RESTRICTED),
            ("recommended", Level.BASELINE),
        ],
    )
    def test_yardstick(self, name: str, level: Level) -> None:
        assert profile.load(name).yardstick(Version(1, 30)) == Standard(level, Version(1, 30))


def test_recommended_denies_the_baseline_and_warns_of_the_rest() -> None:
    actions = profile.load("recommended").actions(RULES, LATEST)
    assert actions["privileged"] is Action.DENY
    assert actions["run-as-non-root-missing"] is Action.WARN


def test_all_warns_of_every_rule() -> None:
    assert profile.load("all").actions(RULES, LATEST) == {rule.id: Action.WARN for rule in RULES}


def test_a_rule_s_name_wins_over_its_level_and_that_over_the_default() -> None:
    own = Profile("", "", levels={"baseline": "warn"}, rules={"privileged": "deny"}, default="audit")
    actions = own.actions(RULES, LATEST)
    assert actions["privileged"] is Action.DENY
    assert actions["host-pid"] is Action.WARN
    assert actions["seccomp-unset"] is Action.AUDIT
