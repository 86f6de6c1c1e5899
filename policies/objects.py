"""The part of objects other than pods that is judged: one type a kind, or a family of kinds.

They mirror k8s.io/api as policies.api does for pods. A rule that is about one of them takes it as its parameter.
"""

from typing import Any

from msgspec import Struct, field

from policies.api import Int32, IntOrString, ObjectMeta, PodTemplate, Strings, Texts, VolumeSource


class Object(Struct, frozen=True, rename="camel"):
    """What every object has."""

    api_version: str | None = None
    kind: str | None = None
    metadata: ObjectMeta | None = None

    @property
    def meta(self) -> ObjectMeta:
        return self.metadata or _NO_META

    @property
    def controlled(self) -> bool:
        """Whether a controller made it: then what made it is where something can be changed."""
        owners = self.meta.owner_references
        return bool(owners) and any(owner is not None and owner.controller for owner in owners or ())


_NO_META = ObjectMeta()


class Strategy(Struct, frozen=True, rename="camel"):
    """strategy of a Deployment, updateStrategy of a StatefulSet or DaemonSet."""

    type: str | None = None
    rolling_update: dict[str, Any] | None = None


class WorkloadSpec(Struct, frozen=True, rename="camel"):
    """`selector` is a LabelSelector, but plain labels in a ReplicationController."""

    replicas: Int32 | None = None
    selector: dict[str, Any] | None = None
    strategy: Strategy | None = None
    update_strategy: Strategy | None = None
    template: PodTemplate | None = None


class Workload(Object, frozen=True):
    """Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, and kinds of other projects like them."""

    spec: WorkloadSpec | None = None

    @property
    def replicas(self) -> int:
        """How many pods it asks for: one where it does not say, as in the API."""
        asked = self.spec.replicas if self.spec is not None else None
        return 1 if asked is None else asked


class JobSpec(Struct, frozen=True, rename="camel"):
    ttl_seconds_after_finished: Int32 | None = None
    active_deadline_seconds: int | None = None
    backoff_limit: Int32 | None = None
    template: PodTemplate | None = None


class Job(Object, frozen=True):
    spec: JobSpec | None = None


class JobTemplate(Struct, frozen=True):
    metadata: ObjectMeta | None = None
    spec: JobSpec | None = None


class CronJobSpec(Struct, frozen=True, rename="camel"):
    starting_deadline_seconds: int | None = None
    concurrency_policy: str | None = None
    suspend: bool | None = None
    job_template: JobTemplate | None = None


class CronJob(Object, frozen=True):
    spec: CronJobSpec | None = None


class ScaleSpec(Struct, frozen=True):
    replicas: Int32 | None = None


class Scale(Object, frozen=True):
    """What `kubectl scale` sends (autoscaling/v1)."""

    spec: ScaleSpec | None = None


class ServicePort(Struct, frozen=True, rename="camel"):
    name: str | None = None
    port: Int32 | None = None
    target_port: IntOrString | None = None
    node_port: Int32 | None = None
    protocol: str | None = None


class ServiceSpec(Struct, frozen=True, rename="camel"):
    type: str | None = None
    ports: tuple[ServicePort | None, ...] | None = None
    selector: Texts | None = None
    external_ips: Strings | None = field(default=None, name="externalIPs")
    external_name: str | None = None
    load_balancer_class: str | None = None
    load_balancer_source_ranges: Strings | None = None


class Service(Object, frozen=True):
    spec: ServiceSpec | None = None


class IngressPath(Struct, frozen=True, rename="camel"):
    path: str | None = None
    path_type: str | None = None


class IngressHTTP(Struct, frozen=True):
    paths: tuple[IngressPath | None, ...] | None = None


class IngressRule(Struct, frozen=True):
    host: str | None = None
    http: IngressHTTP | None = None


class IngressTLS(Struct, frozen=True, rename="camel"):
    hosts: Strings | None = None
    secret_name: str | None = None


