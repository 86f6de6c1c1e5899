"""Random pods that reach every corner of the Pod Security checks.

``random_pod`` starts from a pod that passes (or nearly passes) and applies a few tweaks, so that
most pods are decided by one or two details and not by a heap of faults. Every pod decodes as a
core/v1 Pod; not every pod would pass the validation of an API server. The same state of the random
generator gives the same pod.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any, Final

Json = dict[str, Any]
Tweak = Callable[[random.Random, Json], None]

APPARMOR: Final = "container.apparmor.security.beta.kubernetes.io/"
SECCOMP: Final = "container.seccomp.security.alpha.kubernetes.io/"
SECCOMP_POD: Final = "seccomp.security.alpha.kubernetes.io/pod"

MISSING: Final = object()
"""Stands for leaving a field out."""

FLAGS: Final = (True, True, False, None, MISSING)
HOSTS: Final = (MISSING, None, "", "127.0.0.1", "localhost", "::1", "10.0.0.1", "a.example", " ")
PROBES: Final = ("livenessProbe", "readinessProbe", "startupProbe")
HOOKS: Final = ("postStart", "preStop")
PROC_MOUNTS: Final = ("Default", "Unmasked", "Unmasked", "", "default", None, MISSING)
OS_NAMES: Final = ("windows", "windows", "linux", "Windows", "", None, MISSING)
USERS: Final = (0, 0, 1000, 1, 1 << 40, None, MISSING)
HOST_PORTS: Final = (0, 0, 9, 80, 8080, 65535, None, MISSING)
PROFILES: Final = ("RuntimeDefault", "Localhost", "Unconfined", "Unconfined", "", "runtimeDefault",
                   "runtime/default", None, MISSING)  # fmt: skip
ANNOTATION_VALUES: Final = (
    "runtime/default", "docker/default", "localhost/profile.json", "localhost/", "localhost",
    "unconfined", "unconfined", "", "Runtime/Default", " runtime/default", 'un"con\\fined',
    "un\nconfined\u200b\u00fc",
)  # fmt: skip
BASELINE_CAPABILITIES: Final = (
    "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
    "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
)  # fmt: skip
OTHER_CAPABILITIES: Final = (
    "NET_RAW", "SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE", "ALL", "all", "CAP_CHOWN", "CAP_SYS_ADMIN",
    "CAP_ALL", "chown", "net_bind_service", "CAP_NET_BIND_SERVICE", "",
)  # fmt: skip
SELINUX_TYPES: Final = (
    "container_t", "container_init_t", "container_kvm_t", "container_engine_t",
    "container_engine_t", "spc_t", "Container_t", "", None, MISSING,
)  # fmt: skip
SYSCTLS: Final = (
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start",
    "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_rmem", "net.ipv4.tcp_wmem",
    "net.ipv4.tcp_slow_start_after_idle", "net.ipv4.tcp_notsent_lowat",
)  # fmt: skip
UNSAFE_SYSCTLS: Final = (
    "kernel.msgmax", "kernel.sem", "net.core.somaxconn", "net.ipv4.ip_forward", "vm.swappiness",
    "Kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies ", "net.ipv4.*", "",
)  # fmt: skip

ALLOWED_VOLUMES: Final[Json] = {
    "configMap": {"name": "settings"},
    "csi": {"driver": "csi.example"},
    "downwardAPI": {"items": [{"path": "name", "fieldRef": {"fieldPath": "metadata.name"}}]},
    "emptyDir": {"medium": "Memory"},
    "ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"]}}},
    "image": {"reference": "image.example/data:1", "pullPolicy": "Always"},
    "persistentVolumeClaim": {"claimName": "data", "readOnly": True},
    "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]},
    "secret": {"secretName": "key", "optional": False},
}
OTHER_VOLUMES: Final[Json] = {
    "hostPath": {"path": "/var/run", "type": "Directory"},
    "gcePersistentDisk": {"pdName": "disk"},
    "awsElasticBlockStore": {"volumeID": "vol-1"},
    "gitRepo": {"repository": "git.example/repository"},
    "nfs": {"server": "nfs.example", "path": "/"},
    "iscsi": {"targetPortal": "10.0.0.1", "iqn": "iqn.2001-04.example:storage", "lun": 0},
    "glusterfs": {"endpoints": "glusterfs", "path": "/"},
    "rbd": {"monitors": ["10.0.0.1:6789"], "image": "image"},
    "flexVolume": {"driver": "example/driver"},
    "cinder": {"volumeID": "vol-1"},
    "cephfs": {"monitors": ["10.0.0.1:6789"]},
    "flocker": {"datasetName": "data"},
    "fc": {"targetWWNs": ["50060e801049cfd1"], "lun": 0},
    "azureFile": {"secretName": "key", "shareName": "share"},
    "vsphereVolume": {"volumePath": "[datastore] disk"},
    "quobyte": {"registry": "quobyte.example:7861", "volume": "data"},
    "azureDisk": {"diskName": "disk", "diskURI": "disk.example"},
    "photonPersistentDisk": {"pdID": "disk"},
    "portworxVolume": {"volumeID": "vol-1"},
    "scaleIO": {"gateway": "sio.example", "system": "sio", "secretRef": {"name": "key"}},
    "storageos": {"volumeName": "data"},
}
VOLUMES: Final[Json] = ALLOWED_VOLUMES | OTHER_VOLUMES

POINTERS: Final = (
    "allowPrivilegeEscalation", "appArmorProfile", "capabilities", "privileged", "procMount",
    "readOnlyRootFilesystem", "runAsGroup", "runAsNonRoot", "runAsUser", "seLinuxOptions",
    "seccompProfile", "windowsOptions",
)  # fmt: skip
"""Fields of a container's security context that may be null; the pod's has some of them."""

OBJECTS: Final = (
    "appArmorProfile", "capabilities", "seLinuxOptions", "seccompProfile", "windowsOptions",
)  # fmt: skip
"""Those of them that may be an empty object."""


def random_pod(rng: random.Random) -> Json:
    """A pod with zero to six tweaks."""
    pod = rng.choices((_minimal, _restricted, _restricted_by_containers), (3, 4, 3))[0](rng)
    for _ in range(rng.randint(0, 6)):
        rng.choice(TWEAKS)(rng, pod)
    return pod


def _chance(rng: random.Random, likelihood: float) -> bool:
    """Decide something at random."""
    return rng.random() < likelihood


# What a pod starts as.


def _minimal(rng: random.Random) -> Json:
    """A pod that sets nothing: it passes the baseline."""
    containers = [_container("c", at) for at in range(rng.choices((1, 2, 3, 4), (5, 3, 1, 1))[0])]
    spec: Json = {"containers": containers}
    if inits := [_container("i", at) for at in range(rng.choices((0, 1, 2), (5, 3, 1))[0])]:
        spec["initContainers"] = inits
    if inits and _chance(rng, 0.5):
        inits[0]["restartPolicy"] = "Always"
    if _chance(rng, 0.2):
        spec["ephemeralContainers"] = [_container("e", at) for at in range(rng.randint(1, 2))]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "pod", "namespace": "default"},
        "spec": spec,
    }


def _restricted(rng: random.Random) -> Json:
    """A pod that passes the restricted level with as much as possible said at its own level."""
    pod = _minimal(rng)
    pod["spec"]["securityContext"] = {
        "runAsNonRoot": True,
        "seccompProfile": {"type": rng.choice(("RuntimeDefault", "Localhost"))},
    }
    for container in _containers(pod):
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        }
    return pod


def _restricted_by_containers(rng: random.Random) -> Json:
    """A pod that passes the restricted level with everything said by its containers."""
    pod = _minimal(rng)
    for container in _containers(pod):
        container["securityContext"] = {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": rng.choice(("RuntimeDefault", "Localhost"))},
        }
    return pod


def _container(prefix: str, at: int) -> Json:
    """A container that sets nothing."""
    return {"name": f"{prefix}{at}", "image": "image.example/app:1"}


# Where tweaks happen.


def _containers(pod: Json) -> list[Json]:
    """Every container of the pod, of all three kinds."""
    kinds = ("initContainers", "containers", "ephemeralContainers")
    return [container for kind in kinds for container in pod["spec"].get(kind) or ()]


def _some_container(rng: random.Random, pod: Json) -> Json:
    """One of the pod's containers; a stray one if it has none."""
    containers = _containers(pod)
    return rng.choice(containers) if containers else _container("stray", 0)


