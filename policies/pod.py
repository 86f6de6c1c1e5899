"""A read-only, typed view of a pod: containers of every kind with their field paths, and effective values.

Rules reach containers only through `Pod.containers`, which holds init, sidecar, regular and ephemeral containers, so
that none can be forgotten. What is decoded of a pod is in policies.api.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, Struct

from policies import image as images
from policies.api import (
    Capabilities,
    ContainerSpec,
    EnvVar,
    ObjectMeta,
    PodSecurityContext,
    PodSpec,
    RawVolume,
    SeccompProfile,
    SecurityContext,
    SELinuxOptions,
    VolumeMount,
    VolumeSource,
)
from policies.host_path import normalise
from policies.identity import NO_TEXTS, Identity, Kind
from policies.image import Image
from policies.path import Path


class Volume(Struct, frozen=True):
    """A volume. `sources` is what is set, as it is spelled in a manifest; a sound volume has one.

    A volume without any source is an emptyDir: the API server makes it one before anybody judges it.
    """

    name: str | None
    sources: dict[str, VolumeSource]
    index: int

    @property
    def host_path(self) -> VolumeSource | None:
        return self.sources.get("hostPath")

    @property
    def path_on_host(self) -> str | None:
        """The folder or file of the node that is given away, normalised; None when it is no hostPath."""
        source = self.sources.get("hostPath")
        return None if source is None else normalise(source.path or "/")

    @property
    def shown_path(self) -> str:
        """The path of a hostPath, as messages show it: as it is written."""
        return shown(self.sources["hostPath"].path)

    def __str__(self) -> str:
        return named("volume", self.name, self.index)


_EMPTY_DIR = {"emptyDir": VolumeSource()}


def _volume(raw: RawVolume | None, index: int) -> Volume:
    name: str | None = None
    sources: dict[str, VolumeSource] = {}
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
            sources[key] = value
    return Volume(name, sources or _EMPTY_DIR, index)


def _mistyped(index: int, key: str, wanted: str, got: str) -> msgspec.ValidationError:
    """What msgspec would say, had it known which key is which."""
    return msgspec.ValidationError(f"Expected `{wanted}`, got `{got}` - at `$.volumes[{index}].{key}`")


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


#: What the annotations begin with that were there before the fields; the container's name follows.
APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"
_APP_ARMOR = {"runtime/default": "RuntimeDefault", "unconfined": "Unconfined"}
_NO_SECURITY = SecurityContext()
_NO_POD_SECURITY = PodSecurityContext()
_NO_CAPABILITIES = Capabilities()
_NULL_CONTAINER = ContainerSpec()
_NO_META = ObjectMeta()
_THE_POD = Identity()


class Names(NamedTuple):
    """What a kind calls a pod's spec and its lists of containers, in the order in which they are judged."""

    spec: str = "spec"
    init_containers: str = "initContainers"
    containers: str = "containers"
    ephemeral_containers: str = "ephemeralContainers"


NAMES = Names()


class Container:
    """One container of any kind, where it stands, and what is in effect for it."""

    __slots__ = (
        "_list", "_name", "_root", "added_capabilities", "command_lines", "dropped_capabilities", "image", "index",
        "pod", "read_commands", "security", "spec",
    )  # fmt: skip

    #: What policies.command read in its commands: kept, as several rules and the classifier ask.
    command_lines: tuple[Any, ...] | None
    read_commands: tuple[Any, ...] | None
    #: The image, spelled out; None where there is none or no runtime could pull it.
    image: Image | None
    added_capabilities: tuple[str | None, ...]
    dropped_capabilities: tuple[str | None, ...]

    def __init__(self, pod: "Pod", spec: ContainerSpec, which: int, index: int) -> None:
        self.command_lines = self.read_commands = None
        self.pod = pod
        self.spec = spec
        self.security = spec.security_context or _NO_SECURITY
        capabilities = self.security.capabilities or _NO_CAPABILITIES
        self.added_capabilities = capabilities.add or ()
        self.dropped_capabilities = capabilities.drop or ()
        self.image = images.parse(spec.image) if spec.image else None
        self.index = index
        self._list = which
        self._root = (pod.names[0], pod.names[which + 1], index)
        self._name = ""

    def at(self, *field_path: str | int) -> Path:
        """The path of a field of this container, from the pod's root."""
        return self._root + field_path

    def __str__(self) -> str:
        """How messages name it: `container "web"`, or its position when it has no name."""
        if not self._name:
            self._name = named(self.kind, self.spec.name, self.index)
        return self._name

    @property
    def kind(self) -> ContainerKind:
        if self._list == 1:
            return ContainerKind.REGULAR
        if self._list == 2:
            return ContainerKind.EPHEMERAL
        # KEP-753: an init container that restarts always keeps running beside the others.
        return ContainerKind.SIDECAR if self.spec.restart_policy == "Always" else ContainerKind.INIT

    @property
    def run_as_user(self) -> int | None:
        """In effect: the container's own, else the pod's."""
        own = self.security.run_as_user
        return self.pod.security.run_as_user if own is None else own

    @property
    def run_as_group(self) -> int | None:
        """In effect: the container's own, else the pod's."""
        own = self.security.run_as_group
        return self.pod.security.run_as_group if own is None else own

    @property
    def run_as_non_root(self) -> bool | None:
        """In effect: the container's own, else the pod's."""
        own = self.security.run_as_non_root
        return self.pod.security.run_as_non_root if own is None else own

    @property
    def seccomp_profile(self) -> SeccompProfile | None:
        """In effect: the container's own, else the pod's."""
        return self.security.seccomp_profile or self.pod.security.seccomp_profile

    @property
    def app_armor(self) -> str | None:
        """The type of the profile in effect: the container's own, else what its annotation says, else the pod's.

        An annotation is told in the words of the field (KEP-24), or as it stands where they do not know it.
        """
        own = self.security.app_armor_profile
        if own is None and (said := self.pod.annotations.get(f"{APP_ARMOR}{self.spec.name}")):
            return "Localhost" if said.startswith("localhost/") else _APP_ARMOR.get(said, said)
        profile = own or self.pod.security.app_armor_profile
        return None if profile is None else profile.type

    @property
    def se_linux_options(self) -> SELinuxOptions | None:
        """In effect: the container's own, else the pod's."""
        return self.security.se_linux_options or self.pod.security.se_linux_options

    @property
    def words(self) -> list[str]:
        """Command and arguments, as they are written."""
        return [word for word in (*(self.spec.command or ()), *(self.spec.args or ())) if word]

    @property
    def env(self) -> tuple[EnvVar | None, ...]:
        return self.spec.env or ()

    @property
    def mounts(self) -> tuple[VolumeMount | None, ...]:
        return self.spec.volume_mounts or ()


