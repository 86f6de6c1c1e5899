from collections.abc import Iterator
from typing import Any

from policies.objects import NetworkPolicy, NetworkPolicyPeer, NetworkPolicyRule
from policies.pod import shown
from policies.rule import Severity, Violation, rule


@rule(
    title="Network policy that lets everything pass",
    severity=Severity.MEDIUM,
    references=("CIS 5.3.2", "NSA/CISA: Network separation", "MITRE ATT&CK T1046", "MITRE ATT&CK T1041"),
    remediation="Name the peers in from or to, by podSelector and namespaceSelector or by a network.",
)
def network_policy_permissive(netpol: NetworkPolicy) -> Iterator[Violation]:
    """Policies add up: one that allows everything undoes all others for its pods, and looks like protection. An
    attacker in any pod reaches these, or gets out with what was found.

    Legitimate inwards for what the public uses, as an ingress controller, and outwards for pods that call arbitrary
    addresses. Leave to ask a DNS server, on port 53 of anything, is no finding, nor is everything except some networks.
    """
    spec = netpol.spec
    if spec is None:
        return
    types = [each for each in spec.policy_types or () if each]
    for field, peers, rules in (("ingress", "from", spec.ingress), ("egress", "to", spec.egress)):
        if types and field.capitalize() not in types:
            continue
        for index, each in enumerate(rules or ()):
            yield from _open(each or NetworkPolicyRule(), field, index, peers)


def _open(each: NetworkPolicyRule, field: str, index: int, peers: str) -> Iterator[Violation]:
    allowed = [peer for peer in (each.from_ if peers == "from" else each.to) or () if peer is not None]
    where = "sources" if peers == "from" else "destinations"
    if not allowed:
        if field == "ingress" or not _is_dns(each.ports):
            yield Violation(("spec", field, index), f"allows all {where}")
        return
    for position, peer in enumerate((each.from_ if peers == "from" else each.to) or ()):
        if peer is not None and (whom := _everybody(peer)):
            yield Violation(("spec", field, index, peers, position), f"allows {whom}")


def _everybody(peer: NetworkPolicyPeer) -> str | None:
    block = peer.ip_block
    if block is not None:
        everything = (block.cidr or "").endswith("/0") and not any(block.except_ or ())
        return f"every address ({shown(block.cidr)})" if everything else None
    if peer.namespace_selector is not None and _is_empty(peer.namespace_selector) and _is_empty(peer.pod_selector):
        return "every pod of every namespace"
    return None


def _is_empty(selector: dict[str, Any] | None) -> bool:
    return not any((selector or {}).values())


def _is_dns(ports: tuple[dict[str, Any] | None, ...] | None) -> bool:
    return bool(ports) and all(
        port is not None and port.get("port") in (53, "53", "dns", "dns-tcp") for port in ports or ()
    )