def _some_containers(rng: random.Random, pod: Json) -> list[Json]:
    """One container, or now and then all of them."""
    return _containers(pod) if _chance(rng, 0.25) else [_some_container(rng, pod)]


def _sub(holder: Json, field: str) -> Json:
    """The object in a field, put there if there is none."""
    if not isinstance(holder.get(field), dict):
        holder[field] = {}
    found: Json = holder[field]
    return found


def _items(holder: Json, field: str) -> list[Any]:
    """The list in a field, put there if there is none."""
    if not isinstance(holder.get(field), list):
        holder[field] = []
    found: list[Any] = holder[field]
    return found


def _set(holder: Json, field: str, value: object) -> None:
    """Set a field, or drop it if the value is ``MISSING``."""
    if value is MISSING:
        holder.pop(field, None)
    else:
        holder[field] = copy.deepcopy(value)


def _contexts(rng: random.Random, pod: Json) -> list[Json]:
    """The security contexts to tweak: the pod's, a container's, or those of all containers."""
    if _chance(rng, 0.35):
        return [_sub(pod["spec"], "securityContext")]
    return [_sub(container, "securityContext") for container in _some_containers(rng, pod)]


def _names(rng: random.Random, pod: Json) -> str:
    """A name to end an annotation with: mostly that of a container, else of none."""
    if _chance(rng, 0.25):
        return rng.choice(("ghost", "", "c"))
    return str(_some_container(rng, pod)["name"])


