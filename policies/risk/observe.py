"""From a pod to its features: one walk over its containers.

What a container can do to the host is counted as power; the features say in what kind of container the power lies.
"""

from functools import cache
from typing import Self

from policies import lists
from policies.command import Deed, deeds
from policies.lists.host_paths import Gives, HostPaths
from policies.lists.image_roles import ImageRoles, Role
from policies.lists.publishers import Publishers
from policies.lists.well_known_images import WellKnownImages
from policies.pod import Container, ContainerKind, Pod
from policies.risk.features import (
    BY_NAME,
    COMMANDS,
    IMAGES,
    NAMESPACES,
    PATHS,
    PRIVILEGES,
    SCHEDULING,
    Features,
    most,
)

_CAPABILITIES_HOST = frozenset(
    {
        "ALL", "BPF", "CHECKPOINT_RESTORE", "DAC_OVERRIDE", "DAC_READ_SEARCH", "MAC_ADMIN", "MAC_OVERRIDE", "MKNOD",
        "PERFMON", "SYS_ADMIN", "SYS_BOOT", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "SYSLOG",
    }
)  # fmt: skip
_CAPABILITIES_NETWORK = frozenset({"NET_ADMIN", "NET_RAW"})
_PATHS = {
    Gives.ROOT: "path_root",
    Gives.RUNTIME: "path_runtime",
    Gives.KUBELET: "path_kubelet",
    Gives.CREDENTIALS: "path_credentials",
    Gives.CONFIGURATION: "path_configuration",
    Gives.PROGRAMS: "path_programs",
    Gives.KERNEL: "path_kernel",
    Gives.DEVICES: "path_devices",
    Gives.LOGS: "path_logs",
    Gives.OTHER: "path_other",
}
_GRAVE = {
    Deed.REVERSE_SHELL: "command_reverse_shell",
    Deed.SERVE_SHELL: "command_reverse_shell",
    Deed.DOWNLOAD_AND_RUN: "command_runs_download",
    Deed.DECODE_AND_RUN: "command_runs_download",
    Deed.RUN_DOWNLOADED: "command_runs_download",
    Deed.ENTER_HOST: "command_enters_host",
    Deed.MINE: "command_mines",
    Deed.ATTACK_TOOL: "command_attacks",
    Deed.SCAN_NETWORK: "command_attacks",
    Deed.SNIFF_NETWORK: "command_attacks",
    Deed.ADD_USER: "command_persists",
    Deed.PERSIST: "command_persists",
    Deed.SET_UID_BIT: "command_persists",
    Deed.DESTROY: "command_destroys",
    Deed.EXHAUST: "command_destroys",
    Deed.CLEAR_TRACES: "command_destroys",
}
_CREDENTIALS = frozenset({Deed.READ_TOKEN, Deed.READ_SECRETS, Deed.READ_METADATA})
_GREY = _CREDENTIALS | {
    Deed.DOWNLOAD, Deed.INSTALL_PACKAGES, Deed.SEND, Deed.LISTEN, Deed.LOAD_MODULE, Deed.MOUNT, Deed.EDIT_FIREWALL,
    Deed.SET_KERNEL, Deed.KUBECTL, Deed.TALK_TO_RUNTIME, Deed.SUDO,
}  # fmt: skip
_WAITING = _GREY | _GRAVE.keys() | {Deed.SLEEP_FOREVER}
_IDLE = frozenset({Deed.SLEEP_FOREVER, Deed.WAIT})
_ROOT = frozenset({Gives.ROOT})
_ORDINARY = frozenset({Gives.OTHER})
_NOTHING: frozenset[str] = frozenset()
_Mounts = dict[str | None, frozenset[Gives]]
_NO_DEEDS: frozenset[Deed] = frozenset()
_UNMASKED = frozenset({"Unconfined", "unconfined", "Unmasked"})
_CONTROL_PLANE = ("control-plane", "master")


