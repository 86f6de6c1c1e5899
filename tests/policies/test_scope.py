"""What a policy is in a namespace."""

from typing import Any

import pytest

from policies import config, resource
from policies.config import Mode, Policy, PolicyError
from policies.decision import Verdict, decide
from policies.identity import Requester
from policies.profile import Action

HEAD = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: "
PSA = "pod-security.kubernetes.io/"
HOST = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"hostNetwork": True, "containers": []}}


def policy(spec: str) -> Policy:
    return config.parse(HEAD + spec)


def verdict(found: Policy, obj: dict[str, Any] | None = None) -> Verdict:
    return decide(found.engine.evaluate(resource.read(obj or HOST)), found).verdict


class TestEntries:
    POLICY = policy(
        """{profile: pss-baseline, rules: {host-port: {action: warn}}, namespaces: [
        {names: [shop], mode: audit},
        {selector: {matchLabels: {team: infra}}, rules: {host-network: {action: "off"}}},
        {selector: {matchExpressions: [{key: level, operator: In, values: [strict]}]}, profile: pss-restricted},
        {names: [shop, bank], mode: warn}]}"""
    )

    @pytest.mark.parametrize(
        ("namespace", "labels", "expected"),
        [
            ("other", {}, Verdict.DENY),
            ("shop", {}, Verdict.ALLOW),
            ("bank", {}, Verdict.WARN),
            ("infra", {"team": "infra"}, Verdict.ALLOW),
            ("infra", {"team": "web"}, Verdict.DENY),
            ("shop", {"team": "infra"}, Verdict.ALLOW),
        ],
    )
    def test_the_first_that_fits_counts(self, namespace: str, labels: dict[str, str], expected: Verdict) -> None:
        assert verdict(self.POLICY.within(namespace, labels)) is expected

    def test_what_an_entry_does_not_say_is_as_everywhere(self) -> None:
        strict = self.POLICY.within("x", {"level": "strict"})
        assert (strict.profile, strict.actions["host-port"], strict.mode) == (
            "pss-restricted",
            Action.WARN,
            Mode.ENFORCE,
        )

    @pytest.mark.parametrize(
        ("everywhere", "there", "action", "allowed"),
        [
            ("{action: warn, options: {allow: [ghcr.io]}}", "{action: audit}", Action.AUDIT, "ghcr.io"),
            (
                "{action: warn, options: {allow: [ghcr.io]}}",
                "{options: {allow: [quay.io]}}",
                Action.WARN,
                "quay.io",
            ),
            ("{options: {allow: [ghcr.io]}}", "{action: deny}", Action.DENY, "ghcr.io"),
            ("{action: warn}", "{options: {allow: [quay.io]}}", Action.WARN, "quay.io"),
            (
                "{action: warn, options: {allow: [ghcr.io]}}",
                "{action: deny, options: {allow: [quay.io]}}",
                Action.DENY,
                "quay.io",
            ),
        ],
    )
    def test_of_a_rule_an_action_and_options_are_said_apart(
        self, everywhere: str, there: str, action: Action, allowed: str
    ) -> None:
        entry = f"{{names: [x], rules: {{image-registry: {there}}}}}"
        found = policy(f"{{rules: {{image-registry: {everywhere}}}, namespaces: [{entry}]}}").within("x", {})
        assert found.actions["image-registry"] is action
        for registry in ("ghcr.io", "quay.io"):
            spec = {"containers": [{"name": "a", "image": f"{registry}/a/b:1"}]}
            findings = found.engine.evaluate(resource.read({**HOST, "spec": spec})).findings
            assert ("image-registry" in [each.rule.id for each in findings]) is (registry != allowed)

    def test_the_name_and_the_hash_are_the_same_everywhere(self) -> None:
        found = self.POLICY.within("shop", {})
        assert (found.name, found.hash) == (self.POLICY.name, self.POLICY.hash)

    def test_policies_of_namespaces_are_made_once(self) -> None:
        assert self.POLICY.within("a", {"x": "1"}) is self.POLICY.within("b", {"x": "2"})

    def test_their_number_is_bounded(self) -> None:
        for number in range(2_000):
            self.POLICY.within("x", {f"{PSA}enforce": f"level-{number}"})
        assert self.POLICY.scopes._made.cache_info().currsize <= 512

    @pytest.mark.parametrize("entry", ["{mode: warn}", "{names: [a], selector: {matchLabels: {a: b}}}", "{names: []}"])
    def test_an_entry_says_where(self, entry: str) -> None:
        with pytest.raises(PolicyError, match=r"spec.namespaces\[0\] needs either names or a selector"):
            policy(f"{{namespaces: [{entry}]}}")

    @pytest.mark.parametrize(
        "entry",
        [
            "{names: [a], profile: none}",
            "{names: [a], rules: {host-paht: {action: warn}}}",
            "{selector: {matchExpressions: [{key: a, operator: Near}]}}",
            "{selector: {matchLabels: {a: 1}}}",
            "{names: [a], level: x}",
        ],
    )
    def test_mistakes_are_refused(self, entry: str) -> None:
        with pytest.raises(PolicyError):
            policy(f"{{namespaces: [{entry}]}}")


