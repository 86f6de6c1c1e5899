"""How the process is told to run: flags over environment over defaults, and plain words about mistakes."""

import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from webhook import settings
from webhook.settings import Settings, SettingsError, load

KEYS = {"tls_cert": "tls.crt", "tls_key": "tls.key"}


@pytest.fixture(autouse=True)
def empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("PODGATE_"):
            monkeypatch.delenv(name)


def problems(flags: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(flags)
    return caught.value.problems


def test_defaults() -> None:
    found = load(KEYS)

    assert (found.host, found.port, found.ops_port, found.ops_host) == ("0.0.0.0", 8443, 8080, None)  # noqa: S104
    assert (found.tls_cert, found.tls_client_ca, found.policy) == (Path("tls.crt"), None, None)
    assert (found.decision_log, found.log_level, found.drain_seconds, found.read_timeout) == ("-", "info", 10.0, 5.0)


def test_a_secret_is_a_namespace_and_a_name() -> None:
    found = load({**KEYS, "managed_certificates": "podgate-system/podgate-tls"})
    assert (found.managed_certificates, found.webhook_configuration) == (("podgate-system", "podgate-tls"), "podgate")


def test_flags_win_over_the_environment_and_that_over_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODGATE_PORT", "1111")
    monkeypatch.setenv("PODGATE_OPS_PORT", "2222")
    found = load({**KEYS, "port": "3333"})

    assert (found.port, found.ops_port) == (3333, 2222)


def test_everything_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODGATE_TLS_CERT", "a")
    monkeypatch.setenv("PODGATE_TLS_KEY", "b")

    assert load({}).tls_key == Path("b")


def test_what_is_missing_is_named_with_both_its_names() -> None:
    assert problems({}) == [
        "--tls-cert (or PODGATE_TLS_CERT) is missing",
        "--tls-key (or PODGATE_TLS_KEY) is missing",
    ]


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("port", "65536", "--port: input should be less than or equal to 65535"),
        ("port", "-1", "--port: input should be greater than or equal to 0"),
        ("port", "http", "--port: input should be a valid integer, unable to parse string as an integer"),
        ("log_level", "loud", "--log-level: input should be 'debug', 'info', 'warning' or 'error'"),
        ("read_timeout", "0", "--read-timeout: input should be greater than 0"),
        ("drain_seconds", "-1", "--drain-seconds: input should be greater than or equal to 0"),
        ("managed_certificates", "podgate-tls", "--managed-certificates: input should be NAMESPACE/NAME of a Secret"),
        ("managed_certificates", "a/../b", "--managed-certificates: input should be NAMESPACE/NAME of a Secret"),
        ("managed_certificates", "a/b?c", "--managed-certificates: input should be NAMESPACE/NAME of a Secret"),
        ("managed_certificates", "", "--managed-certificates: input should be NAMESPACE/NAME of a Secret"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(name: str, value: str, problem: str) -> None:
    assert problems({**KEYS, name: value}) == [problem]


def test_a_mistake_in_the_environment_is_named_as_it_stands_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODGATE_PORT", "x")

    assert problems(KEYS)[0].startswith("PODGATE_PORT: ")


def test_an_unknown_variable_is_refused_with_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PODGATE_TLS_CRT", "x")
    monkeypatch.setenv("PODGATE_XYZZY", "x")

    assert problems(KEYS) == [
        "PODGATE_TLS_CRT is not a setting: did you mean PODGATE_TLS_CERT?",
        "PODGATE_XYZZY is not a setting",
    ]


def test_what_kubernetes_says_about_a_service_of_our_name_is_not_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "PODGATE_SERVICE_HOST": "10.0.0.1",
        "PODGATE_SERVICE_PORT": "443",
        "PODGATE_SERVICE_PORT_HTTPS": "443",
        "PODGATE_PORT": "tcp://10.0.0.1:443",
        "PODGATE_PORT_443_TCP": "tcp://10.0.0.1:443",
        "PODGATE_PORT_443_TCP_PROTO": "tcp",
        "PODGATE_PORT_443_TCP_PORT": "443",
        "PODGATE_PORT_443_TCP_ADDR": "10.0.0.1",
        "PODGATE_OPS_PORT": "tcp://10.0.0.2:8080",
        "PODGATE_OPS_SERVICE_HOST": "10.0.0.2",
        "PODGATE_WEBHOOK_PORT_443_TCP": "tcp://10.0.0.1:443",
        "PODGATE_WEBHOOK_PORT": "tcp://10.0.0.1:443",
    }.items():
        monkeypatch.setenv(name, value)
    found = load(KEYS)

    assert (found.port, found.ops_port) == (8443, 8080)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        load(KEYS).port = 1


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert settings.flag(name).startswith("--")