# The tweaks.


def _container_field(field: str, *values: object) -> Tweak:
    """Set a field of the security context of containers."""

    def tweak(rng: random.Random, pod: Json) -> None:
        for container in _some_containers(rng, pod):
            _set(_sub(container, "securityContext"), field, rng.choice(values))

    return tweak


def _either_field(field: str, *values: object) -> Tweak:
    """Set a field of the security context of the pod or of containers."""

    def tweak(rng: random.Random, pod: Json) -> None:
        for context in _contexts(rng, pod):
            _set(context, field, rng.choice(values))

    return tweak


def _spec_field(field: str, *values: object) -> Tweak:
    """Set a field of the pod's specification."""

    def tweak(rng: random.Random, pod: Json) -> None:
        _set(pod["spec"], field, rng.choice(values))

    return tweak


def _host_namespaces(rng: random.Random, pod: Json) -> None:
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if _chance(rng, 0.5):
            _set(pod["spec"], field, rng.choice(FLAGS))


def _os(rng: random.Random, pod: Json) -> None:
    if _chance(rng, 0.1):
        pod["spec"]["os"] = None
    else:
        _set(_sub(pod["spec"], "os"), "name", rng.choice(OS_NAMES))


def _windows_pod(rng: random.Random, pod: Json) -> None:
    """Make it a Windows pod which leaves out some of what only Linux has."""
    pod["spec"]["os"] = {"name": "windows"}
    holders = [pod["spec"], *_containers(pod)]
    for holder in holders:
        context = _sub(holder, "securityContext")
        for field in ("allowPrivilegeEscalation", "capabilities", "seccompProfile"):
            if _chance(rng, 0.7):
                context.pop(field, None)


