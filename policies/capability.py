"""Capabilities of Linux: names in whatever spelling, and lists without the wrong ones.

Kubernetes hands a name over as it is written. containerd and CRI-O add CAP_ where it is missing and take small letters
for capitals, so that net_admin and CAP_NET_ADMIN give what NET_ADMIN gives.
"""

from collections.abc import Callable

from policies.path import Path
from policies.pod import Container
from policies.rule import Drop, Edit, Put

ALL = "ALL"


def bare(name: str | None) -> str:
    """The name as the kernel has it, without CAP_: `SYS_ADMIN`."""
    return (name or "").upper().removeprefix("CAP_")


def only(container: Container, allowed: Callable[[str | None], bool]) -> Edit:
    """The edit that leaves of the added capabilities those that are allowed."""
    path: Path = container.at("securityContext", "capabilities", "add")
    kept = [name for name in container.added_capabilities if allowed(name)]
    return Put(path, kept) if kept else Drop(path)
