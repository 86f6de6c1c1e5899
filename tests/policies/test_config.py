"""GatePolicy: what may be written, and what it means."""

import re

import pytest

from policies import config, registry
from policies.config import Mode, PolicyError, of_profile, parse
from policies.profile import Action
from policies.standard import LATEST, Level, Standard, Version

HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\n"


def spec(text: str) -> str:
    """A policy with this spec."""
    return f"{HEAD}spec: {text}\n"


def refused(text: str) -> str:
    """Why a policy cannot be used."""
    with pytest.raises(PolicyError) as caught:
        parse(text)
    return str(caught.value)


class TestMeaning:
    def test_of_a_policy_that_says_nothing(self) -> None:
        policy = parse(HEAD)
        assert (policy.name, policy.mode, policy.profile) == ("default", Mode.ENFORCE, "recommended")
        assert policy.judge_whole_updates is False
        assert policy.engine.standard == Standard(Level.BASELINE, LATEST)
        assert policy.actions["privileged"] is Action.DENY

    def test_of_everything_that_can_be_said(self) -> None:
        policy = parse(
            f"""{HEAD}
metadata: {{name: strict, labels: {{team: platform}}}}
spec:
  mode: warn
  profile: pss-restricted
  pssVersion: v1.20
  updates: all
  rules:
    host-port: {{action: audit}}
    privileged: {{action: off}}
    host-path: {{action: warn}}
"""
        )
        assert (policy.name, policy.mode, policy.profile) == ("strict", Mode.WARN, "pss-restricted")
        assert policy.judge_whole_updates is True
        assert policy.engine.standard == Standard(Level.RESTRICTED, Version(1, 20))
        assert policy.actions["host-port"] is Action.AUDIT
        assert policy.actions["privileged"] is Action.OFF
        assert policy.actions["host-path"] is Action.WARN
        assert policy.actions["host-pid"] is Action.DENY
        assert "host-probe" not in policy.actions

    def test_only_rules_that_do_something_are_run(self) -> None:
        policy = parse(spec("{profile: pss-restricted, rules: {host-path: {action: audit}, sysctls: {action: off}}}"))
        run = {rule.id for rule in policy.engine.rules}
        assert run == {rule for rule, action in policy.actions.items() if action is not Action.OFF}
        assert "host-path" in run
        assert not run & {"sysctls", "capabilities-added"}

    @pytest.mark.parametrize("mode", list(Mode))
    def test_every_mode(self, mode: Mode) -> None:
        assert parse(spec(f"{{mode: {mode}}}")).mode is mode

    @pytest.mark.parametrize("action", ["deny", "warn", "audit", "off"])
    def test_every_action_for_every_rule(self, action: str) -> None:
        rules = ", ".join(f"{rule.id}: {{action: {action}}}" for rule in registry.load())
        policy = parse(spec(f"{{rules: {{{rules}}}}}"))
        assert set(policy.actions.values()) == {Action.parse(action)}

    def test_a_version_that_is_newer_than_the_rules_is_the_newest(self) -> None:
        assert parse(spec("{pssVersion: v1.999}")).engine.standard.version == LATEST

    def test_of_a_profile(self) -> None:
        policy = of_profile("pss-baseline", "v1.30")
        assert (policy.name, policy.profile, policy.mode) == ("pss-baseline", "pss-baseline", Mode.ENFORCE)
        assert policy.engine.standard == Standard(Level.BASELINE, Version(1, 30))
        assert of_profile().profile == "recommended"


