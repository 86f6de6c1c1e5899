from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Annotated

from msgspec import Meta

from policies import quantity
from policies.api import Quantity, ResourceRequirements
from policies.pod import Pod, shown
from policies.requirements import require_quantity
from policies.rule import Options, Severity, Violation, rule

_Maximum = str | int | float | None


class Maxima(Options, frozen=True, dict=True):
    """The most that containers may ask for; without a value there is no bound."""

    max_cpu_request: Annotated[_Maximum, Meta(description="The largest CPU request.")] = None
    max_cpu_limit: Annotated[_Maximum, Meta(description="The largest CPU limit.")] = None
    max_memory_request: Annotated[_Maximum, Meta(description="The largest memory request.")] = None
    max_memory_limit: Annotated[_Maximum, Meta(description="The largest memory limit.")] = None

    def __post_init__(self) -> None:
        require_quantity("maxCpuRequest", self.max_cpu_request)
        require_quantity("maxCpuLimit", self.max_cpu_limit)
        require_quantity("maxMemoryRequest", self.max_memory_request)
        require_quantity("maxMemoryLimit", self.max_memory_limit)

    @cached_property
    def of_requests(self) -> Mapping[str, Quantity]:
        return _set({"cpu": self.max_cpu_request, "memory": self.max_memory_request})

    @cached_property
    def of_limits(self) -> Mapping[str, Quantity]:
        return _set({"cpu": self.max_cpu_limit, "memory": self.max_memory_limit})


def _set(maxima: Mapping[str, Quantity | None]) -> Mapping[str, Quantity]:
    return {name: value for name, value in maxima.items() if value is not None}


@rule(
    title="Resource request or limit out of range",
    severity=Severity.MEDIUM,
    references=(
        "NSA/CISA: Resource policies",
        "MITRE ATT&CK T1499",
        "k8s.io/apimachinery/pkg/api/resource/quantity.go",
    ),
    remediation="Write a quantity within the policy's maximum, as in 500m or 1Gi, and no request above its limit.",
)
def resource_range(pod: Pod, options: Maxima) -> Iterator[Violation]:
    """Who may ask for all of a node's memory keeps others from being scheduled, and a limit as large as the node is
    none. The maxima are the policy's; without them only what Kubernetes refuses or warns of is found: what is no
    quantity, is below 0, is a fraction of a byte (`400m` of memory is less than one), or a request above its limit.

    Legitimate where a workload is known to need more: databases, builds and machine learning. Raise the maximum for
    their namespaces.
    """
    if (of_pod := pod.spec.resources) is not None:
        for which, name, problem in _flaws(of_pod, options):
            yield Violation(pod.at("resources", which, name), problem)
    for container in pod.containers:
        if (resources := container.spec.resources) is not None:
            for which, name, problem in _flaws(resources, options):
                yield Violation(container.at("resources", which, name), f"{problem} ({container})")


_NOTHING: Mapping[str, Quantity | None] = {}


def _flaws(resources: ResourceRequirements, options: Maxima) -> Iterator[tuple[str, str, str]]:
    """Whether it is among requests or limits, the name of the resource, and what is wrong with it."""
    limits = resources.limits or _NOTHING
    most = options.of_requests
    for name, value in (resources.requests or _NOTHING).items():
        if value is not None and (problem := _problem(name, value, most.get(name), limits.get(name))):
            yield "requests", name, problem
    most = options.of_limits
    for name, value in limits.items():
        if value is not None and (problem := _problem(name, value, most.get(name), None)):
            yield "limits", name, problem


_IN_BYTES = frozenset({"memory", "ephemeral-storage"})
_ZERO = Decimal(0)


def _problem(name: str, value: Quantity, most: Quantity | None, limit: Quantity | None) -> str:
    """What is wrong with a quantity; empty when nothing is."""
    asked = name in _IN_BYTES, value, most, limit
    return _known_problem(*asked) if quantity.is_usual(value) and quantity.is_usual(limit) else _sought_problem(*asked)


def _sought_problem(in_bytes: bool, value: Quantity, most: Quantity | None, limit: Quantity | None) -> str:
    number = quantity.number(value)
    if number is None:
        problem = "which is not a quantity"
    elif number < _ZERO:
        problem = "which is below 0"
    elif in_bytes and number != number.to_integral_value():
        problem = "which is no whole number of bytes"
    elif most is not None and number > quantity.parse(most):
        problem = f"above the maximum of {most}"
    elif limit is not None and (bound := quantity.number(limit)) is not None and number > bound:
        problem = f"above the limit of {_written(limit)}"
    else:
        return ""
    return f"is {_written(value)}, {problem}"


#: What is asked for is nearly always the same; and 1 is not written as 1.0 is.
_known_problem = lru_cache(maxsize=4096, typed=True)(_sought_problem)


def _written(value: Quantity) -> str:
    """A quantity as messages show it."""
    too_long = isinstance(value, int) and value.bit_length() > 1_000
    return "a very long number" if too_long else shown(str(value))
