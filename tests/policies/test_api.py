"""Numbers of a pod are as large as Kubernetes lets them be."""

import pytest

from policies import resource
from policies.resource import UnreadableObjectError


def read(port: int) -> int | None:
    spec = {"containers": [{"name": "web", "ports": [{"containerPort": port}]}]}
    ports = resource.read({"apiVersion": "v1", "kind": "Pod", "spec": spec}).pods[0].pod.containers[0].spec.ports
    return ports[0].container_port if ports and ports[0] else None


@pytest.mark.parametrize("port", [-2_147_483_648, 0, 2_147_483_647])
def test_a_number_of_32_bits_is_read(port: int) -> None:
    assert read(port) == port


@pytest.mark.parametrize(
    ("port", "problem"),
    [(-2_147_483_649, "must be at least -2147483648"), (2_147_483_648, "must be at most 2147483647")],
)
def test_one_more_is_refused(port: int, problem: str) -> None:
    with pytest.raises(UnreadableObjectError) as caught:
        read(port)
    assert caught.value.problem == problem
    assert caught.value.path == ("spec", "containers", 0, "ports", 0, "containerPort")