class TestDeclaredLevels:
    RECOMMENDED = policy("{}")

    @pytest.mark.parametrize(
        ("level", "expected"),
        [("privileged", Verdict.ALLOW), ("baseline", Verdict.DENY), ("restricted", Verdict.DENY), (None, Verdict.DENY)],
    )
    def test_decide_about_the_rules_of_the_standards(self, level: str | None, expected: Verdict) -> None:
        labels = {f"{PSA}enforce": level} if level else {}
        assert verdict(policy("{profile: pss-baseline}").within("x", labels)) is expected

    def test_what_only_tells_them_more_exactly_goes_with_them(self) -> None:
        privileged = self.RECOMMENDED.within("x", {f"{PSA}enforce": "privileged"}).actions
        assert privileged["host-path"] is Action.OFF
        assert privileged["host-path-sensitive"] is Action.AUDIT
        assert privileged["docker-socket"] is Action.AUDIT
        assert privileged["suspicious-command"] is Action.DENY
        assert self.RECOMMENDED.actions["docker-socket"] is Action.DENY

    def test_what_the_file_says_of_a_rule_stays(self) -> None:
        found = policy("{rules: {host-network: {action: deny}, docker-socket: {action: deny}}}")
        actions = found.within("x", {f"{PSA}enforce": "privileged"}).actions
        assert (actions["host-network"], actions["docker-socket"]) == (Action.DENY, Action.DENY)

    def test_warnings_and_records_follow_their_own_labels(self) -> None:
        labels = {f"{PSA}enforce": "privileged", f"{PSA}warn": "baseline", f"{PSA}audit": "restricted"}
        actions = self.RECOMMENDED.within("x", labels).actions
        assert (actions["host-network"], actions["seccomp-unset"]) == (Action.WARN, Action.AUDIT)

    def test_each_is_held_against_its_own_version(self) -> None:
        obj = {
            "apiVersion": "v1",
            "kind": "Pod",
            "spec": {"securityContext": {"sysctls": [{"name": "net.ipv4.tcp_rmem"}]}},
        }
        old = self.RECOMMENDED.within("x", {f"{PSA}enforce": "baseline", f"{PSA}enforce-version": "v1.31"})
        new = self.RECOMMENDED.within("x", {f"{PSA}enforce": "baseline", f"{PSA}enforce-version": "v1.32"})
        assert [verdict(found, obj) for found in (old, new)] == [Verdict.DENY, Verdict.ALLOW]

    def test_a_wrong_level_is_restricted_and_said(self) -> None:
        found = self.RECOMMENDED.within("x", {f"{PSA}enforce": "basline"})
        assert found.actions["seccomp-unset"] is Action.DENY
        assert found.problems == (f'label {PSA}enforce is "basline": write privileged, baseline or restricted',)


