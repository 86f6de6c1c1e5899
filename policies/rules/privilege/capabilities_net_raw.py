from collections.abc import Iterator

from policies.capability import ALL, bare, only
from policies.path import Path
from policies.pod import Container, Pod
from policies.rule import Edit, Put, Severity, Violation, rule

_NAME = "NET_RAW"
_DROPS = frozenset({_NAME, ALL})


def _fix(pod: Pod, path: Path) -> Iterator[Edit]:
    for container in pod.concerned(path):
        if _added(container) is not None:
            yield only(container, lambda name: bare(name) != _NAME)
        if not _dropped(container):
            drop = container.at("securityContext", "capabilities", "drop")
            yield Put(drop, [*filter(None, container.dropped_capabilities), _NAME])


@rule(
    title="Raw sockets",
    severity=Severity.LOW,
    references=("CIS 5.2.8", "NSA/CISA: Pod security", "MITRE ATT&CK T1557", "CVE-2020-14386"),
    remediation="Set securityContext.capabilities.drop to [ALL], or to a list with NET_RAW, and do not add NET_RAW.",
    fix=_fix,
)
def capabilities_net_raw(pod: Pod) -> Iterator[Violation]:
    """Containers have NET_RAW by default. With it an attacker who is root in the container forges packets, answers ARP
    and DNS requests in the name of others, and so reads and changes the traffic of pods on the same node.

    Legitimate for ping and other programs that look at the network; most kernels let ping work without it
    (net.ipv4.ping_group_range). Not asked of Windows pods, which have no capabilities (KEP-2802).
    """
    if pod.windows:
        return
    for container in pod.containers:
        if (index := _added(container)) is not None:
            yield Violation(
                container.at("securityContext", "capabilities", "add", index), f"adds NET_RAW ({container})"
            )
        elif not _dropped(container):
            path = container.at("securityContext", "capabilities", "drop")
            yield Violation(path, f"contains neither ALL nor NET_RAW ({container})")


def _added(container: Container) -> int | None:
    for index, name in enumerate(container.added_capabilities):
        if bare(name) == _NAME:
            return index
    return None


def _dropped(container: Container) -> bool:
    return not _DROPS.isdisjoint(map(bare, container.dropped_capabilities))