class Observer:
    """Finds the features of pods. It holds the lists that they rest on, and nothing of what it sees."""

    __slots__ = ("_names", "_paths", "_publishers", "_roles")

    def __init__(self, paths: HostPaths, roles: ImageRoles, publishers: Publishers, names: WellKnownImages) -> None:
        self._paths = paths
        self._roles = roles
        self._publishers = publishers
        self._names = names

    @classmethod
    @cache
    def shipped(cls) -> Self:
        """With the lists that come with Podgate."""
        return cls(lists.load(HostPaths), lists.load(ImageRoles), lists.load(Publishers), lists.load(WellKnownImages))

    def observe(self, pod: Pod, without: frozenset[str] = _NOTHING) -> Features:
        """All that this pod shows: of each feature the most that a container has."""
        return most(self.each(pod, without))

    def each(self, pod: Pod, without: frozenset[str] = _NOTHING) -> list[Features]:
        """What each container has, with what is true of the whole pod; what is the same is told once.

        Or would have, if the pod had none of what `without` names (REMEDIES). Without containers, the pod itself.
        """
        whole: Features = {}
        namespaces = 0 if NAMESPACES in without else _namespaces(pod, whole)
        if SCHEDULING not in without:
            _scheduling(pod, whole)
        if PRIVILEGES not in without:
            _pod_privileges(pod, whole)
        mounts = {} if PATHS in without else self._mounts(pod, whole)
        if len(pod.containers) == 1:
            self._container(pod.containers[0], namespaces, mounts, without, whole)
            return [whole]
        shown: dict[tuple[tuple[str, int], ...], Features] = {}
        for container in pod.containers:
            found = whole.copy()
            self._container(container, namespaces, mounts, without, found)
            shown.setdefault(tuple(found.items()), found)
        return list(shown.values()) or [whole]

    def _mounts(self, pod: Pod, found: Features) -> _Mounts:
        """What of the host each volume gives."""
        mounts = {volume.name: self._gives(path) for volume in pod.volumes if (path := volume.path_on_host)}
        for gives in mounts.values():
            for each in gives:
                _raise(found, _PATHS[each], 1)
        return mounts

    def _gives(self, path: str) -> frozenset[Gives]:
        """All that lies in the root is in it; it is told once."""
        found = self._paths.gives(path)
        return _ROOT if Gives.ROOT in found else found

    def _container(
        self, container: Container, namespaces: int, mounts: _Mounts, without: frozenset[str], found: Features
    ) -> None:
        power = min(1, namespaces) + _paths_power(container, mounts, found)
        if PRIVILEGES not in without:
            power += _privileges(container, found)
        power = min(6, power)
        named = container.spec.image or ""
        role = Role.SPECIFIC if IMAGES in without else self._roles.role(container.image, named)
        commands = COMMANDS not in without
        done = frozenset([each.deed for each in deeds(container)]) if commands else _NO_DEEDS
        grave = _commands(container, role, done, found) if commands else 0
        waits = commands and _waits(container, role, done)
        init = container.kind is ContainerKind.INIT
        if IMAGES not in without:
            self._image(container, role, power, found)
        if waits and role >= Role.RUNTIME and not init:
            _raise(found, "waits_in_base_image", 1)
            _raise(found, "power_waiting_base", power + 1)
        if grave:
            _raise(found, "power_grave", power + 1)
        if power:
            _raise(found, "power", power)
            if IMAGES not in without:
                self._held(container, role, power, found)
                if role >= Role.RUNTIME and SCHEDULING not in without and container.pod.is_naked:
                    _raise(found, "naked_pod_with_power", power)
            if commands:
                _used(container, role, power, done, found)

    def _image(self, container: Container, role: Role, power: int, found: Features) -> None:
        """What the image's name tells of its purpose."""
        if role is Role.ATTACK or self._roles.betrays(container.spec.image or ""):
            _raise(found, "image_attack", 2 if role is Role.ATTACK else 1)
            _raise(found, "power_attack_image", power + 1)
        if (image := container.image) is not None and self._names.find(image) is not None:
            found["image_typosquat"] = 1

    def _held(self, container: Container, role: Role, power: int, found: Features) -> None:
        """In what image the power lies."""
        image = container.image
        if role is Role.BASE:
            init = container.kind is ContainerKind.INIT
            _raise(found, "power_base_image_init" if init else "power_base_image", power)
        elif role in (Role.TOOL, Role.RUNTIME):
            _raise(found, "power_tool_image", power)
        elif role is Role.OFFICIAL:
            _raise(found, "power_official_image", power)
        elif image is None or self._roles.is_unknown_library(image):
            _raise(found, "power_local_image", power)
        elif not self._publishers.known(image):
            _raise(found, "power_unknown_image", power)


def _raise(found: Features, name: str, value: int) -> None:
    if value > found.get(name, 0):
        found[name] = min(value, BY_NAME[name].most)


def _namespaces(pod: Pod, found: Features) -> int:
    spec = pod.spec
    count = 0
    for name, held in (("host_network", spec.host_network), ("host_pid", spec.host_pid), ("host_ipc", spec.host_ipc)):
        if held:
            found[name] = 1
            count += 1
    if count:
        found["host_namespaces"] = count
    if spec.share_process_namespace:
        found["shared_processes"] = 1
    return count


def _scheduling(pod: Pod, found: Features) -> None:
    spec = pod.spec
    if spec.node_name:
        found["node_chosen"] = 1
    for toleration in spec.tolerations or ():
        if toleration is None:
            continue
        if not toleration.key:
            if toleration.operator == "Exists":
                found["tolerates_everything"] = 1
        elif toleration.key.rpartition("/")[2] in _CONTROL_PLANE:
            found["tolerates_control_plane"] = 1
    if pod.is_naked:
        found["naked_pod"] = 1


