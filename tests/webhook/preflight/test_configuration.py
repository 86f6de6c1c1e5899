"""Which requests the API server would ask about, by a webhook configuration."""

from typing import Any

import pytest

from webhook.preflight import configuration
from webhook.preflight.configuration import NEW_POD, Hook, Request, UnclearError


def hook(**fields: Any) -> Hook:
    found = configuration.read({"webhooks": [{"name": "a.example.com", **fields}]})
    return found.hooks[0]


def rule(**changes: Any) -> dict[str, Any]:
    return {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"], **changes}


def test_what_is_not_said_is_what_the_api_server_fills_in() -> None:
    found = hook()

    assert (found.failure_policy, found.fails, found.timeout_seconds) == ("Fail", True, 10)
    assert not found.asks(NEW_POD)
    assert found.covers({})
    assert found.conditions == ()


@pytest.mark.parametrize("fields", [{"rules": None, "matchConditions": None, "namespaceSelector": None}])
def test_null_is_nothing(fields: dict[str, Any]) -> None:
    assert not hook(**fields).asks(NEW_POD)
    assert configuration.read({"metadata": {"name": "a"}, "webhooks": None}).hooks == ()


STATUS = Request("", "pods/status", "UPDATE")
NODE = Request("", "nodes", "CREATE", namespaced=False)
LEASE = Request("coordination.k8s.io", "leases", "UPDATE")


@pytest.mark.parametrize(
    ("changes", "request_", "expected"),
    [
        ({}, NEW_POD, True),
        ({"operations": ["UPDATE"]}, NEW_POD, False),
        ({"operations": ["*"]}, NEW_POD, True),
        ({"apiGroups": ["apps"]}, NEW_POD, False),
        ({"apiGroups": ["*"]}, NEW_POD, True),
        ({"resources": ["pods", "services"]}, NEW_POD, True),
        ({"resources": ["*"]}, NEW_POD, True),
        ({"resources": ["*/*"]}, NEW_POD, True),
        ({"resources": ["pods/*"]}, NEW_POD, True),
        ({"scope": "Cluster"}, NEW_POD, False),
        ({"scope": "Namespaced"}, NEW_POD, True),
        ({"operations": ["*"]}, STATUS, False),
        ({"operations": ["*"], "resources": ["*"]}, STATUS, False),
        ({"operations": ["*"], "resources": ["*/status"]}, STATUS, True),
        ({"operations": ["*"], "resources": ["pods/*"]}, STATUS, True),
        ({"operations": ["*"], "resources": ["*/*"]}, STATUS, True),
        ({"resources": ["*"], "scope": "Namespaced"}, NODE, False),
        ({"resources": ["*"], "scope": "*"}, NODE, True),
        ({"operations": ["*"], "resources": ["*"]}, LEASE, False),
        ({"operations": ["*"], "apiGroups": ["*"], "resources": ["*"]}, LEASE, True),
    ],
)
def test_what_rules_mean(changes: dict[str, Any], request_: Request, expected: bool) -> None:
    assert hook(rules=[rule(**changes)]).asks(request_) is expected


def test_one_rule_is_enough_and_none_is_mixed_with_another() -> None:
    found = hook(rules=[rule(apiGroups=["apps"]), rule(operations=["UPDATE"])])

    assert not found.asks(NEW_POD)
    assert found.asks(Request("", "pods", "UPDATE"))


@pytest.mark.parametrize(
    ("selector", "labels", "expected"),
    [
        ({}, {}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "1"}, True),
        ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
    ],
)
def test_which_namespaces_are_covered(selector: dict[str, Any], labels: dict[str, str], expected: bool) -> None:
    assert hook(namespaceSelector=selector).covers(labels) is expected


def test_what_is_asked_about_is_told_once() -> None:
    rules = [rule(resources=["pods", "pods/status"]), rule(), rule(apiGroups=["apps"], resources=["deployments"])]

    assert list(hook(rules=rules).about()) == ["pods", "pods/status", "deployments.apps"]


@pytest.mark.parametrize("obj", [None, [], "x", {"webhooks": {}}, {"webhooks": [{}]}, {"webhooks": [{"name": 1}]}])
def test_what_is_no_configuration(obj: Any) -> None:
    with pytest.raises(UnclearError, match="the webhook configuration cannot be understood: "):
        configuration.read(obj)
