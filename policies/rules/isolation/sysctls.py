from collections.abc import Iterator

from policies.path import Path
from policies.pod import Pod, shown
from policies.rule import Drop, Edit, Put, Severity, Violation, rule
from policies.standard import Level, Standard, Version

# What each version added, newest last.
_ADDED = (
    (
        Version(1, 0),
        {
            "kernel.shm_rmid_forced",
            "net.ipv4.ip_local_port_range",
            "net.ipv4.ip_unprivileged_port_start",
            "net.ipv4.ping_group_range",
            "net.ipv4.tcp_syncookies",
        },
    ),
    (Version(1, 27), {"net.ipv4.ip_local_reserved_ports"}),
    (
        Version(1, 29),
        {
            "net.ipv4.tcp_fin_timeout",
            "net.ipv4.tcp_keepalive_intvl",
            "net.ipv4.tcp_keepalive_probes",
            "net.ipv4.tcp_keepalive_time",
        },
    ),
    (Version(1, 32), {"net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem"}),
    (Version(1, 37), {"net.ipv4.tcp_notsent_lowat", "net.ipv4.tcp_slow_start_after_idle"}),
)
_SAFE_SINCE = {name: version for version, names in _ADDED for name in names}


def _fix(pod: Pod, path: Path, standard: Standard) -> Iterator[Edit]:
    """Without the unsafe ones; safe ones that are spelled with slashes get dots."""
    kept = []
    for sysctl in filter(None, pod.security.sysctls or ()):
        name = _dotted(sysctl.name or "")
        if _safe(name, standard):
            kept.append({"name": name} if sysctl.value is None else {"name": name, "value": sysctl.value})
    whole = path[:-2]
    yield Put(whole, kept) if kept else Drop(whole)


@rule(
    title="Unsafe sysctl",
    severity=Severity.HIGH,
    level=Level.BASELINE,
    references=("PSS baseline: Sysctls", "CIS 5.7.3", "NSA/CISA: Pod security"),
    remediation="Remove the sysctl from the pod's securityContext.sysctls; a safe one must be spelled with dots.",
    fix=_fix,
)
def sysctls(pod: Pod, standard: Standard) -> Iterator[Violation]:
    """A sysctl is a switch of the kernel. Those that do not belong to the pod alone change the node for every pod on
    it: an attacker can take memory from others, weaken their network, or switch protections of the kernel off.

    Legitimate for databases and proxies that need larger queues, on nodes where the kubelet allows that sysctl. The
    safe set grew with v1.27, v1.29, v1.32 and v1.37.
    """
    for index, sysctl in enumerate(pod.security.sysctls or ()):
        name = (sysctl.name if sysctl is not None else None) or ""
        if not _safe(name, standard):
            path = pod.at("securityContext", "sysctls", index, "name")
            yield Violation(path, f"is {shown(name)}")


def _safe(name: str, standard: Standard) -> bool:
    since = _SAFE_SINCE.get(name)
    return since is not None and since <= standard.version


def _dotted(name: str) -> str:
    """Of the spelling that sysctl(8) takes too, and that means the same."""
    return name.replace("/", ".") if "/" in name and "." not in name else name
