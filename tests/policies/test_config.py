"""GatePolicy: what may be written, and what it means."""

import re
from itertools import pairwise

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


FIELDS = "mode, profile, pssVersion, rules, classifier, namespaces, exclusions, overrides or updates"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (spec("{colour: red}"), f"3: spec.colour is not known here: write {FIELDS}"),
        (spec("{mod: warn}"), "3: spec.mod is not known here: did you mean mode?"),
        (f"{HEAD}status: {{}}", "3: status is not known here: write apiVersion, kind, metadata or spec"),
        (
            spec("\n  rules:\n    host-path: {action: deny}\n    sysctls:\n      action: deny\n      severity: low"),
            "8: spec.rules.sysctls.severity is not known here: write action or options",
        ),
        (
            spec("{rules: {host-path: deny}}"),
            "3: spec.rules.host-path must be a mapping, not a string: write {action: deny}",
        ),
        (
            spec("\n  rules:\n    privileged: {action: deny}\n    host-paht: {action: deny}"),
            "6: spec.rules.host-paht is not a rule: did you mean host-path?",
        ),
        (spec("{rules: {zzz: {action: deny}}}"), "3: spec.rules.zzz is not a rule; `podgate rules` lists them"),
        (
            spec("{rules: {sysctls: {action: warn}, host-path: {action: block}}}"),
            '3: spec.rules.host-path.action is "block": write audit, deny, off or warn',
        ),
        (
            spec("\n  namespaces:\n  - names: [a]\n    rules:\n      sysctls: {}\n      host-path: {actio: warn}"),
            "8: spec.namespaces[0].rules.host-path.actio is not known here: did you mean action?",
        ),
        (
            spec("\n  namespaces:\n  - names: [a]\n    rules: {sysctl: {}}"),
            "6: spec.namespaces[0].rules.sysctl is not a rule: did you mean sysctls?",
        ),
        (spec("\n  namespaces:\n  - mode: warn"), "5: spec.namespaces[0] needs either names or a selector"),
        (spec("{mode: dryrun}"), '3: spec.mode is "dryrun": write enforce, warn or audit'),
        (spec("{mode: 3}"), "3: spec.mode is 3: write enforce, warn or audit"),
        (spec("{mode: enfroce}"), '3: spec.mode is "enfroce": did you mean enforce?'),
        (spec("{updates: none}"), '3: spec.updates is "none": write all or worse'),
        (spec("{pssVersion: 1.29}"), "3: spec.pssVersion must be a string, not a number: put it in quotes"),
        (
            spec("{pssVersion: '1.29'}"),
            '3: spec.pssVersion: "1.29" is not a version: write v1.N, as in v1.37, or latest',
        ),
        (spec("null"), "3: spec must be a mapping, not null: leave it out, or write what is in it"),
        (spec("\n  rules:\n"), "4: spec.rules must be a mapping, not null: leave it out, or write what is in it"),
        (spec("{namespaces: {a: 1}}"), "3: spec.namespaces must be a list, not a mapping"),
        (
            spec("\n  overrides:\n    neverFor:\n    - privileged\n    - docker-sock"),
            '7: spec.overrides.neverFor[1]: "docker-sock" is not a rule: did you mean docker-socket?',
        ),
        (
            spec("{overrides: {neverFor: privileged}}"),
            "3: spec.overrides.neverFor must be a list, not a string: write [privileged]",
        ),
        (spec("{overrides: {maxDays: 0}}"), "3: spec.overrides.maxDays must be at least 1"),
        (
            spec("{classifier: {warnAt: 50}}"),
            "3: spec.classifier.warnAt is 50.0: write a probability between 0 and 1, or null for never",
        ),
        (spec("{classifier: {warnAt: high}}"), "3: spec.classifier.warnAt must be a number, not a string"),
        (
            spec("{classifier: {denyAt: 0.5, warnAt: 0.9}}"),
            "3: spec.classifier.warnAt is above denyAt (0.5): what is denied is not warned of; write less, or null",
        ),
        (
            spec("\n  rules:\n    host-path:\n      options: {allow: [x]}"),
            "6: spec.rules.host-path.options cannot be: this rule takes no options; leave them out",
        ),
        (
            spec("\n  rules:\n    image-registry:\n      options:\n        alow: [x]"),
            "7: spec.rules.image-registry.options.alow is not known here: did you mean allow?",
        ),
        (
            spec("{rules: {run-as-low-uid: {options: {min: 0}}}}"),
            "3: spec.rules.run-as-low-uid.options.min must be at least 1",
        ),
        (
            spec("{rules: {image-pull-policy: {options: {images: some}}}}"),
            '3: spec.rules.image-pull-policy.options.images is "some": write all, moving or tagged',
        ),
        (
            "\n# nothing\n",
            "1: the policy is empty: it begins with apiVersion: podgate.dev/v1alpha1 and kind: GatePolicy",
        ),
        ("\n- a", "2: the policy must be a mapping, not a list: its fields are apiVersion, kind, metadata, spec"),
        ("kind: GatePolicy", "1: apiVersion is missing: write apiVersion: podgate.dev/v1alpha1"),
        (
            "apiVersion: podgate.dev/v1\nkind: GatePolicy",
            '1: apiVersion is "podgate.dev/v1": did you mean podgate.dev/v1alpha1?',
        ),
        ("a" * (config.MAX_BYTES + 1), " the policy is larger than 1048576 bytes"),
        ("[" * 100_000, "1: the policy is nested deeper than 20 levels"),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else None,
)
def test_what_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert caught.value.told("policy.yaml") == f"policy.yaml:{problem}"