def _user_namespace_pod(rng: random.Random, pod: Json) -> None:
    """Put the pod into a user namespace and use what that relaxes."""
    pod["spec"]["hostUsers"] = False
    rng.choice((_proc_mount, _run_as_user, _run_as_non_root))(rng, pod)


def _volume(rng: random.Random, pod: Json) -> None:
    volumes = _items(pod["spec"], "volumes")
    for _ in range(rng.choices((0, 1, 2, 3), (1, 6, 2, 1))[0]):
        sources = VOLUMES if _chance(rng, 0.7) else ALLOWED_VOLUMES
        source = rng.choice(list(sources))
        content = {} if _chance(rng, 0.2) else copy.deepcopy(sources[source])
        volumes.append({"name": f"v{len(volumes)}", source: content})


def _odd_volume(rng: random.Random, pod: Json) -> None:
    """A volume with no source, a null one, an unknown one, or several."""
    volumes = _items(pod["spec"], "volumes")
    first, second = rng.choice(list(OTHER_VOLUMES)), rng.choice(list(VOLUMES))
    sources: Json = rng.choice((
        {},
        {first: None},
        {first: None, second: VOLUMES[second]},
        {first: OTHER_VOLUMES[first], second: VOLUMES[second]},
        {"hostPath": {"path": "/"}, "emptyDir": {}},
        {"holographic": {"density": 1}},
    ))  # fmt: skip
    volumes.append({"name": f"v{len(volumes)}", **copy.deepcopy(sources)})


def _ports(rng: random.Random, pod: Json) -> None:
    for container in _some_containers(rng, pod):
        ports = _items(container, "ports")
        for _ in range(rng.randint(0, 2)):
            port = {"containerPort": rng.choice((80, 8080))}
            _set(port, "hostPort", rng.choice(HOST_PORTS))
            ports.append(port)


def _handler(rng: random.Random) -> Json:
    """What a probe or a hook does: one thing as a rule, several or none at times."""
    handler: Json = {}
    for kind in rng.sample(("httpGet", "tcpSocket", "exec"), rng.choices((0, 1, 2), (1, 6, 2))[0]):
        handler[kind] = {"command": ["true"]} if kind == "exec" else {"port": 80}
        if kind != "exec":
            _set(handler[kind], "host", rng.choice(HOSTS))
    if "httpGet" in handler and _chance(rng, 0.3):
        handler["httpGet"]["httpHeaders"] = [{"name": "Host", "value": "a.example"}]
    if _chance(rng, 0.1):
        handler[rng.choice(("httpGet", "tcpSocket"))] = rng.choice((None, {"port": "http"}))
    return handler


def _probe(rng: random.Random, pod: Json) -> None:
    for container in _some_containers(rng, pod):
        handler = _handler(rng)
        if _chance(rng, 0.1):
            handler["grpc"] = {"port": 80}
        _set(container, rng.choice(PROBES), rng.choice((handler, handler, handler, {}, None)))


def _lifecycle(rng: random.Random, pod: Json) -> None:
    for container in _some_containers(rng, pod):
        if _chance(rng, 0.1):
            container["lifecycle"] = rng.choice((None, {}))
            continue
        handler = {"sleep": {"seconds": 1}} if _chance(rng, 0.1) else _handler(rng)
        values: tuple[Json | None, ...] = (handler, handler, handler, {}, None)
        _set(_sub(container, "lifecycle"), rng.choice(HOOKS), rng.choice(values))


def _capabilities(rng: random.Random, pod: Json) -> None:
    for container in _some_containers(rng, pod):
        capabilities = _sub(_sub(container, "securityContext"), "capabilities")
        if _chance(rng, 0.7):
            capabilities["add"] = _some_capabilities(rng)
        if _chance(rng, 0.5):
            capabilities["drop"] = _some_drops(rng)


