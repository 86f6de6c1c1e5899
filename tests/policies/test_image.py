"""Image references are read as distribution/reference reads them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.image import Image, parse

SHA256 = "sha256:" + "0a" * 32
SHA512 = "sha512:" + "0a" * 64
VALID = {
    "nginx": ("docker.io", "library/nginx", "", ""),
    "nginx:1.27": ("docker.io", "library/nginx", "1.27", ""),
    "library/nginx": ("docker.io", "library/nginx", "", ""),
    "docker.io/nginx": ("docker.io", "library/nginx", "", ""),
    "index.docker.io/nginx": ("docker.io", "library/nginx", "", ""),
    "Docker.IO/nginx": ("docker.io", "library/nginx", "", ""),
    "registry-1.docker.io/library/nginx": ("docker.io", "library/nginx", "", ""),
    "registry.hub.docker.com/bitnami/redis": ("docker.io", "bitnami/redis", "", ""),
    "docker.io.example.com/nginx": ("docker.io.example.com", "nginx", "", ""),
    "bitnami/redis:7": ("docker.io", "bitnami/redis", "7", ""),
    "registry.example.com/team/app": ("registry.example.com", "team/app", "", ""),
    "registry.example.com:5000/team/app:v1": ("registry.example.com:5000", "team/app", "v1", ""),
    "registry:5000/app": ("registry:5000", "app", "", ""),
    # Without a slash the part after the colon is a tag.
    "registry:5000": ("docker.io", "library/registry", "5000", ""),
    "localhost/app": ("localhost", "app", "", ""),
    "localhost:5000/app:v1": ("localhost:5000", "app", "v1", ""),
    # No account has a capital in its name, so this is a host.
    "REGISTRY/app": ("registry", "app", "", ""),
    "[2001:db8::1]:5000/app:v1": ("[2001:db8::1]:5000", "app", "v1", ""),
    "[::1]/app": ("[::1]", "app", "", ""),
    f"nginx@{SHA256}": ("docker.io", "library/nginx", "", SHA256),
    f"nginx:1.27@{SHA512}": ("docker.io", "library/nginx", "1.27", SHA512),
    "a/b/c/d:x": ("docker.io", "a/b/c/d", "x", ""),
    "a__b/c---d/e.f_g": ("docker.io", "a__b/c---d/e.f_g", "", ""),
    "host_name.example/app": ("host_name.example", "app", "", ""),
    "nginx:" + "a" * 128: ("docker.io", "library/nginx", "a" * 128, ""),
    "docker.io/" + "a" * 247: ("docker.io", "library/" + "a" * 247, "", ""),
}
INVALID = [
    "", " ", "nginx ", " nginx", "nginx:", ":1.27", "nginx:a b", "nginx:-a", "nginx:.a", "nginx:a:b", "nginx\n",
    "nginx:1\n", "NGINX", "docker.io/NGINX", "a//b", "/nginx", "nginx/", "a..b", "a___b", "-a", "a-", "a/-b", "a.-b",
    "registry.example.com:/app", "registry.example.com:port/app", "-registry.example.com/app", "registry-.example/A",
    "registry..example.com/app", "[::g]/app", "[::1]", "nginx@", "nginx@sha256:", f"nginx@{SHA256[:-1]}",
    f"nginx@{SHA256.upper()}", f"nginx@{SHA256}0", "nginx@md5:" + "0" * 32, f"nginx@{SHA256}@{SHA256}",
    f"@{SHA256}", "0" * 64, "https://registry.example.com/app", "nginx:" + "a" * 129, "${IMAGE}", "{{ .Values.image }}",
    "b\u00fccher/app", "\u0430lpine", "docker.io/" + "a" * 256, "a" * 10_000_000,
]  # fmt: skip


@pytest.mark.parametrize(("reference", "parts"), VALID.items(), ids=lambda value: str(value)[:40])
def test_references_are_spelled_out(reference: str, parts: tuple[str, str, str, str]) -> None:
    assert parse(reference) == Image(*parts)


@pytest.mark.parametrize("reference", INVALID, ids=lambda value: repr(value[:40]))
def test_what_no_runtime_can_pull_is_none(reference: str) -> None:
    assert parse(reference) is None


@pytest.mark.parametrize(
    ("reference", "name", "base", "product"),
    [
        ("nginx:1.27", "docker.io/library/nginx", "nginx", "library/nginx"),
        ("mirror.example.com/hub/library/nginx", "mirror.example.com/hub/library/nginx", "nginx", "library/nginx"),
        ("registry.k8s.io/pause:3.10", "registry.k8s.io/pause", "pause", "registry.k8s.io/pause"),
        (
            "registry.k8s.io/ingress-nginx/controller",
            "registry.k8s.io/ingress-nginx/controller",
            "controller",
            "ingress-nginx/controller",
        ),
    ],
)
def test_names(reference: str, name: str, base: str, product: str) -> None:
    image = parse(reference)
    assert image is not None
    assert (image.name, image.base, image.product) == (name, base, product)


@given(st.text(alphabet="abAZ09._-/:@[] \n\u00e9", max_size=40))
def test_what_was_read_reads_the_same_when_spelled_out(reference: str) -> None:
    image = parse(reference)
    # A registry of one word is told from an account by its capitals, which do not last.
    if image is not None and re.search(r"[.:]|^localhost$", image.registry):
        tag = f":{image.tag}" if image.tag else ""
        digest = f"@{image.digest}" if image.digest else ""
        assert parse(f"{image.name}{tag}{digest}") == image


def test_the_longest_repository_and_reference_are_read_and_nothing_longer() -> None:
    assert parse("example.com/" + "a" * 255) is not None
    assert parse("example.com/" + "a" * 256) is None
    host = ".".join(["a" * 50] * 20)
    rest = "/" + "b" * 100
    assert len(found := f"{host[: 800 - len(rest)]}{rest}") == 800
    assert parse(found) is not None
    assert parse(f"a{found}") is None
