"""AdmissionReview v1 on the wire: what is refused, and what the API server is told."""

import json
from typing import Any

import msgspec
import pytest

from policies import config
from policies.decision import ALLOWED, Decision, Reason, Verdict
from policies.engine import Finding
from policies.profile import Action
from policies.registry import by_name
from tests.reviews import body, pod, privileged_pod, recorded, review
from webhook import review as wire

POLICY = config.of_profile("pss-baseline")
UID = "b5a9c1f2-0001-4000-8000-000000000001"


def reason(
    rule: str = "privileged", action: Action = Action.DENY, message: str = 'is true (container "app")'
) -> Reason:
    path = ("spec", "containers", 0, "securityContext", "privileged")
    return Reason(Finding(by_name()[rule], path, message), action)


def answered(decision: Decision, policy: config.Policy = POLICY) -> dict[str, Any]:
    request = wire.parse(body(review(pod())))
    answer: dict[str, Any] = json.loads(wire.encode(wire.answer(decision, policy), request))
    return answer


def without(*path: str) -> dict[str, Any]:
    content = review(pod())
    at = content
    for step in path[:-1]:
        at = at[step]
    del at[path[-1]]
    return content


class TestParse:
    def test_reads_what_the_api_server_sends(self) -> None:
        request = wire.parse(body(recorded("create-pods-by-alice")))

        assert (request.operation, request.kind) == ("CREATE", wire.GroupVersionKind("Pod", "", "v1"))
        assert request.user_info == wire.UserInfo("alice", ("developers", "system:masters", "system:authenticated"))

    def test_objects_stay_as_they_were_sent(self) -> None:
        request = wire.parse(body(review(pod(), old=privileged_pod())))

        assert msgspec.json.decode(request.object) == pod()
        assert msgspec.json.decode(request.old_object) == privileged_pod()

    @pytest.mark.parametrize("content", [without("request", "oldObject"), review(pod(), oldObject=None)])
    def test_an_old_object_that_is_absent_or_null_is_null(self, content: dict[str, Any]) -> None:
        assert wire.is_null(wire.parse(body(content)).old_object)

    @pytest.mark.parametrize(
        ("content", "complaint"),
        [
            pytest.param(b"", "the body is not JSON: Input data was truncated", id="empty"),
            pytest.param(b"{", "the body is not JSON: Input data was truncated", id="truncated"),
            pytest.param(b"apiVersion: v1", "the body is not JSON: JSON is malformed", id="not JSON"),
            pytest.param(b"\xef\xbb\xbf{}", "the body is not JSON: JSON is malformed", id="byte order mark"),
            pytest.param(b'{"apiVersion": NaN}', "the body is not JSON: JSON is malformed", id="NaN"),
            pytest.param(b'{"apiVersion": "\xff"}', "the body is not JSON: ", id="not UTF-8"),
            pytest.param(b"[]", "the body is not an AdmissionReview: Expected `object`, got `array`", id="list"),
            pytest.param(b"null", "the body is not an AdmissionReview: Expected `object`, got `null`", id="null"),
            pytest.param(b"{}", "the body is not an AdmissionReview: Object missing required field", id="empty object"),
        ],
    )
    def test_refuses_bytes_that_are_no_review(self, content: bytes, complaint: str) -> None:
        with pytest.raises(wire.BadReviewError) as caught:
            wire.parse(content)

        assert str(caught.value).startswith(complaint)

    @pytest.mark.parametrize(
        "path", [("apiVersion",), ("kind",), ("request",), ("request", "uid"), ("request", "kind")]
    )
    def test_refuses_a_review_without_a_required_field(self, path: tuple[str, ...]) -> None:
        with pytest.raises(wire.BadReviewError, match=f"missing required field `{path[-1]}`"):
            wire.parse(body(without(*path)))

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"uid": ""}, "request.uid is empty"),
            ({"uid": "x" * 301}, "request.uid is longer than 300 characters"),
            ({"kind": {}}, r"missing required field `kind` - at `\$.request.kind`"),
            ({"kind": {"kind": ""}}, "request.kind.kind is empty"),
            ({"operation": "x" * 1_000_000}, r"Invalid enum value 'x{270,280}\.\.\.$"),
            ({"uid": 7}, r"Expected `str`, got `int` - at `\$.request.uid`"),
            ({"operation": "PATCH"}, r"Invalid enum value 'PATCH' - at `\$.request.operation`"),
            ({"object": None}, "request.object is missing: CREATE always carries the object"),
            ({"dryRun": "no"}, r"at `\$.request.dryRun`"),
        ],
    )
    def test_refuses_a_wrong_field_and_says_where(self, change: dict[str, Any], complaint: str) -> None:
        with pytest.raises(wire.BadReviewError, match=complaint):
            wire.parse(body(review(pod(), **change)))

    def test_refuses_another_version(self) -> None:
        content = {**review(pod()), "apiVersion": "admission.k8s.io/v1beta1"}

        with pytest.raises(wire.BadReviewError, match=r"send admission\.k8s\.io/v1 AdmissionReview"):
            wire.parse(body(content))

    @pytest.mark.parametrize("opening", ["[", '{"a":'])
    def test_refuses_nesting_that_would_exhaust_the_stack(self, opening: str) -> None:
        with pytest.raises(wire.BadReviewError, match="nested too deeply"):
            wire.parse(b'{"request":{"object":{"spec":' + opening.encode() * 100_000)

    def test_the_last_of_two_equal_keys_counts_as_for_the_api_server(self) -> None:
        text = json.dumps(review(pod())).replace(
            '"operation": "CREATE"', '"operation": "DELETE", "operation": "CREATE"'
        )

        assert wire.parse(text.encode()).operation == "CREATE"


