from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from msgspec import Meta

from policies.networks import Networks
from policies.objects import Service
from policies.path import Path
from policies.pod import shown
from policies.rule import Drop, Edit, Options, Put, Severity, Violation, rule


class Addresses(Options, frozen=True, dict=True):
    """Which addresses Services may claim."""

    allow: Annotated[
        tuple[str, ...],
        Meta(description="Addresses or networks that a Service may claim, such as 203.0.113.0/28. None by default."),
    ] = ()

    def __post_init__(self) -> None:
        # To read them is to refuse what cannot be read.
        self.allowed  # noqa: B018

    @cached_property
    def allowed(self) -> Networks:
        return Networks(self.allow)


def _fix(service: Service, path: Path, options: Addresses) -> Iterator[Edit]:
    addresses = (service.spec.external_ips if service.spec is not None else None) or ()
    kept = [address for address in addresses if address and options.allowed.hold(address)]
    yield Put(path, kept) if kept else Drop(path)


@rule(
    title="Service that claims addresses",
    severity=Severity.HIGH,
    references=("CVE-2020-8554", "NSA/CISA: Network separation", "MITRE ATT&CK T1557"),
    remediation="Remove spec.externalIPs; use a Service of type LoadBalancer, a Gateway or an Ingress.",
    fix=_fix,
)
def external_ips(service: Service, options: Addresses) -> Iterator[Violation]:
    """Every node sends traffic for these addresses to the Service's pods, whoever they belong to. Who claims the
    address of a resolver, a registry or a neighbour reads what all pods of the cluster send there (CVE-2020-8554, which
    is not mended).

    Legitimate in clusters of machines where an administrator routes these addresses to the nodes: list them in `allow`.
    """
    addresses = (service.spec.external_ips if service.spec is not None else None) or ()
    claimed = [address for address in addresses if address and not options.allowed.hold(address)]
    if claimed:
        more = f" and {len(claimed) - 3} more" if len(claimed) > 3 else ""
        yield Violation(("spec", "externalIPs"), f"claims {', '.join(map(shown, claimed[:3]))}{more}")