class IngressSpec(Struct, frozen=True, rename="camel"):
    ingress_class_name: str | None = None
    rules: tuple[IngressRule | None, ...] | None = None
    tls: tuple[IngressTLS | None, ...] | None = None
    default_backend: dict[str, Any] | None = None
    backend: dict[str, Any] | None = None


class Ingress(Object, frozen=True):
    """Of networking.k8s.io and of the removed extensions/v1beta1."""

    spec: IngressSpec | None = None


class IPBlock(Struct, frozen=True):
    cidr: str | None = None
    except_: Strings | None = field(default=None, name="except")


class NetworkPolicyPeer(Struct, frozen=True, rename="camel"):
    ip_block: IPBlock | None = None
    namespace_selector: dict[str, Any] | None = None
    pod_selector: dict[str, Any] | None = None


class NetworkPolicyRule(Struct, frozen=True):
    """A rule of ingress (`from`) or egress (`to`)."""

    from_: tuple[NetworkPolicyPeer | None, ...] | None = field(default=None, name="from")
    to: tuple[NetworkPolicyPeer | None, ...] | None = None
    ports: tuple[dict[str, Any] | None, ...] | None = None


class NetworkPolicySpec(Struct, frozen=True, rename="camel"):
    pod_selector: dict[str, Any] | None = None
    policy_types: Strings | None = None
    ingress: tuple[NetworkPolicyRule | None, ...] | None = None
    egress: tuple[NetworkPolicyRule | None, ...] | None = None


class NetworkPolicy(Object, frozen=True):
    spec: NetworkPolicySpec | None = None


class Namespace(Object, frozen=True):
    pass


class PolicyRule(Struct, frozen=True, rename="camel"):
    """What a role allows: every verb on every resource of every group, or on paths of the API server."""

    verbs: Strings | None = None
    api_groups: Strings | None = None
    resources: Strings | None = None
    resource_names: Strings | None = None
    non_resource_urls: Strings | None = field(default=None, name="nonResourceURLs")


class Role(Object, frozen=True):
    """Role and ClusterRole."""

    rules: tuple[PolicyRule | None, ...] | None = None
    aggregation_rule: dict[str, Any] | None = field(default=None, name="aggregationRule")


class RoleRef(Struct, frozen=True, rename="camel"):
    api_group: str | None = None
    kind: str | None = None
    name: str | None = None


class RBACSubject(Struct, frozen=True, rename="camel"):
    kind: str | None = None
    api_group: str | None = None
    name: str | None = None
    namespace: str | None = None


class Binding(Object, frozen=True):
    """RoleBinding and ClusterRoleBinding."""

    role_ref: RoleRef | None = field(default=None, name="roleRef")
    subjects: tuple[RBACSubject | None, ...] | None = None


class ConfigMap(Object, frozen=True):
    data: Texts | None = None


class ServiceAccount(Object, frozen=True):
    automount_service_account_token: bool | None = field(default=None, name="automountServiceAccountToken")


class PersistentVolumeSpec(Struct, frozen=True, rename="camel"):
    host_path: VolumeSource | None = None
    local: VolumeSource | None = None


class PersistentVolume(Object, frozen=True):
    spec: PersistentVolumeSpec | None = None


class PodDisruptionBudgetSpec(Struct, frozen=True, rename="camel"):
    min_available: IntOrString | None = None
    max_unavailable: IntOrString | None = None
    selector: dict[str, Any] | None = None


class PodDisruptionBudget(Object, frozen=True):
    spec: PodDisruptionBudgetSpec | None = None


class HorizontalPodAutoscalerSpec(Struct, frozen=True, rename="camel"):
    min_replicas: Int32 | None = None
    max_replicas: Int32 | None = None


class HorizontalPodAutoscaler(Object, frozen=True):
    spec: HorizontalPodAutoscalerSpec | None = None