def _pod_privileges(pod: Pod, found: Features) -> None:
    security = pod.security
    if any(sysctl and sysctl.name and sysctl.name.startswith("kernel") for sysctl in security.sysctls or ()):
        found["kernel_sysctl"] = 1
    if (windows := security.windows_options) is not None and windows.host_process:
        found["host_process"] = 1


def _privileges(container: Container, found: Features) -> int:
    """Power by what the container is allowed to do."""
    power = 0
    security = container.security
    if security.privileged:
        found["privileged"] = 1
        power += 2
    if container.added_capabilities:
        power += _capabilities(container, found)
    off = (container.seccomp_profile is not None and container.seccomp_profile.type in _UNMASKED) + (
        security.proc_mount in _UNMASKED
    )
    if (profile := security.app_armor_profile or container.pod.security.app_armor_profile) is not None:
        off += profile.type in _UNMASKED
    if off:
        _raise(found, "isolation_off", off)
    if container.run_as_user == 0:
        found["root_user"] = 1
    if security.windows_options is not None and security.windows_options.host_process:
        found["host_process"] = 1
    if power and "host_pid" in found:
        found["host_processes_with_power"] = 1
    return power


def _capabilities(container: Container, found: Features) -> int:
    named = {name.upper().removeprefix("CAP_") for name in container.added_capabilities if name}
    host = 3 if "ALL" in named else min(3, len(named & _CAPABILITIES_HOST))
    network = 2 if "ALL" in named else len(named & _CAPABILITIES_NETWORK)
    if host:
        _raise(found, "capabilities_host", host)
    if network:
        _raise(found, "capabilities_network", network)
    return min(2, host) + (network > 0)


def _paths_power(container: Container, mounts: dict[str | None, frozenset[Gives]], found: Features) -> int:
    """Power by what of the host is mounted."""
    if not mounts:
        return 0
    readable: set[Gives] = set()
    writable: set[Gives] = set()
    for mount in container.mounts:
        if mount is not None and mount.name in mounts:
            (readable if mount.read_only else writable).update(mounts[mount.name])
    for each in writable:
        _raise(found, _PATHS[each], 2)
    # A socket that is mounted read-only still answers.
    if Gives.ROOT in writable or Gives.RUNTIME in writable or Gives.RUNTIME in readable:
        return 2
    return 1 if Gives.ROOT in readable or writable - _ORDINARY else 0


def _waits(container: Container, role: Role, done: frozenset[Deed]) -> bool:
    """Whether it only waits: by its command, or as a base image does that is given nothing to do or a terminal.

    One that does what few workloads do counts as well: else a command more would make it look better.
    """
    if not _WAITING.isdisjoint(done):
        return True
    spec = container.spec
    return role >= Role.RUNTIME and (bool(spec.stdin or spec.tty) or not (spec.command or spec.args))


def _used(container: Container, role: Role, power: int, done: frozenset[Deed], found: Features) -> None:
    """How the power may be used: who waits with it, or runs a shell."""
    if _waits(container, role, done):
        _raise(found, "power_waiting", power)
    if _idles(container, role, done):
        _raise(found, "power_idle", power)
    if Deed.SHELL in done:
        _raise(found, "power_shell_init" if container.kind is ContainerKind.INIT else "power_shell", power)


def _idles(container: Container, role: Role, done: frozenset[Deed]) -> bool:
    """Whether it is there for somebody to come in: it waits in the end, or holds a terminal open.

    In a base image that also is what it does when it is given nothing to do, or unusual things. An init container that
    waits keeps its pod from ever starting; whatever else it does, it prepares something.
    """
    if not _IDLE.isdisjoint(done):
        return True
    if container.kind is ContainerKind.INIT:
        return False
    return bool(container.spec.stdin and container.spec.tty) or (role >= Role.RUNTIME and _waits(container, role, done))


def _commands(container: Container, role: Role, done: frozenset[Deed], found: Features) -> int:
    """What is done that hardly any workload does; how many different things."""
    spec = container.spec
    if role >= Role.RUNTIME and (spec.stdin or spec.tty):
        found["interactive_base_image"] = 1
    if not done:
        return 0
    names = {_GRAVE[deed] for deed in done if deed in _GRAVE}
    grey = len(done & _GREY)
    if done & _CREDENTIALS:
        found["command_reads_credentials"] = 1
        if Deed.SEND in done:
            names.add("command_steals")
    for name in names:
        found[name] = 1
    if names:
        _raise(found, "command_grave", len(names))
    if grey:
        _raise(found, "command_grey", grey)
    if role >= Role.RUNTIME and (names or grey):
        _raise(found, "command_in_base_image", 2 * len(names) + grey)
    return len(names)
