from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, NamedTuple

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
    def by_place(self) -> dict[tuple[str, str], Quantity | None]:
        """By the field that they bound."""
        return {
            ("requests", "cpu"): self.max_cpu_request,
            ("limits", "cpu"): self.max_cpu_limit,
            ("requests", "memory"): self.max_memory_request,
            ("limits", "memory"): self.max_memory_limit,
        }


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
        for flaw in _flaws(of_pod, options):
            yield Violation(pod.at("resources", flaw.which, flaw.name), flaw.problem)
    for container in pod.containers:
        if (resources := container.spec.resources) is not None:
            for flaw in _flaws(resources, options):
                path = container.at("resources", flaw.which, flaw.name)
                yield Violation(path, f"{flaw.problem} ({container})")


class _Flaw(NamedTuple):
    which: str
    name: str
    problem: str


_NOTHING: Mapping[str, Quantity | None] = {}


def _flaws(resources: ResourceRequirements, options: Maxima) -> Iterator[_Flaw]:
    maxima = options.by_place
    limits = resources.limits or _NOTHING
    for name, value in (resources.requests or _NOTHING).items():
        if value is not None:
            problem = _problem(name, value, maxima.get(("requests", name)), "maximum")
            if problem := problem or _problem(name, value, limits.get(name), "limit"):
                yield _Flaw("requests", name, problem)
    for name, value in limits.items():
        if value is not None and (problem := _problem(name, value, maxima.get(("limits", name)), "maximum")):
            yield _Flaw("limits", name, problem)


_IN_BYTES = frozenset({"memory", "ephemeral-storage"})


def _problem(name: str, value: Quantity, most: Quantity | None, called: str) -> str:
    """What is wrong with a quantity, of which there should be at most so much; empty when nothing is."""
    number, bound = quantity.number(value), quantity.number(most)
    if number is None:
        problem = "which is not a quantity"
    elif number < 0:
        problem = "which is below 0"
    elif name in _IN_BYTES and number != number.to_integral_value():
        problem = "which is no whole number of bytes"
    elif most is not None and bound is not None and number > bound:
        problem = f"above the {called} of {_written(most)}"
    else:
        return ""
    return f"is {_written(value)}, {problem}"


def _written(value: Quantity) -> str:
    """A quantity as messages show it."""
    too_long = isinstance(value, int) and value.bit_length() > 1_000
    return "a very long number" if too_long else shown(str(value))