class TestHash:
    def test_is_that_of_what_is_said_and_not_of_how_it_is_written(self) -> None:
        block = f"# a comment\n{HEAD}spec:\n  profile: pss-baseline\n  rules:\n    host-pid:\n      action: 'warn'\n"
        flow = '{"spec": {"rules": {"host-pid": {"action": "warn"}}, "profile": "pss-baseline", "mode": "enforce"}, '
        flow += '"kind": "GatePolicy", "apiVersion": "podgate.dev/v1alpha1"}'
        assert parse(block).hash == parse(flow).hash

    def test_changes_with_what_is_said(self) -> None:
        said = ["{}", "{mode: audit}", "{pssVersion: v1.30}", "{updates: all}", "{rules: {host-pid: {action: warn}}}"]
        assert len({parse(spec(text)).hash for text in said}) == len(said)

    def test_is_short_and_printable(self) -> None:
        assert re.fullmatch("[0-9a-f]{12}", of_profile().hash)

    def test_of_a_profile_is_that_of_the_file_that_says_the_same(self) -> None:
        text = f"{HEAD}metadata: {{name: pss-baseline}}\nspec: {{profile: pss-baseline}}\n"
        assert of_profile("pss-baseline").hash == parse(text).hash


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (spec("{colour: red}"), "the policy is not a GatePolicy: Object contains unknown field `colour` - at `$.spec`"),
        (f"{HEAD}status: {{}}", "the policy is not a GatePolicy: Object contains unknown field `status`"),
        (
            spec("{rules: {host-path: {action: deny, severity: low}}}"),
            "the policy is not a GatePolicy: Object contains unknown field `severity` - at `$.spec.rules[...]`",
        ),
        (
            spec("{rules: {host-paths: {action: deny}}}"),
            'spec.rules names "host-paths", which is not a rule: did you mean host-path?',
        ),
        (
            spec("{rules: {zzz: {action: deny}}}"),
            'spec.rules names "zzz", which is not a rule; `podgate rules` lists them',
        ),
        (
            spec("{rules: {host-path: {action: block}}}"),
            "the policy is not a GatePolicy: Invalid enum value 'block' - at `$.spec.rules[...].action`",
        ),
        (spec("{mode: dryrun}"), "the policy is not a GatePolicy: Invalid enum value 'dryrun' - at `$.spec.mode`"),
        (spec("{updates: none}"), "the policy is not a GatePolicy: Invalid enum value 'none' - at `$.spec.updates`"),
        (
            spec("{pssVersion: 1.29}"),
            "the policy is not a GatePolicy: Expected `str`, got `float` - at `$.spec.pssVersion`",
        ),
        (spec("{pssVersion: '1.29'}"), '"1.29" is not a version: write v1.N, as in v1.37, or latest'),
        (spec("null"), "the policy is not a GatePolicy: Expected `object`, got `null` - at `$.spec`"),
        ("", "the policy is not a GatePolicy: Expected `object`, got `null`"),
        ("- a", "the policy is not a GatePolicy: Expected `object`, got `array`"),
        ("kind: GatePolicy", "the policy is not a GatePolicy: Object missing required field `apiVersion`"),
        (
            "apiVersion: podgate.dev/v1\nkind: GatePolicy",
            "the policy is not a GatePolicy: Invalid enum value 'podgate.dev/v1' - at `$.apiVersion`",
        ),
        ("a" * (config.MAX_BYTES + 1), "the policy is larger than 1048576 bytes"),
        ("[" * 100_000, "the policy is nested deeper than 20 levels"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_what_is_refused(text: str, problem: str) -> None:
    assert refused(text) == problem


def test_a_profile_that_is_none() -> None:
    known = r"all, .*pss-baseline, pss-restricted, recommended"
    assert re.fullmatch(f'"strict" is not a profile: write one of {known}', refused(spec("{profile: strict}")))


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "a: b: c",
        "a\x00b",
        "a: '\ud800'",
        "--- {}\n--- {}",
        "? {a: 1}\n: b",
        "a: !!python/name:os.system",
        f"a: {'9' * 5000}",
        "a: !!timestamp 2020-13-45",
        "a: !!int x",
        "a: {b: 1, b: 2}",
    ],
)
def test_what_is_not_yaml(text: str) -> None:
    assert refused(text).startswith("the policy is not YAML: ")


@pytest.mark.parametrize("word", ["off", "no", "yes", "on", "y", "2020-01-01"])
def test_words_stay_words(word: str) -> None:
    assert parse(f"{HEAD}metadata: {{name: {word}}}").name == word
