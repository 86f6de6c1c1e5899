from collections.abc import Iterator

from policies.objects import PodDisruptionBudget, PodDisruptionBudgetSpec
from policies.pod import shown
from policies.rule import Severity, Violation, rule

_EMPTY = PodDisruptionBudgetSpec()


@rule(
    title="Disruption budget that allows nothing, or everything",
    severity=Severity.MEDIUM,
    references=("KEP-85", "Kubernetes: Specifying a Disruption Budget", "MITRE ATT&CK T1499"),
    remediation="Set maxUnavailable to 1 or more, or minAvailable below the number of replicas.",
)
def pdb_misconfigured(budget: PodDisruptionBudget) -> Iterator[Violation]:
    """A budget that allows no disruption stops every drain of a node: the node is not patched, or somebody forces it
    and takes down what the budget was for. One that says nothing allows none. One that allows everything protects
    nothing.

    Legitimate for what must be moved by hand, in agreement with who drains the nodes.
    """
    spec = budget.spec or _EMPTY
    may_be_missing, must_be_there = spec.max_unavailable, spec.min_available
    if may_be_missing is None and must_be_there is None:
        yield Violation(("spec",), "says neither minAvailable nor maxUnavailable, which allows no disruption")
    if may_be_missing is not None and (allowed := _ALLOWED.get(_share(may_be_missing))):
        yield Violation(("spec", "maxUnavailable"), f"is {shown(str(may_be_missing))}, which allows {allowed}")
    if must_be_there is not None and (allowed := _FORBIDDEN.get(_share(must_be_there))):
        yield Violation(("spec", "minAvailable"), f"is {shown(str(must_be_there))}, which allows {allowed}")


_ALLOWED = {"none": "no disruption", "all": "any number of disruptions"}
_FORBIDDEN = {"none": "any number of disruptions", "all": "no disruption"}


def _share(value: int | str) -> str:
    """How many pods this is: none, all, or some, which depends on how many there are."""
    number, percent = (value.removesuffix("%"), "%" in value) if isinstance(value, str) else (str(value), False)
    if len(number) > 12 or not number.removeprefix("-").isdecimal():
        return "some"
    if int(number) <= 0:
        return "none"
    return "all" if percent and int(number) >= 100 else "some"
