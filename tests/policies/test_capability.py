"""Names of capabilities, and lists without the wrong ones."""

import pytest

from policies import capability
from policies.api import Capabilities, ContainerSpec, PodSpec, SecurityContext
from policies.pod import Pod
from policies.rule import Drop, Put


@pytest.mark.parametrize(
    ("name", "bare"),
    [
        ("SYS_ADMIN", "SYS_ADMIN"),
        ("CAP_SYS_ADMIN", "SYS_ADMIN"),
        ("cap_sys_admin", "SYS_ADMIN"),
        ("Net_Raw", "NET_RAW"),
        ("all", "ALL"),
        ("", ""),
        (None, ""),
    ],
)
def test_a_name_is_told_as_the_kernel_has_it(name: str | None, bare: str) -> None:
    assert capability.bare(name) == bare


def test_a_list_keeps_what_is_allowed_as_it_was_written() -> None:
    added = Capabilities(add=("cap_chown", None, "SYS_ADMIN"))
    pod = Pod(PodSpec(containers=(ContainerSpec(security_context=SecurityContext(capabilities=added)),)))
    (container,) = pod.containers
    path = ("spec", "containers", 0, "securityContext", "capabilities", "add")
    assert capability.only(container, lambda name: capability.bare(name) == "CHOWN") == Put(path, ["cap_chown"])
    assert capability.only(container, lambda _: False) == Drop(path)