class TestAnswer:
    def test_passing_over_says_only_that_it_is_allowed(self) -> None:
        answer = json.loads(wire.pass_over(wire.parse(body(review(pod())))))

        assert answer == {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {"uid": UID, "allowed": True},
        }

    def test_allowing_names_decision_and_policy(self) -> None:
        assert answered(ALLOWED)["response"] == {
            "uid": UID,
            "allowed": True,
            "auditAnnotations": {"decision": "allow", "policy": f"pss-baseline@{POLICY.hash}"},
        }

    def test_denying_says_rule_place_and_remedy_and_warns_of_nothing(self) -> None:
        warned = reason("host-port", Action.WARN)
        response = answered(Decision(Verdict.DENY, Verdict.DENY, (reason(), warned)))["response"]

        assert response["allowed"] is False
        assert response["status"] == {
            "message": 'privileged: spec.containers[0].securityContext.privileged is true (container "app"). '
            + by_name()["privileged"].remediation,
            "reason": "Forbidden",
            "code": 403,
            "status": "Failure",
        }
        assert response["auditAnnotations"]["rules"] == "privileged,host-port"
        assert "warnings" not in response

    def test_warning_allows(self) -> None:
        response = answered(Decision(Verdict.WARN, Verdict.WARN, (reason(action=Action.WARN),)))["response"]

        assert response["allowed"] is True
        assert response["warnings"] == [reason().text]
        assert "status" not in response

    def test_a_long_warning_keeps_what_is_wrong_and_drops_the_remedy(self) -> None:
        long = reason(action=Action.WARN, message=f'is true (container "{"x" * 120}")')
        response = answered(Decision(Verdict.WARN, Verdict.WARN, (long,)))["response"]

        assert response["warnings"] == [long.text.removesuffix(f" {long.finding.rule.remediation}")]

    def test_warnings_stay_within_the_budget_of_the_api_server(self) -> None:
        many = tuple(reason(action=Action.WARN, message=f"is {'x' * 500} {i}") for i in range(200))
        warnings = answered(Decision(Verdict.WARN, Verdict.WARN, many))["response"]["warnings"]

        assert all(len(warning) <= 256 for warning in warnings)
        assert sum(map(len, warnings)) <= 2_048
        assert warnings[-1] == f"... and {200 - len(warnings) + 1} more"

    def test_a_denial_of_many_findings_is_bounded_and_says_how_many_more(self) -> None:
        many = tuple(reason(message=f"is true {i}") for i in range(1_000))
        message = answered(Decision(Verdict.DENY, Verdict.DENY, many))["response"]["status"]["message"]

        lines = message.split("\n")
        assert len(message) <= 16_384
        assert lines[-1] == f"... and {1_000 - len(lines) + 1} more"

    def test_a_single_enormous_finding_is_cut(self) -> None:
        decision = Decision(Verdict.DENY, Verdict.DENY, (reason(message="x" * 100_000),))
        message = answered(decision)["response"]["status"]["message"]

        assert len(message) <= 16_384
        assert message.endswith("...")

    def test_what_cannot_be_understood_is_refused_as_invalid(self) -> None:
        decision = Decision(Verdict.DENY, Verdict.DENY, unreadable="spec.hostPID must be true or false, not a string")
        response = answered(decision)["response"]

        assert (response["allowed"], response["status"]["code"], response["status"]["reason"]) == (
            False,
            422,
            "Invalid",
        )
        assert response["status"]["message"].startswith("spec.hostPID must be true or false, not a string. ")
        assert response["auditAnnotations"]["error"] == "spec.hostPID must be true or false, not a string"

    @pytest.mark.parametrize("field", ["patch", "patchType"])
    @pytest.mark.parametrize(
        "decision",
        [
            ALLOWED,
            Decision(Verdict.WARN, Verdict.WARN, (reason(action=Action.WARN),)),
            Decision(Verdict.DENY, Verdict.DENY, (reason(),)),
            Decision(Verdict.DENY, Verdict.DENY, unreadable="x"),
        ],
        ids=["allow", "warn", "deny", "unreadable"],
    )
    def test_no_answer_changes_an_object_though_a_rule_knows_the_fix(self, decision: Decision, field: str) -> None:
        assert by_name()["privileged"].fixer is not None
        assert field not in json.dumps(answered(decision))

    def test_audit_mode_records_what_it_would_have_decided(self) -> None:
        text = "apiVersion: podgate.dev/v1alpha1\nkind: GatePolicy\nspec: {mode: audit}"
        policy = config.parse(text)
        response = answered(Decision(Verdict.ALLOW, Verdict.DENY, (reason(action=Action.AUDIT),)), policy)["response"]

        assert response == {
            "uid": UID,
            "allowed": True,
            "auditAnnotations": {
                "decision": "deny",
                "mode": "audit",
                "policy": f"default@{policy.hash}",
                "rules": "privileged",
            },
        }

    def test_audit_annotation_keys_hold_no_slash_and_values_are_bounded(self) -> None:
        decision = Decision(Verdict.DENY, Verdict.DENY, (reason(),), unreadable="x" * 5_000)
        annotations = answered(decision)["response"]["auditAnnotations"]

        assert all("/" not in key for key in annotations)
        assert all(len(value) <= 1_024 for value in annotations.values())


