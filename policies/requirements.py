"""What is in effect of the resources that containers ask for, and of those that they are held to.

Kubernetes takes a missing request from the limit (SetDefaults_Pod in pkg/apis/core/v1/defaults.go), and cpu and memory
may be set for the whole pod (KEP-2837). What a LimitRange adds is not known here.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

from policies import quantity
from policies.api import Quantity, ResourceRequirements
from policies.path import Path
from policies.pod import Container, ContainerKind, Pod
from policies.rule import Edit, Options, Put


class Default(Options, frozen=True):
    """What a fix writes where nothing is set."""

    default: Annotated[
        str | int | float | None, Meta(description="The quantity that a fix writes; without it nothing is fixed.")
    ] = None

    def __post_init__(self) -> None:
        require_quantity("default", self.default)


def require_quantity(name: str, value: Quantity | None) -> None:
    """Raise ValueError unless an option of this name is not set, or is a quantity above 0."""
    if value is not None and (quantity.number(value) or 0) <= 0:
        raise ValueError(f"{name} is {value}: write a quantity above 0, as in 500m or 1Gi")


_NONE = ResourceRequirements()
_NOTHING: Mapping[str, Quantity | None] = {}
_FOR_PODS = frozenset({"cpu", "memory"})


def holders(pod: Pod) -> Sequence[Container]:
    """The containers that can have resources.

    Ephemeral ones cannot (the API refuses it), and Tekton's steps call theirs by another name in each version.
    """
    if pod.names.containers == "steps":
        return ()
    if not pod.spec.ephemeral_containers:
        return pod.containers
    return [container for container in pod.containers if container.kind is not ContainerKind.EPHEMERAL]


def limit_flaw(container: Container, name: str) -> str:
    """Why nothing limits this container; empty when something does."""
    flaw = _flaw(_limits(container).get(name))
    return "" if not flaw or _pod_has(container.pod, name, request=False) else flaw


def request_flaw(container: Container, name: str) -> str:
    """Why nothing is kept free for this container; empty when something is."""
    request = _requests(container).get(name)
    flaw = _flaw(_limits(container).get(name) if request is None else request)
    if not flaw or _pod_has(container.pod, name, request=True):
        return ""
    return _UNSET if request is None else flaw


def edits(pod: Pod, path: Path, default: Quantity | None) -> Iterator[Edit]:
    """Write the default at this path of a request or limit, unless that sets it against what else is written."""
    which, name = path[-2:]
    container = next(found for found in pod.containers if found.at() == path[:3])
    if default is None or _named_for_pod(pod, str(name)):
        return
    of_limit = which == "limits"
    other = (_requests if of_limit else _limits)(container).get(str(name))
    if other is None or (_in_order(other, default) if of_limit else _in_order(default, other)):
        yield Put(path, default)


_UNSET = "is not set"


def _flaw(value: Quantity | None) -> str:
    if value is None:
        return _UNSET
    return _known_flaw(value) if quantity.is_usual(value) else _sought_flaw(value)


def _sought_flaw(value: Quantity) -> str:
    number = quantity.number(value)
    if number is None or number < 0:
        return "is no amount that Kubernetes takes"
    return "" if number else "is 0, which stands for none"


_known_flaw = lru_cache(maxsize=4096)(_sought_flaw)


def _in_order(low: Quantity, high: Quantity) -> bool:
    low_number, high_number = quantity.number(low), quantity.number(high)
    return low_number is not None and high_number is not None and low_number <= high_number


def _requests(container: Container) -> Mapping[str, Quantity | None]:
    return (container.spec.resources or _NONE).requests or _NOTHING


def _limits(container: Container) -> Mapping[str, Quantity | None]:
    return (container.spec.resources or _NONE).limits or _NOTHING


def _pod_has(pod: Pod, name: str, *, request: bool) -> bool:
    """Whether it is set for the whole pod: its limit, or where that is enough its request."""
    of_pod = pod.spec.resources
    if of_pod is None or name not in _FOR_PODS:
        return False
    in_requests = request and not _flaw((of_pod.requests or _NOTHING).get(name))
    return in_requests or not _flaw((of_pod.limits or _NOTHING).get(name))


def _named_for_pod(pod: Pod, name: str) -> bool:
    of_pod = pod.spec.resources or _NONE
    return name in (of_pod.requests or _NOTHING) or name in (of_pod.limits or _NOTHING)
