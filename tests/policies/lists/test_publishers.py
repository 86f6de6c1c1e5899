import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import lists
from policies.image import Image, parse
from policies.lists.publishers import Publishers

PUBLISHERS: Publishers = lists.load(Publishers)


def image(reference: str) -> Image:
    found = parse(reference)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("registry.k8s.io/sig-storage/csi-provisioner:v5.1.0", "Kubernetes"),
        ("registry.k8s.io/pause", "Kubernetes"),
        ("quay.io/cilium/cilium:v1.16.5", "Cilium"),
        ("calico/node:v3.29.1", "Calico"),
        ("index.docker.io/calico/node:v3.29.1", "Calico"),
        ("mirror.gcr.io/calico/node:v3.29.1", "Calico"),
        ("eu.gcr.io/datadoghq/agent:7", "Datadog"),
        ("ghcr.io/aquasecurity/trivy:0.58.1", "Aqua Security"),
        ("nvcr.io/nvidia/k8s/dcgm-exporter:4.1.1", "NVIDIA"),
        ("mcr.microsoft.com/oss/v2/kubernetes-csi/azuredisk-csi:v1.31", "Microsoft"),
        ("602401143452.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni:v1.19.2", "Amazon EKS add-ons"),
        ("961992271922.dkr.ecr.cn-northwest-1.amazonaws.com.cn/eks/multus-cni", "Amazon EKS add-ons"),
        ("europe-docker.pkg.dev/gardener-project/releases/gardener/etcdbrctl", "Gardener"),
    ],
)
def test_a_publisher_is_known_by_the_place_of_its_images(reference: str, expected: str) -> None:
    found = PUBLISHERS.find(image(reference).name)
    assert found is not None
    assert found.name == expected
    assert PUBLISHERS.known(image(reference))


@pytest.mark.parametrize(
    "reference",
    [
        "nginx",
        "health-check",
        "cilium",
        "acme/billing",
        "ciliumx/cilium",
        "quay.io/cilium-x/cilium",
        "acme/quay.io/cilium/cilium",
        "registry.example.com/calico/node",
        "registry.example.com/quay.io/cilium/cilium",
        "registry.k8s.io.example.com/pause",
        "111122223333.dkr.ecr.us-west-2.amazonaws.com/amazon-k8s-cni",
        "602401143452.dkr.ecr.us-west-2.amazonaws.com.example.com/amazon-k8s-cni",
        "602401143452.dkr.ecr.a.b.amazonaws.com/amazon-k8s-cni",
        "602401143452.dkr.ecr.amazonaws.com/amazon-k8s-cni",
        "quay.io:8443/cilium/cilium",
        "localhost/cilium/cilium",
    ],
)
def test_what_others_can_push_is_not_known(reference: str) -> None:
    assert not PUBLISHERS.known(image(reference))


def test_what_is_no_reference_is_not_known() -> None:
    assert not PUBLISHERS.known(None)
    assert not PUBLISHERS.mirrored(None)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("registry.example.com/quay.io/cilium/cilium", True),
        ("registry.example.com/team/ghcr.io/fluxcd/source-controller", True),
        ("111122223333.dkr.ecr.eu-west-1.amazonaws.com/docker-hub/calico/node", True),
        ("registry.example.com/acme-dockerhub-mirror/calico/node", True),
        ("registry.example.com/acme-ghcr-io-mirror/fluxcd/source-controller", True),
        ("registry.example.com/proxy-ghcr-io-cache/fluxcd/source-controller", True),
        ("registry.example.com/ghcr-proxy/fluxcd/source-controller", True),
        ("registry.example.com/k8s/pause", True),
        ("registry.example.com/calico/node", False),
        ("registry.example.com/acme-mirror/calico/node", False),
        ("registry.example.com/quay.io/acme/app", False),
        ("registry.example.com/dockerhub/acme/app", False),
        ("registry.example.com/cilium/quay.io", False),
        ("quay.io/cilium/cilium", False),
    ],
)
def test_a_mirror_says_whose_image_it_holds(reference: str, expected: bool) -> None:
    assert PUBLISHERS.mirrored(image(reference)) is expected


def test_no_place_is_named_twice_or_lies_below_another() -> None:
    places = [place for publisher in PUBLISHERS.publishers for place in publisher.images]
    assert sorted(places) == sorted(set(places))
    below = [
        (place, other)
        for place in places
        for other in (place.rsplit("/", count)[0] for count in range(1, place.count("/") + 1))
        if other in set(places)
    ]
    assert below == []


def test_every_place_can_be_found() -> None:
    places = [place.replace("*", "eu-west-1") for each in PUBLISHERS.publishers for place in each.images]
    assert [place for place in places if not PUBLISHERS.known(image(f"{place}/some/image"))] == []


def test_where_anybody_can_open_an_account_an_account_is_named() -> None:
    hosts = {
        "docker.io",
        "ghcr.io",
        "quay.io",
        "gcr.io",
        "public.ecr.aws",
        "registry.gitlab.com",
        "codeberg.org",
        "icr.io",
    }
    assert hosts.isdisjoint(place for each in PUBLISHERS.publishers for place in each.images)


def test_official_images_and_marketplaces_are_nobody_s() -> None:
    for reference in ("docker.io/library/nginx", "public.ecr.aws/docker/library/nginx", "public.ecr.aws/m9h2b5e7/app"):
        assert not PUBLISHERS.known(image(reference))


def test_every_line_has_a_source() -> None:
    assert [each.name for each in PUBLISHERS.publishers if not each.source.startswith("https://")] == []


def test_a_mirror_stands_for_a_registry_that_is_looked_up() -> None:
    hosts = {place.partition("/")[0] for each in PUBLISHERS.publishers for place in each.images}
    assert set(PUBLISHERS.mirrors.values()) | set(PUBLISHERS.aliases.values()) <= hosts


@given(st.from_regex(r"[a-z0-9./:*-]{0,60}", fullmatch=True))
def test_any_name_is_looked_up(name: str) -> None:
    found = parse(name)
    assert PUBLISHERS.known(found) in {True, False}
    assert PUBLISHERS.mirrored(found) in {True, False}