def _some_capabilities(rng: random.Random) -> list[str] | None:
    if _chance(rng, 0.1):
        return rng.choice((None, []))
    known = rng.choice((("NET_BIND_SERVICE",), BASELINE_CAPABILITIES, OTHER_CAPABILITIES))
    chosen = rng.choices(known, k=rng.randint(1, 3))
    if _chance(rng, 0.2):
        chosen.append(chosen[0])
    return chosen


def _some_drops(rng: random.Random) -> list[str] | None:
    drops: tuple[list[str] | None, ...] = (
        ["ALL"], ["ALL"], ["NET_RAW", "ALL"], ["ALL", "ALL"], ["all"], ["CAP_ALL"], ["NET_RAW"],
        [""], [], None,
    )  # fmt: skip
    return copy.deepcopy(rng.choice(drops))


def _profile(field: str) -> Tweak:
    """Set a seccomp or AppArmor profile of the pod or of containers."""

    def tweak(rng: random.Random, pod: Json) -> None:
        for context in _contexts(rng, pod):
            profile = _sub(context, field)
            _set(profile, "type", rng.choice(PROFILES))
            if profile.get("type") == "Localhost":
                profile["localhostProfile"] = "profile.json"

    return tweak


def _apparmor_annotation(rng: random.Random, pod: Json) -> None:
    prefix = APPARMOR if _chance(rng, 0.9) else APPARMOR.upper()
    annotations = _sub(pod["metadata"], "annotations")
    annotations[prefix + _names(rng, pod)] = rng.choice(ANNOTATION_VALUES)


def _seccomp_annotation(rng: random.Random, pod: Json) -> None:
    key = SECCOMP_POD if _chance(rng, 0.4) else SECCOMP + _names(rng, pod)
    _sub(pod["metadata"], "annotations")[key] = rng.choice(ANNOTATION_VALUES)


def _selinux(rng: random.Random, pod: Json) -> None:
    for context in _contexts(rng, pod):
        options = _sub(context, "seLinuxOptions")
        if _chance(rng, 0.7):
            _set(options, "type", rng.choice(SELINUX_TYPES))
        for field in ("user", "role", "level"):
            if _chance(rng, 0.2):
                _set(options, field, rng.choice(("some", "some", "", None, MISSING)))


def _sysctls(rng: random.Random, pod: Json) -> None:
    sysctls = _items(_sub(pod["spec"], "securityContext"), "sysctls")
    for _ in range(rng.choices((0, 1, 2, 3), (1, 6, 2, 1))[0]):
        name = rng.choice(SYSCTLS if _chance(rng, 0.75) else UNSAFE_SYSCTLS)
        if _chance(rng, 0.1):
            name = name.replace(".", "/")
        sysctls.append({"name": name, "value": "1"})


def _host_process(rng: random.Random, pod: Json) -> None:
    for context in _contexts(rng, pod):
        _set(_sub(context, "windowsOptions"), "hostProcess", rng.choice(FLAGS))


def _null(rng: random.Random, pod: Json) -> None:
    """Spell a field that may be absent as null."""
    for context in _contexts(rng, pod):
        context[rng.choice(POINTERS)] = None


def _empty(rng: random.Random, pod: Json) -> None:
    """Leave an object in a security context empty."""
    for context in _contexts(rng, pod):
        context[rng.choice(OBJECTS)] = {}


def _no_context(rng: random.Random, pod: Json) -> None:
    """Take a whole security context away."""
    holders = [pod["spec"]] if _chance(rng, 0.4) else _some_containers(rng, pod)
    for holder in holders:
        _set(holder, "securityContext", rng.choice((MISSING, None, {})))


def _empty_list(rng: random.Random, pod: Json) -> None:
    """Empty a list, or spell it as null."""
    value: list[Json] | None = rng.choice(([], None))
    field = rng.choice(("volumes", "initContainers", "ephemeralContainers", "ports", "sysctls"))
    if field == "ports":
        _some_container(rng, pod)["ports"] = value
    elif field == "sysctls":
        _sub(pod["spec"], "securityContext")["sysctls"] = value
    else:
        pod["spec"][field] = value


