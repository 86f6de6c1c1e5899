"""A read-only, typed view of a pod: containers of every kind with their field paths, and effective values.

The types mirror the part of k8s.io/api/core/v1/types.go that is judged; fields that no rule and no feature reads are
left out and ignored, so that new Kubernetes fields never break admission. A null stands for an absent field, and in a
list for an empty item, as in the API. A field of a wrong type is an error (msgspec.ValidationError with the field's
path), never a guess.

Rules reach containers only through `Pod.containers`, which holds init, sidecar, regular and ephemeral containers, so
that none can be forgotten.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from policies.path import Path

# The API refuses numbers outside these ranges.
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]


class Capabilities(Struct, frozen=True):
    add: tuple[str | None, ...] | None = None
    drop: tuple[str | None, ...] | None = None


class SeccompProfile(Struct, frozen=True):
    type: str | None = None


class AppArmorProfile(Struct, frozen=True):
    type: str | None = None


class SELinuxOptions(Struct, frozen=True):
    user: str | None = None
    role: str | None = None
    type: str | None = None
    level: str | None = None


class WindowsOptions(Struct, frozen=True, rename="camel"):
    host_process: bool | None = None


class SecurityContext(Struct, frozen=True, rename="camel"):
    """securityContext of a container."""

    privileged: bool | None = None
    allow_privilege_escalation: bool | None = None
    capabilities: Capabilities | None = None
    proc_mount: str | None = None
    run_as_non_root: bool | None = None
    run_as_user: Int64 | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = None
    windows_options: WindowsOptions | None = None


class Sysctl(Struct, frozen=True):
    name: str | None = None


class PodSecurityContext(Struct, frozen=True, rename="camel"):
    """securityContext of a pod."""

    run_as_non_root: bool | None = None
    run_as_user: Int64 | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = None
    sysctls: tuple[Sysctl | None, ...] | None = None
    windows_options: WindowsOptions | None = None


class ContainerPort(Struct, frozen=True, rename="camel"):
    host_port: Int32 | None = None


class NetworkAction(Struct, frozen=True):
    """httpGet or tcpSocket of a handler."""

    host: str | None = None


class Handler(Struct, frozen=True, rename="camel"):
    """A probe or a lifecycle handler."""

    http_get: NetworkAction | None = None
    tcp_socket: NetworkAction | None = None


class Lifecycle(Struct, frozen=True, rename="camel"):
    post_start: Handler | None = None
    pre_stop: Handler | None = None


class ContainerSpec(Struct, frozen=True, rename="camel"):
    name: str | None = None
    image: str | None = None
    restart_policy: str | None = None
    ports: tuple[ContainerPort | None, ...] | None = None
    security_context: SecurityContext | None = None
    liveness_probe: Handler | None = None
    readiness_probe: Handler | None = None
    startup_probe: Handler | None = None
    lifecycle: Lifecycle | None = None


class VolumeSource(Struct, frozen=True):
    """A source of a volume, of any type."""

    path: str | None = None
    type: str | None = None


class Volume(Struct, frozen=True):
    """A volume. `sources` names what is set, as it is spelled in a manifest; a sound volume has one.

    A volume without any source is an emptyDir: the API server makes it one before anybody judges it.
    """

    name: str | None
    host_path: VolumeSource | None
    sources: tuple[str, ...]


# By name, as sources of every name must be seen, also those of a newer Kubernetes.
_RawVolume = dict[str, VolumeSource | str | None]
_EMPTY_DIR = ("emptyDir",)


def _volume(raw: _RawVolume | None, index: int) -> Volume:
    name, host_path, sources = None, None, []
    for key, value in raw.items() if raw else ():
        if value is None:
            continue
        if isinstance(value, str):
            if key != "name":
                raise _mistyped(index, key, "object", "str")
            name = value
        elif key == "name":
            raise _mistyped(index, key, "str", "object")
        else:
            sources.append(key)
            host_path = value if key == "hostPath" else host_path
    return Volume(name, host_path, tuple(sources) or _EMPTY_DIR)


def _mistyped(index: int, key: str, wanted: str, got: str) -> msgspec.ValidationError:
    """What msgspec would say, had it known which key is which."""
    return msgspec.ValidationError(f"Expected `{wanted}`, got `{got}` - at `$.volumes[{index}].{key}`")


class OperatingSystem(Struct, frozen=True):
    name: str | None = None


class PodSpec(Struct, frozen=True, rename="camel"):
    containers: tuple[ContainerSpec | None, ...] | None = None
    init_containers: tuple[ContainerSpec | None, ...] | None = None
    ephemeral_containers: tuple[ContainerSpec | None, ...] | None = None
    volumes: tuple[_RawVolume | None, ...] | None = None
    security_context: PodSecurityContext | None = None
    host_network: bool | None = None
    host_pid: bool | None = field(default=None, name="hostPID")
    host_ipc: bool | None = field(default=None, name="hostIPC")
    host_users: bool | None = None
    os: OperatingSystem | None = None


class ObjectMeta(Struct, frozen=True):
    """metadata of an object or of a pod template, without managedFields: they are half of a real object."""

    name: str | None = None
    namespace: str | None = None
    annotations: dict[str, str | None] | None = None


class PodTemplate(Struct, frozen=True):
    """What core/v1 calls a PodTemplateSpec."""

    metadata: ObjectMeta | None = None
    spec: PodSpec | None = None


_SHOWN = 100


def shown(value: str | None) -> str:
    """A value as messages show it: on one line, printable, and not longer than a person reads."""
    text = (value or "an empty value")[: _SHOWN + 1]
    if not text.isprintable():
        text = "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def named(what: str, name: str | None, index: int) -> str:
    """How messages name an item of a list: `volume "certs"`, or its position when it has no name."""
    if not name:
        return f"{what} number {index + 1}"
    return f'{what} "{shown(name)}"'


class ContainerKind(StrEnum):
    """What a container is for; the value is how messages name it."""

    INIT = "init container"
    SIDECAR = "sidecar container"
    REGULAR = "container"
    EPHEMERAL = "ephemeral container"


_NO_SECURITY = SecurityContext()
_NO_POD_SECURITY = PodSecurityContext()
_NO_CAPABILITIES = Capabilities()
_NULL_CONTAINER = ContainerSpec()
#: What the lists of containers are called, in the order in which they are judged.
LISTS = ("initContainers", "containers", "ephemeralContainers")


class Container:
    """One container of any kind, where it stands, and what is in effect for it."""

    __slots__ = ("_list", "index", "pod", "security", "spec")

    def __init__(self, pod: "Pod", spec: ContainerSpec, which: int, index: int) -> None:
        self.pod = pod
        self.spec = spec
        self.security = spec.security_context or _NO_SECURITY
        self.index = index
        self._list = which

    def at(self, *field_path: str | int) -> Path:
        """The path of a field of this container, from the pod's root."""
        return ("spec", self.pod.lists[self._list], self.index, *field_path)

    def __str__(self) -> str:
        """How messages name it: `container "web"`, or its position when it has no name."""
        return named(self.kind, self.spec.name, self.index)

    @property
    def kind(self) -> ContainerKind:
        if self._list == 1:
            return ContainerKind.REGULAR
        if self._list == 2:
            return ContainerKind.EPHEMERAL
        # KEP-753: an init container that restarts always keeps running beside the others.
        return ContainerKind.SIDECAR if self.spec.restart_policy == "Always" else ContainerKind.INIT

    @property
    def added_capabilities(self) -> tuple[str | None, ...]:
        return (self.security.capabilities or _NO_CAPABILITIES).add or ()

    @property
    def dropped_capabilities(self) -> tuple[str | None, ...]:
        return (self.security.capabilities or _NO_CAPABILITIES).drop or ()


