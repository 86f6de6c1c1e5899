"""Whether the API server finds Podgate and trusts it."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from certs.authority import Authority
from webhook.preflight import configuration, wiring
from webhook.preflight.configuration import Hook
from webhook.preflight.report import Check, Result

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NAME = "podgate.podgate-system.svc"
AUTHORITY = Authority.create("ours", NOW)
SERVED = AUTHORITY.server([NAME], NOW).cert
CALLED = {"name": "podgate", "namespace": "podgate-system"}
SERVICE: dict[str, Any] = {
    "metadata": {"name": "podgate"},
    "spec": {"selector": {"app": "podgate"}, "ports": [{"name": "https", "port": 443, "targetPort": "https"}]},
}


def hook(bundle: Any = None, **client: Any) -> Hook:
    given = {"service": CALLED, **client} | ({"caBundle": bundle} if bundle is not None else {})
    return configuration.read({"webhooks": [{"name": "pods.podgate.dev", "clientConfig": given}]}).hooks[0]


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def pod(*args: str, ready: bool = True, app: str = "podgate", ports: Any = None) -> dict[str, Any]:
    container = {
        "name": "webhook",
        "args": ["serve", *args],
        "ports": [{"name": "https", "containerPort": 8443}] if ports is None else ports,
    }
    status = {"conditions": [{"type": "Ready", "status": str(ready)}]}
    return {"metadata": {"labels": {"app": app}}, "spec": {"containers": [container]}, "status": status}


def told(*checks: Check) -> list[tuple[Result, str]]:
    return [(each.result, each.text) for each in checks]


def service(**spec: Any) -> dict[str, Any]:
    return {**SERVICE, "spec": {**SERVICE["spec"], **spec}}


@pytest.mark.parametrize(
    ("client", "found", "result", "text"),
    [
        ({}, SERVICE, Result.OK, "Service podgate-system/podgate exists and has port 443"),
        ({}, None, Result.WRONG, "Service podgate-system/podgate, which pods.podgate.dev calls, does not exist"),
        (
            {"service": {**CALLED, "port": 444}},
            SERVICE,
            Result.WRONG,
            "Service podgate-system/podgate has no port 444, which pods.podgate.dev calls; it has 443",
        ),
        (
            {},
            {"spec": {"ports": None}},
            Result.WRONG,
            "Service podgate-system/podgate has no port 443, which pods.podgate.dev calls; it has none",
        ),
        (
            {"service": None, "url": "https://a.example.com"},
            None,
            Result.NOTE,
            "pods.podgate.dev calls https://a.example.com, and no Service",
        ),
        ({"service": None}, None, Result.NOTE, "pods.podgate.dev calls nobody, and no Service"),
    ],
)
def test_service(client: dict[str, Any], found: Any, result: Result, text: str) -> None:
    assert told(wiring.service(hook(**client), found)) == [(result, text)]


@pytest.mark.parametrize(
    ("pods", "result", "text"),
    [
        ([pod(), pod()], Result.OK, "2 of 2 pods of Service podgate are ready"),
        (
            [pod(), pod(ready=False)],
            Result.NOTE,
            "1 of 2 pods of Service podgate are ready: nobody answers while it restarts",
        ),
        ([pod(ready=False)], Result.WRONG, "0 of 1 pods of Service podgate are ready: nobody answers now"),
        (
            [{"metadata": {"labels": {"app": "podgate"}}}],
            Result.WRONG,
            "0 of 1 pods of Service podgate are ready: nobody answers now",
        ),
        ([pod(app="other")], Result.WRONG, "no pod has what Service podgate selects: app=podgate"),
        ([{"metadata": None}], Result.WRONG, "no pod has what Service podgate selects: app=podgate"),
    ],
)
def test_replicas(pods: list[dict[str, Any]], result: Result, text: str) -> None:
    assert told(*wiring.replicas(SERVICE, pods)) == [(result, text)]


def test_a_service_that_selects_nothing_leads_nowhere() -> None:
    nothing: tuple[Any, ...] = (None, {})
    for wanted in nothing:
        text = "no pod has what Service podgate selects: nothing"
        assert told(*wiring.replicas(service(selector=wanted), [pod()])) == [(Result.WRONG, text)]


@pytest.mark.parametrize(
    ("target", "found", "result", "text"),
    [
        ("https", pod("--port=8443"), Result.OK, "port 443 leads to 8443, where Podgate serves"),
        (8443, pod("--port", "8443"), Result.OK, "port 443 leads to 8443, where Podgate serves"),
        ("https", pod(), Result.OK, "port 443 leads to 8443, where Podgate serves"),
        (
            "https",
            pod("--port=9443"),
            Result.WRONG,
            "port 443 leads to 8443, but Podgate serves on 9443 (--port)",
        ),
        ("http", pod(), Result.WRONG, "port 443 leads to http, which no container's port is called"),
        (80, pod(ports=[]), Result.NOTE, "port 443 leads to 80, which no container says it serves on"),
        (None, pod("--port=443"), Result.OK, "port 443 leads to 443, where Podgate serves"),
        ("https", None, Result.UNSEEN, "there is no pod whose ports could be compared"),
    ],
)
def test_ports(target: Any, found: Any, result: Result, text: str) -> None:
    port = {"port": 443} if target is None else {"port": 443, "targetPort": target}
    pods = [found] if found is not None else []

    assert told(wiring.ports(service(ports=[port]), 443, pods)) == [(result, text)]


@pytest.mark.parametrize(
    ("container", "expected"),
    [
        ({"args": ["serve", "--port=1"]}, "1"),
        ({"command": ["podgate", "serve", "--port", "1"]}, "1"),
        ({"args": ["--port"]}, None),
        ({"args": ["--ports=1"]}, None),
        ({"args": None, "command": [1, None]}, None),
        ({}, None),
    ],
)
def test_the_value_of_a_flag(container: dict[str, Any], expected: str | None) -> None:
    assert wiring.argument(container, "--port") == expected


def mounting(file: str, path: str = "/etc/podgate", **volume: Any) -> dict[str, Any]:
    return {
        "containers": [{"args": [f"--policy={file}"], "volumeMounts": [{"name": "a", "mountPath": path}]}],
        "volumes": [{"name": "a", **volume}],
    }


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (mounting("/etc/podgate/p.yaml", configMap={"name": "mine"}), ("mine", "p.yaml")),
        (mounting("/etc/podgate/p.yaml", "/etc/podgate/", configMap={"name": "mine"}), ("mine", "p.yaml")),
        (
            mounting("/etc/podgate/p.yaml", configMap={"name": "mine", "items": [{"key": "k", "path": "p.yaml"}]}),
            ("mine", "k"),
        ),
        (mounting("/elsewhere/p.yaml", configMap={"name": "mine"}), None),
        (mounting("/etc/podgate/p.yaml", secret={"secretName": "mine"}), None),
        (mounting("/etc/podgate/p.yaml"), None),
        (None, None),
        ({"containers": [None], "volumes": "x"}, None),
    ],
)
def test_where_the_policy_is_read_from(spec: Any, expected: tuple[str, str] | None) -> None:
    assert wiring.mounted(spec, "--policy") == expected


BUNDLE = encoded(AUTHORITY.pair.cert)


def trusted(bundle: Any, shown: bytes | None, now: datetime = NOW) -> list[tuple[Result, str]]:
    return told(*wiring.certificate(hook(bundle), None if shown is None else (shown, "tls.crt"), now))


def test_a_certificate_that_is_trusted() -> None:
    assert trusted(BUNDLE, SERVED) == [
        (Result.OK, f"pods.podgate.dev trusts tls.crt as {NAME}, until 2027-05-01T00:00:00Z")
    ]


def test_a_certificate_that_ends_soon() -> None:
    assert trusted(BUNDLE, SERVED, NOW + timedelta(days=360))[1:] == [
        (Result.NOTE, "tls.crt ends in 5 days: see that it is renewed")
    ]


def test_a_certificate_that_is_not_trusted() -> None:
    other = Authority.create("other", NOW).server(["a.example.com"], NOW).cert
    names = f"its alternative names do not have {NAME}, but a.example.com"
    assert trusted(BUNDLE, other) == [
        (
            Result.WRONG,
            f"pods.podgate.dev would not trust tls.crt: {names}; the caBundle does not lead to who signed it",
        )
    ]


@pytest.mark.parametrize("bundle", ["!", "eA==", 1])
@pytest.mark.parametrize("shown", [SERVED, None])
def test_a_bundle_that_holds_no_certificate(bundle: Any, shown: bytes | None) -> None:
    if bundle == 1:
        assert wiring.decoded(bundle) is None
        return
    assert trusted(bundle, shown) == [(Result.WRONG, "pods.podgate.dev: the caBundle is not a certificate in PEM")]


def test_no_bundle_and_no_certificate() -> None:
    public = "public authorities alone are trusted, and none signs names of Services"
    assert trusted(None, SERVED) == [(Result.WRONG, f"pods.podgate.dev has no caBundle: {public}")]
    assert trusted(BUNDLE, b"x") == [(Result.WRONG, "pods.podgate.dev: the certificate is not a certificate in PEM")]


def test_without_a_certificate_trust_was_not_looked_at() -> None:
    assert trusted(BUNDLE, None) == [
        (
            Result.UNSEEN,
            "whether the caBundle leads to what replicas show: Secrets are not read. Give tls.crt by --tls-cert",
        )
    ]


def test_an_authority_that_has_ended_is_seen_without_a_certificate() -> None:
    assert trusted(BUNDLE, None, NOW + timedelta(days=3651)) == [
        (Result.WRONG, "pods.podgate.dev trusts nobody: the caBundle ended at 2036-04-28T00:00:00Z")
    ]