def test_a_policy_at_the_limits_is_read_and_one_over_them_is_not() -> None:
    """Each is refused for what it says, once it is read."""
    least = f"{HEAD}#"
    parse(least.ljust(config.MAX_BYTES, "x"))
    assert refused(least.ljust(config.MAX_BYTES + 1, "x")) == "the policy is larger than 1048576 bytes"
    assert refused(f"{HEAD}a: {'[' * 19}{']' * 19}").startswith("a is not known here")
    assert refused(f"{HEAD}a: {'[' * 20}{']' * 20}") == "the policy is nested deeper than 20 levels"


def test_aliases_of_a_policy_are_counted() -> None:
    def holding(more: int) -> str:
        """Three lines of 100,000 values in all, and so many more: those of `a` count wherever they are named."""
        a, b = ", ".join(["x"] * 999), ", ".join(["*a"] * 98 + ["x"] * (998 + more))
        return f"a: &a [{a}]\nb: [{b}]\n"

    assert refused(holding(0)).startswith("a is not known here")
    assert "aliases make the policy larger than 100,000 values" in refused(holding(1))
    assert "aliases make the policy larger than 100,000 values" in refused("a: &a [*a]")


def test_a_rule_by_two_of_its_names(monkeypatch: pytest.MonkeyPatch) -> None:
    known = registry.by_name()
    monkeypatch.setattr(registry, "by_name", lambda: {**known, "host-dir": known["host-path"]})
    said = refused(spec("\n  rules:\n    host-dir: {action: warn}\n    host-path: {action: deny}"))
    assert said == "spec.rules.host-path is the same rule as host-dir: write host-path, once"
    twice = "{names: [a], rules: {host-path: {}, host-dir: {}}}"
    assert refused(spec(f"{{namespaces: [{twice}]}}")).startswith("spec.namespaces[0].rules.host-dir is the same rule")
    parse(spec("{rules: {host-dir: {action: warn}}, namespaces: [{names: [a], rules: {host-path: {action: deny}}}]}"))


def test_the_risk_may_be_kept_from_overrides() -> None:
    assert parse(spec("{overrides: {neverFor: [risk, privileged]}}")).overrides.never_for == ("risk", "privileged")


def test_a_profile_that_is_none() -> None:
    known = r"all, .*pss-baseline, pss-restricted, recommended"
    assert re.fullmatch(
        f'spec.profile: "strict" is not a profile: write one of {known}', refused(spec("{profile: strict}"))
    )


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
        "1: a",
        "a: &a [*a]",
        "a: !!bool x",
        "a: !!binary x",
        "<<: {a: 1}\n<<: {b: 1}",
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n"
        + "\n".join(f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in pairwise("abcdefg")),
    ],
    ids=lambda value: value[:40],
)
def test_what_is_not_yaml(text: str) -> None:
    assert refused(text).startswith("the policy is not YAML: ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: 2\na: 3", '3: the policy is not YAML: the key "a" stands twice'),
        ("a: 1\nb: [", "2: the policy is not YAML: while parsing a flow node, did not find expected node content"),
        ("ä: 1\nb: \x07", "2: the policy is not YAML: it holds a control character"),
        ("a: 1\nyes: 2\n3: 4", "3: the policy is not YAML: the key 3 is not text: put it in quotes"),
        ("a: 'x\x85y\u2028'\n3: 4", "2: the policy is not YAML: the key 3 is not text: put it in quotes"),
        ("a: 1\r\nb: 2\r3: 4", "3: the policy is not YAML: the key 3 is not text: put it in quotes"),
        ("a:\r- \u2028\r\n- \x07", "3: the policy is not YAML: it holds a control character"),
        (f"a: 1\nb: {'9' * 5000}", f'2: the policy is not YAML: "{"9" * 40}" cannot be read as int'),
        (
            "a: 1\n--- {}",
            "2: the policy is not YAML: expected a single document in the stream, but found another document",
        ),
    ],
)
def test_where_it_is_no_yaml(text: str, problem: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert caught.value.told("policy.yaml") == f"policy.yaml:{problem}"


def test_a_key_that_looks_like_the_end_of_a_complaint() -> None:
    text = f"{HEAD}apiVer` - at `$.spec.nowhere: 1\n"
    assert refused(text).startswith("apiVer is not known here")


def test_what_is_merged_has_a_line() -> None:
    head = f"{HEAD}metadata: {{x: &x {{action: warn}}}}\n"
    text = f"{head}spec:\n  rules:\n    host-path: {{<<: *x}}\n    sysctls:\n      <<: *x\n      action: blck"
    with pytest.raises(PolicyError) as caught:
        parse(text)
    assert (caught.value.line, caught.value.path) == (9, ("spec", "rules", "sysctls", "action"))


def test_too_many_keys_to_try() -> None:
    rules = ", ".join(f"r{number}: {{}}" for number in range(2_000))
    assert "spec.rules holds something that cannot be used" in refused(
        spec(f"{{rules: {{{rules}, z: {{action: 1}}}}}}")
    )


@pytest.mark.parametrize("word", ["off", "no", "yes", "on", "y", "2020-01-01"])
def test_words_stay_words(word: str) -> None:
    assert parse(f"{HEAD}metadata: {{name: {word}}}").name == word