class Pod:
    """A pod, or the pod that a template describes.

    `lists` says what the object calls its lists of init, regular and ephemeral containers, where that differs.
    `windows`: the pod says that it runs on Windows (spec.os.name, KEP-2802). `user_namespace`: it runs in a user
    namespace of its own (hostUsers: false, KEP-127).
    """

    __slots__ = ("annotations", "containers", "lists", "security", "spec", "user_namespace", "volumes", "windows")

    def __init__(
        self, spec: PodSpec, annotations: Mapping[str, str | None], lists: tuple[str, str, str] = LISTS
    ) -> None:
        self.spec = spec
        self.annotations = annotations
        self.lists = lists
        self.security = spec.security_context or _NO_POD_SECURITY
        self.volumes: tuple[Volume, ...] = (
            tuple([_volume(raw, index) for index, raw in enumerate(spec.volumes)]) if spec.volumes else ()
        )
        self.windows = spec.os is not None and spec.os.name == "windows"
        self.user_namespace = spec.host_users is False
        containers = [
            Container(self, item or _NULL_CONTAINER, which, index)
            for which, items in enumerate((spec.init_containers, spec.containers, spec.ephemeral_containers))
            if items
            for index, item in enumerate(items)
        ]
        self.containers: tuple[Container, ...] = tuple(containers)

    def at(self, *field_path: str | int) -> Path:
        """The path of a field of the pod's spec, from the pod's root."""
        return ("spec", *field_path)
