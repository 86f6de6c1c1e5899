"""The part of the Kubernetes API that is judged, as types that objects are decoded into.

They mirror k8s.io/api (core/v1/types.go and meta/v1/types.go). Fields that no rule and no feature reads are left out
and ignored, so that new Kubernetes fields never break admission. A null stands for an absent field, and in a list for
an empty item, as in the API. A field of a wrong type is an error (msgspec.ValidationError with the field's path), never
a guess.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from policies.identity import OwnerReference

# The API refuses numbers outside these ranges.
Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
#: A number or a text such as `500m` or `1Gi` (k8s.io/apimachinery/pkg/api/resource); policies.quantity reads it.
Quantity = str | int | float
IntOrString = int | str
Texts = dict[str, str | None]
Strings = tuple[str | None, ...]


class Capabilities(Struct, frozen=True):
    add: Strings | None = None
    drop: Strings | None = None


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
    read_only_root_filesystem: bool | None = None
    run_as_non_root: bool | None = None
    run_as_user: Int64 | None = None
    run_as_group: Int64 | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = None
    windows_options: WindowsOptions | None = None


class Sysctl(Struct, frozen=True):
    name: str | None = None
    value: Any = None


class PodSecurityContext(Struct, frozen=True, rename="camel"):
    """securityContext of a pod."""

    run_as_non_root: bool | None = None
    run_as_user: Int64 | None = None
    run_as_group: Int64 | None = None
    fs_group: Int64 | None = None
    supplemental_groups: tuple[Int64 | None, ...] | None = None
    seccomp_profile: SeccompProfile | None = None
    app_armor_profile: AppArmorProfile | None = None
    se_linux_options: SELinuxOptions | None = None
    sysctls: tuple[Sysctl | None, ...] | None = None
    windows_options: WindowsOptions | None = None


class ContainerPort(Struct, frozen=True, rename="camel"):
    name: str | None = None
    container_port: Int32 | None = None
    host_port: Int32 | None = None
    protocol: str | None = None


class NetworkAction(Struct, frozen=True):
    """httpGet, tcpSocket or grpc of a handler."""

    host: str | None = None
    port: IntOrString | None = None
    path: str | None = None
    scheme: str | None = None
    service: str | None = None


class ExecAction(Struct, frozen=True):
    command: Strings | None = None


class Handler(Struct, frozen=True, rename="camel"):
    """A probe or a lifecycle handler: what is done."""

    exec: ExecAction | None = None
    http_get: NetworkAction | None = None
    tcp_socket: NetworkAction | None = None
    grpc: NetworkAction | None = None


class Probe(Handler, frozen=True, rename="camel"):
    """A probe: what is done, and how often (seconds, and counts)."""

    initial_delay_seconds: Int32 | None = None
    period_seconds: Int32 | None = None
    timeout_seconds: Int32 | None = None
    success_threshold: Int32 | None = None
    failure_threshold: Int32 | None = None


class Lifecycle(Struct, frozen=True, rename="camel"):
    post_start: Handler | None = None
    pre_stop: Handler | None = None


class KeySelector(Struct, frozen=True):
    """A key of a Secret or a ConfigMap; as a source of all variables, without a key."""

    name: str | None = None
    key: str | None = None


class EnvVarSource(Struct, frozen=True, rename="camel"):
    secret_key_ref: KeySelector | None = None
    config_map_key_ref: KeySelector | None = None


class EnvVar(Struct, frozen=True, rename="camel"):
    name: str | None = None
    value: str | None = None
    value_from: EnvVarSource | None = None


class EnvFromSource(Struct, frozen=True, rename="camel"):
    secret_ref: KeySelector | None = None
    config_map_ref: KeySelector | None = None


class ResourceRequirements(Struct, frozen=True):
    """resources of a container or a pod; keys are cpu, memory, ephemeral-storage and devices."""

    limits: dict[str, Quantity | None] | None = None
    requests: dict[str, Quantity | None] | None = None


class VolumeMount(Struct, frozen=True, rename="camel"):
    name: str | None = None
    mount_path: str | None = None
    read_only: bool | None = None
    sub_path: str | None = None
    sub_path_expr: str | None = None
    mount_propagation: str | None = None


class VolumeDevice(Struct, frozen=True, rename="camel"):
    name: str | None = None
    device_path: str | None = None


class ContainerSpec(Struct, frozen=True, rename="camel"):
    """A container of any kind."""

    name: str | None = None
    image: str | None = None
    image_pull_policy: str | None = None
    command: Strings | None = None
    args: Strings | None = None
    env: tuple[EnvVar | None, ...] | None = None
    env_from: tuple[EnvFromSource | None, ...] | None = None
    ports: tuple[ContainerPort | None, ...] | None = None
    resources: ResourceRequirements | None = None
    restart_policy: str | None = None
    volume_mounts: tuple[VolumeMount | None, ...] | None = None
    volume_devices: tuple[VolumeDevice | None, ...] | None = None
    security_context: SecurityContext | None = None
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    lifecycle: Lifecycle | None = None
    stdin: bool | None = None
    tty: bool | None = None


class ProjectedSource(Struct, frozen=True, rename="camel"):
    """An item of `sources` of a projected volume."""

    secret: KeySelector | None = None
    config_map: KeySelector | None = None
    service_account_token: dict[str, Any] | None = None


class VolumeSource(Struct, frozen=True, rename="camel"):
    """A source of a volume, of any type: path and type of hostPath, secretName of secret, name of configMap, ..."""

    path: str | None = None
    type: str | None = None
    secret_name: str | None = None
    name: str | None = None
    driver: str | None = None
    claim_name: str | None = None
    medium: str | None = None
    read_only: bool | None = None
    sources: tuple[ProjectedSource | None, ...] | None = None


# By name, as sources of every name must be seen, also those of a newer Kubernetes.
RawVolume = dict[str, VolumeSource | str | None]


class OperatingSystem(Struct, frozen=True):
    name: str | None = None


class HostAlias(Struct, frozen=True):
    ip: str | None = None
    hostnames: Strings | None = None


class Toleration(Struct, frozen=True):
    key: str | None = None
    operator: str | None = None
    value: str | None = None
    effect: str | None = None


class Affinity(Struct, frozen=True, rename="camel"):
    node_affinity: dict[str, Any] | None = None
    pod_affinity: dict[str, Any] | None = None
    pod_anti_affinity: dict[str, Any] | None = None


class PodSpec(Struct, frozen=True, rename="camel"):
    containers: tuple[ContainerSpec | None, ...] | None = None
    init_containers: tuple[ContainerSpec | None, ...] | None = None
    ephemeral_containers: tuple[ContainerSpec | None, ...] | None = None
    volumes: tuple[RawVolume | None, ...] | None = None
    security_context: PodSecurityContext | None = None
    resources: ResourceRequirements | None = None
    host_network: bool | None = None
    host_pid: bool | None = field(default=None, name="hostPID")
    host_ipc: bool | None = field(default=None, name="hostIPC")
    host_users: bool | None = None
    host_aliases: tuple[HostAlias | None, ...] | None = None
    share_process_namespace: bool | None = None
    os: OperatingSystem | None = None
    service_account_name: str | None = None
    service_account: str | None = None
    automount_service_account_token: bool | None = None
    restart_policy: str | None = None
    node_name: str | None = None
    node_selector: Texts | None = None
    tolerations: tuple[Toleration | None, ...] | None = None
    affinity: Affinity | None = None
    topology_spread_constraints: tuple[dict[str, Any] | None, ...] | None = None
    priority_class_name: str | None = None
    runtime_class_name: str | None = None


class ObjectMeta(Struct, frozen=True, rename="camel"):
    """metadata of an object or of a pod template, without managedFields: they are half of a real object."""

    name: str | None = None
    generate_name: str | None = None
    namespace: str | None = None
    # Only what is stored has one; a number is forgiven.
    resource_version: str | int | None = None
    labels: Texts | None = None
    annotations: Texts | None = None
    owner_references: tuple[OwnerReference | None, ...] | None = None


class PodTemplate(Struct, frozen=True):
    """What core/v1 calls a PodTemplateSpec."""

    metadata: ObjectMeta | None = None
    spec: PodSpec | None = None