class TestModes:
    @pytest.mark.parametrize(
        ("label", "expected"), [("enforce", Verdict.DENY), ("warn", Verdict.WARN), ("audit", Verdict.ALLOW)]
    )
    def test_a_namespace_may_have_its_own(self, label: str, expected: Verdict) -> None:
        found = policy("{mode: audit, profile: pss-baseline}").within("x", {"podgate.dev/mode": label})
        assert verdict(found) is expected

    def test_off_is_not_judged(self) -> None:
        assert policy("{}").within("x", {"podgate.dev/mode": "off"}).off

    def test_what_the_file_says_of_the_namespace_wins(self) -> None:
        found = policy("{namespaces: [{names: [x], mode: enforce}]}").within("x", {"podgate.dev/mode": "off"})
        assert (found.off, found.mode) == (False, Mode.ENFORCE)


class TestUnknownNamespaces:
    """CVE-2025-46342: an error of a look-up must not read as "nothing applies"."""

    POLICY = policy(
        """{mode: audit, profile: pss-baseline, classifier: {denyAt: 0.9}, namespaces: [
        {names: [shop], mode: enforce, rules: {host-port: {action: warn}}},
        {selector: {matchLabels: {x: y}}, classifier: {denyAt: 0.5}, rules: {host-network: {action: "off"}}}]}"""
    )

    def test_are_judged_by_the_strictest_of_all_readings(self) -> None:
        found = self.POLICY.within("shop", None)
        assert found.mode is Mode.ENFORCE
        assert found.thresholds.deny_at == 0.5
        assert found.actions["seccomp-unset"] is Action.DENY
        assert found.actions["host-port"] is Action.DENY
        assert verdict(found) is Verdict.DENY

    def test_never_more_mildly_than_known_ones(self) -> None:
        unknown = self.POLICY.within("shop", None)
        for labels in ({}, {"x": "y"}, {f"{PSA}enforce": "baseline"}, {f"{PSA}enforce": "restricted"}):
            known = self.POLICY.within("shop", labels)
            said = {"host-port", "host-network"}  # what the file says by name stays as it says
            assert all(action <= unknown.actions[rule] for rule, action in known.actions.items() if rule not in said)

    def test_the_options_come_with_the_rule(self) -> None:
        found = policy(
            """{profile: pss-baseline, namespaces: [
            {names: [other], rules: {image-registry: {action: warn, options: {allow: [registry.example.com]}}}},
            {names: [bank], rules: {image-registry: {action: deny, options: {allow: [bank.example.com]}}}}]}"""
        )
        pod: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}}
        pod["spec"] = {"containers": [{"name": "a", "image": "registry.example.com/x:1"}]}
        readings: tuple[dict[str, str] | None, ...] = (None, {})
        for labels in readings:
            judged = found.within("bank", labels)
            rules = {each.rule.id for each in judged.engine.evaluate(resource.read(pod)).findings}
            assert "image-registry" in rules, labels


class TestExclusions:
    POLICY = policy("{exclusions: {namespaces: [kube-system], users: [root], groups: [admins]}}")

    @pytest.mark.parametrize(
        ("namespace", "requester", "why"),
        [
            ("kube-system", None, "namespace"),
            ("kube-system-2", None, ""),
            ("x", Requester("root"), "user"),
            ("x", Requester("roo"), ""),
            ("x", Requester("a", ("b", "admins")), "group"),
            ("x", Requester("admins", ("root",)), ""),
            ("x", None, ""),
        ],
    )
    def test_whose_requests_are_not_judged(self, namespace: str, requester: Requester | None, why: str) -> None:
        assert self.POLICY.excludes(namespace, requester) == why


@pytest.mark.parametrize(
    ("spec", "namespace", "expected"),
    [
        ("{profile: pss-baseline}", "x", False),
        ("{profile: pss-baseline, classifier: {denyAt: 1.0}}", "x", True),
        ("{profile: recommended}", "x", True),
        ("{profile: recommended, mode: warn}", "x", False),
        ("{profile: recommended, namespaces: [{names: [shop], mode: audit}]}", "shop", False),
        ("{profile: pss-baseline, namespaces: [{names: [shop], classifier: {denyAt: 0.9}}]}", "shop", True),
    ],
)
def test_whether_a_pod_may_be_denied_for_its_risk(spec: str, namespace: str, expected: bool) -> None:
    assert policy(spec).within(namespace, {}).denies_by_risk is expected