class TestLimits:
    """At each limit nothing is cut, and one over it something is."""

    def test_a_uid(self) -> None:
        assert wire.parse(body(review(pod(), uid="x" * 300))).uid == "x" * 300
        with pytest.raises(wire.BadReviewError, match="longer than 300 characters"):
            wire.parse(body(review(pod(), uid="x" * 301)))

    def test_lines_of_a_denial(self) -> None:
        def lines(count: int) -> list[str]:
            decision = Decision(Verdict.DENY, Verdict.DENY, (reason("host-pid", message="x"),) * count)
            text: str = answered(decision)["response"]["status"]["message"]
            return text.split("\n")

        line = reason("host-pid", message="x").text
        assert lines(100) == [line] * 100
        assert lines(101) == [*[line] * 100, "... and 1 more"]

    def test_characters_of_a_denial(self) -> None:
        def message(longer: int) -> str:
            room = 16_384 - 40 - len(reason(message="").text)
            decision = Decision(Verdict.DENY, Verdict.DENY, (reason(message="x" * (room + longer)),))
            text: str = answered(decision)["response"]["status"]["message"]
            return text

        remedy = by_name()["privileged"].remediation
        assert message(0).endswith(f"x. {remedy}")
        assert len(message(0)) == len(message(1)) == 16_344
        assert message(1).endswith("...")

    def test_characters_of_a_warning(self) -> None:
        def warning(longer: int) -> str:
            room = 256 - len(reason(message="").text)
            decision = Decision(
                Verdict.WARN, Verdict.WARN, (reason(action=Action.WARN, message="x" * (room + longer)),)
            )
            [text] = answered(decision)["response"]["warnings"]
            assert isinstance(text, str)
            return text

        remedy = by_name()["privileged"].remediation
        assert len(warning(0)) == 256
        assert warning(0).endswith(f"x. {remedy}")
        assert remedy not in warning(1)

    def test_characters_of_all_warnings(self) -> None:
        room = 250 - len(reason(message="").text)
        seven = [reason(action=Action.WARN, message="x" * room)] * 7

        def warnings(last: int) -> list[str]:
            decision = Decision(
                Verdict.WARN, Verdict.WARN, (*seven, reason(action=Action.WARN, message="x" * (room + last)))
            )
            found: list[str] = answered(decision)["response"]["warnings"]
            return found

        # 2,048, less 40 for the last line, and a character between each two.
        assert [len(warning) for warning in warnings(1)] == [250] * 7 + [251]
        assert warnings(2)[7:] == ["... and 1 more"]

    def test_characters_of_an_audit_annotation(self) -> None:
        def error(length: int) -> str:
            decision = Decision(Verdict.DENY, Verdict.DENY, unreadable="x" * length)
            text: str = answered(decision)["response"]["auditAnnotations"]["error"]
            return text

        assert error(1_024) == "x" * 1_024
        assert error(1_025) == "x" * 1_021 + "..."
