import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import lists
from policies.image import Image, parse
from policies.lists.image_roles import ImageRoles, Role

ROLES: ImageRoles = lists.load(ImageRoles)


def role(reference: str) -> Role:
    return ROLES.role(parse(reference), reference)


def image(reference: str) -> Image:
    found = parse(reference)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("registry.example.com/acme/billing:1.4", Role.SPECIFIC),
        ("health-check", Role.SPECIFIC),
        ("quay.io/calico/node:v3.29.1", Role.SPECIFIC),
        ("oryd/hydra:v2.2.0", Role.SPECIFIC),
        ("quay.io/airshipit/swift:latest", Role.SPECIFIC),
        ("registry.k8s.io/git-sync/git-sync:v4.4.0", Role.SPECIFIC),
        ("prom/node-exporter:v1.8.2", Role.SPECIFIC),
        ("harbor.example.com/library/billing", Role.SPECIFIC),
        ("example.com/docker:27", Role.SPECIFIC),
        ("nginx", Role.OFFICIAL),
        ("nginx:1.27@sha256:" + "0" * 64, Role.OFFICIAL),
        ("public.ecr.aws/docker/library/redis:7", Role.OFFICIAL),
        ("harbor.example.com/dockerhub/library/mysql:8.4", Role.OFFICIAL),
        ("bitnami/postgres", Role.OFFICIAL),
        ("arm64v8/httpd:2.4", Role.OFFICIAL),
        ("cgr.dev/chainguard/nginx", Role.OFFICIAL),
        ("nginxinc/nginx-unprivileged:1.27", Role.OFFICIAL),
        ("python:3.13-slim", Role.RUNTIME),
        ("node:22", Role.RUNTIME),
        ("cgr.dev/chainguard/node", Role.RUNTIME),
        ("quay.io/bitnami/python", Role.RUNTIME),
        ("registry.example.com/base/python3:1", Role.RUNTIME),
        ("registry.example.com/python-curl", Role.RUNTIME),
        ("mcr.microsoft.com/dotnet/sdk:9.0", Role.RUNTIME),
        ("nicolaka/netshoot", Role.TOOL),
        ("docker:27-dind", Role.TOOL),
        ("public.ecr.aws/docker/library/docker", Role.TOOL),
        ("registry.example.com/tools/alpine-kubectl:2", Role.TOOL),
        ("nixery.dev/shell/kubectl/jq", Role.TOOL),
        ("alpine", Role.BASE),
        ("registry.example.com:5000/mirror/alpine:3.21", Role.BASE),
        ("example.com/ubuntu-22.04", Role.BASE),
        ("registry.access.redhat.com/ubi9/ubi-minimal:9.5", Role.BASE),
        ("example.com/ubi9-minimal", Role.BASE),
        ("registry.k8s.io/pause-amd64:3.1", Role.SPECIFIC),
        ("gcr.io/distroless/static-debian12", Role.BASE),
        ("scratch", Role.BASE),
        ("kalilinux/kali-rolling", Role.ATTACK),
        ("example.com/kali-rolling", Role.ATTACK),
        ("aquasec/kube-hunter:0.6.8", Role.ATTACK),
        ("example.com/alpine-xmrig", Role.ATTACK),
        ("hildeteamtnt/anything", Role.ATTACK),
    ],
)
def test_an_image_has_the_role_that_its_name_tells(reference: str, expected: Role) -> None:
    assert role(reference) is expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("${REGISTRY}/alpine:3.21", Role.BASE),
        ("${REGISTRY}/Alpine@{{ .Values.digest }}", Role.BASE),
        ("{{ .Values.image }}:{{ .Values.tag }}", Role.SPECIFIC),
        ("", Role.SPECIFIC),
        ("/:@", Role.SPECIFIC),
        ("alpine/" * 500_000, Role.SPECIFIC),
    ],
)
def test_a_reference_that_is_none_is_read_as_text(reference: str, expected: Role) -> None:
    assert parse(reference) is None
    assert role(reference) is expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("nginx:1.27", None),
        ("adminer:5", None),
        ("evil.example.com/billing:1", None),
        ("attacker:5000/billing", None),
        ("bitnami/sealed-secrets-controller", None),
        ("linuxserver/sidecar-injector", None),
        ("searxng/searxng", None),
        ("acme/cve:2024", "cve"),
        ("acme/cve-bin-tool:3.4", None),
        ("acme/cve", None),
        ("fish/cve-2022-0185-crash-poc", "cve"),
        ("ghcr.io/acme/k8s-attack-simulation", "attack"),
        ("ghcr.io/Acme/Hacker_Tools:1", "hacker"),
        ("acme/webserver:backdoored", "backdoored"),
        ("acme/webserver:1@sha256:" + "0" * 64, None),
        ("vulhub/php:8.1", "vulhub"),
        ("acme/reverse-shell", "reverse-shell"),
        ("bkimminich/juice-shop:v17.1.1", "juice-shop"),
        ("controlplaneoffsec/kubectl", "offsec"),
        ("ttl.sh/0b6a1f:1h", "ttl.sh"),
        ("ttl.sh:443/0b6a1f:1h", "ttl.sh"),
        ("3f2a.ngrok-free.app/app", "ngrok-free.app"),
        ("notttl.sh/app", None),
        ("ttl.sh", None),
        ("", None),
        ("a" * 3_000_000 + "-attack", None),
    ],
)
def test_a_name_betrays_an_attack_by_whole_words(reference: str, expected: str | None) -> None:
    assert ROLES.betrays(reference) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("health-check:latest", True),
        ("docker.io/library/my-app", True),
        ("localhost/my-app", True),
        ("localhost:32000/acme/my-app", True),
        ("nginx", False),
        ("sentry", False),
        ("acme/my-app", False),
        ("registry.example.com/library/my-app", False),
    ],
)
def test_a_name_without_account_or_registry_is_known_or_not(reference: str, expected: bool) -> None:
    assert ROLES.is_unknown_library(image(reference)) is expected


def test_a_name_has_one_role() -> None:
    lines = [*ROLES.applications, *ROLES.runtimes, *ROLES.tools, *ROLES.bases, *ROLES.attacks]
    assert sorted(lines) == sorted(set(lines))


def test_names_are_in_small_letters_without_blanks() -> None:
    lines = [*ROLES.official, *ROLES.runtimes, *ROLES.tools, *ROLES.bases, *ROLES.attacks, *ROLES.words]
    assert [line for line in lines if line != line.lower() or " " in line or not line] == []


def test_a_place_names_its_registry() -> None:
    lines = [*ROLES.applications, *ROLES.runtimes, *ROLES.tools, *ROLES.bases, *ROLES.attacks]
    places = [line.partition("/")[0] for line in lines if "/" in line]
    assert [first for first in places if "." not in first and first != "library"] == []


def test_what_means_something_only_among_official_images_is_one_of_them() -> None:
    lines = [*ROLES.runtimes, *ROLES.tools, *ROLES.bases]
    names = {line.removeprefix("library/") for line in lines if line.startswith("library/")}
    assert names - ROLES.official_names == {"go", "git"}


def test_words_are_whole_words() -> None:
    assert [word for word in ROLES.words if not word.isalnum()] == []


@given(st.text(max_size=900))
def test_any_text_has_a_role_and_betrays_something_or_not(text: str) -> None:
    assert isinstance(role(text), Role)
    assert ROLES.betrays(text) is None or ROLES.betrays(text) in {
        *ROLES.words,
        *ROLES.phrases,
        *ROLES.fused,
        *ROLES.ephemeral,
        "cve",
    }