def _no_containers(rng: random.Random, pod: Json) -> None:
    """Take the ordinary containers away, rarely."""
    if _chance(rng, 0.2):
        _set(pod["spec"], "containers", rng.choice(([], None, MISSING)))


def _same_name(rng: random.Random, pod: Json) -> None:
    """Give two containers one name."""
    _some_container(rng, pod)["name"] = _some_container(rng, pod)["name"]


def _odd_annotations(rng: random.Random, pod: Json) -> None:
    """Take the annotations away, or add one that means nothing."""
    if _chance(rng, 0.3):
        _set(pod["metadata"], "annotations", rng.choice(({}, None, MISSING)))
    else:
        _sub(pod["metadata"], "annotations")["a.example/seccomp"] = "unconfined"


def _irrelevant(rng: random.Random, pod: Json) -> None:
    """Set something which no check looks at, known to core/v1 or not."""
    spec, context = pod["spec"], _sub(pod["spec"], "securityContext")
    container = _some_container(rng, pod)
    where, field, value = rng.choice((
        (spec, "shareProcessNamespace", True),
        (spec, "automountServiceAccountToken", True),
        (spec, "hostAliases", [{"ip": "127.0.0.1", "hostnames": ["a.example"]}]),
        (spec, "runtimeClassName", "sandbox"),
        (spec, "serviceAccountName", "default"),
        (context, "fsGroup", 0),
        (context, "runAsGroup", 0),
        (context, "supplementalGroups", [0]),
        (context, "privileged", True),
        (context, "procMount", "Unmasked"),
        (context, "allowPrivilegeEscalation", True),
        (container, "env", [{"name": "HOST", "value": "a.example"}]),
        (container, "hostNetwork", True),
        (container, "volumeMounts", [{"name": "v0", "mountPath": "/v"}]),
        (_sub(container, "securityContext"), "readOnlyRootFilesystem", False),
        (_sub(container, "securityContext"), "runAsGroup", 0),
        (_sub(container, "securityContext"), "sysctls", [{"name": "kernel.sem", "value": "1"}]),
    ))  # fmt: skip
    where[field] = value


_privileged: Final = _container_field("privileged", *FLAGS)
_escalation: Final = _container_field("allowPrivilegeEscalation", *FLAGS)
_proc_mount: Final = _container_field("procMount", *PROC_MOUNTS)
_run_as_non_root: Final = _either_field("runAsNonRoot", False, *FLAGS)
_run_as_user: Final = _either_field("runAsUser", *USERS)

TWEAKS: Final[tuple[Tweak, ...]] = (
    _privileged,
    _escalation,
    _proc_mount,
    _run_as_non_root,
    _run_as_user,
    _spec_field("hostUsers", True, False, False, None, MISSING),
    _host_namespaces,
    _os,
    _windows_pod,
    _user_namespace_pod,
    _volume,
    _odd_volume,
    _ports,
    _probe,
    _lifecycle,
    _capabilities,
    _profile("seccompProfile"),
    _profile("appArmorProfile"),
    _apparmor_annotation,
    _seccomp_annotation,
    _selinux,
    _sysctls,
    _host_process,
    _null,
    _empty,
    _no_context,
    _empty_list,
    _no_containers,
    _same_name,
    _odd_annotations,
    _irrelevant,
)


def as_an_api_server_sends(pod: Json) -> Json:
    """The pod with every volume that has no source made an emptyDir: upstream is never asked about others."""
    volumes = pod["spec"].get("volumes")
    if not volumes:
        return pod
    sound = [volume if _has_source(volume) else {**volume, "emptyDir": {}} for volume in volumes]
    return {**pod, "spec": {**pod["spec"], "volumes": sound}}


def _has_source(volume: Json) -> bool:
    return any(content is not None for key, content in volume.items() if key != "name")