class Origin(NamedTuple):
    """What a pod stands in, and the kind of the controller that made that: None where it says of none."""

    kind: Kind
    controller: str | None


class Pod:
    """A pod, or the pod that a template describes.

    `object` is the object that it stands in: itself, or the workload. `names` says what that object calls a
    pod's spec and its lists of containers. `windows`: the pod says that it runs on Windows
    (spec.os.name, KEP-2802). `user_namespace`: it runs in a user namespace of its own (hostUsers: false, KEP-127).

    `encoded` is the spec as it was sent, where it was JSON. What is found by it, by `names` and by `origin` alone is
    the same wherever these are; `looked_beyond` tells whether somebody has looked at anything else.
    """

    __slots__ = (
        "_long_running", "_meta", "_object", "containers", "encoded", "looked_beyond", "names", "origin", "security",
        "spec", "user_namespace", "volumes", "windows",
    )  # fmt: skip

    def __init__(
        self,
        spec: PodSpec,
        meta: ObjectMeta | None = None,
        object: Identity = _THE_POD,  # noqa: A002 - as the attribute, which reads best
        names: Names = NAMES,
        encoded: Raw | None = None,
    ) -> None:
        self.spec = spec
        self.encoded = encoded
        self.looked_beyond = False
        self._meta = meta or _NO_META
        self._object = object
        controller = object.controller
        self.origin = Origin(object.kind, None if controller is None else controller.kind or "")
        self.names = names
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
        self._long_running: tuple[Container, ...] | None = None

    def at(self, *field_path: str | int) -> Path:
        """The path of a field of the pod's spec, from the pod's root."""
        return (self.names[0], *field_path)

    def concerned(self, path: Path) -> tuple[Container, ...]:
        """The containers that a path is about: the one that it leads into, else all of them."""
        return next(((found,) for found in self.containers if found.at() == path[:3]), self.containers)

    @property
    def object(self) -> Identity:
        self.looked_beyond = True
        return self._object

    @property
    def meta(self) -> ObjectMeta:
        self.looked_beyond = True
        return self._meta

    @property
    def labels(self) -> Mapping[str, str | None]:
        return self.meta.labels or NO_TEXTS

    @property
    def annotations(self) -> Mapping[str, str | None]:
        return self.meta.annotations or NO_TEXTS

    @property
    def is_naked(self) -> bool:
        """Whether it stands by itself, and nobody says that a controller made it."""
        return self.origin.kind.kind == "Pod" and self.origin.controller is None

    @property
    def ends(self) -> bool:
        """Whether it is made to end: a Job's pod, or one that is not started again."""
        return (
            self.origin.kind.kind in _ENDING
            or self.spec.restart_policy in ("Never", "OnFailure")
            or self.origin.controller in _ENDING
        )

    @property
    def long_running(self) -> tuple[Container, ...]:
        """The containers that are meant to run until somebody stops them: none in a pod that ends."""
        if self._long_running is None:
            lasting = [found for found in self.containers if found.kind in _LASTING]
            self._long_running = () if self.ends else tuple(lasting)
        return self._long_running


_LASTING = frozenset({ContainerKind.REGULAR, ContainerKind.SIDECAR})
_ENDING = frozenset(
    {
        "Job", "CronJob", "AdvancedCronJob", "BroadcastJob", "ScaledJob", "JobSet", "Workflow",
        "Task", "ClusterTask", "TaskRun", "Pipeline", "PipelineRun", "AnalysisTemplate", "ClusterAnalysisTemplate",
        "TFJob", "PyTorchJob", "MPIJob", "XGBoostJob", "PaddleJob", "MXJob", "JAXJob", "RayJob",
    }
)  # fmt: skip
