"""Allow, warn or deny."""

from typing import Any

import pytest

from policies import config, decision, resource
from policies.config import Mode, Policy
from policies.decision import ALLOWED, Decision, Verdict, decide, refuse
from policies.engine import NOTHING, Evaluation
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
