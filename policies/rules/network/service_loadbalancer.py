from collections.abc import Iterator, Mapping

from policies.objects import Service, ServiceSpec
from policies.rule import Severity, Violation, rule

# What providers call a load balancer without a public address; each with the values that mean it, or any but "false".
_INTERNAL: Mapping[str, frozenset[str] | None] = {
    "service.beta.kubernetes.io/aws-load-balancer-internal": None,
    "service.beta.kubernetes.io/aws-load-balancer-scheme": frozenset({"internal"}),
    "service.beta.kubernetes.io/azure-load-balancer-internal": None,
    "networking.gke.io/load-balancer-type": frozenset({"internal"}),
    "cloud.google.com/load-balancer-type": frozenset({"internal"}),
    "service.beta.kubernetes.io/oci-load-balancer-internal": None,
    "oci.oraclecloud.com/internal": None,
    "service.beta.kubernetes.io/openstack-internal-load-balancer": None,
    "service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type": frozenset({"intranet"}),
    "service.kubernetes.io/qcloud-loadbalancer-internal-subnetid": None,
    "service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type": frozenset({"private"}),
    "service.beta.kubernetes.io/do-loadbalancer-network": frozenset({"internal"}),
    "load-balancer.hetzner.cloud/disable-public-network": None,
}
_RANGES = "service.beta.kubernetes.io/load-balancer-source-ranges"
_EVERYBODY = frozenset({"0.0.0.0/0", "::/0"})


@rule(
    title="Service on the internet",
    severity=Severity.LOW,
    references=("NSA/CISA: Network separation", "MITRE ATT&CK T1133", "MITRE ATT&CK T1190"),
    remediation="Set spec.loadBalancerSourceRanges, or the provider's annotation for an internal load balancer.",
)
def service_loadbalancer(service: Service) -> Iterator[Violation]:
    """The provider gives this Service a public address, and scanners find it within minutes. Databases and dashboards
    on the internet are mostly there because of one such line.

    Legitimate for what the public is meant to use, above all the Service of an ingress controller or a gateway. What an
    annotation keeps inside, and what source ranges keep to some, is no finding.
    """
    spec = service.spec
    if spec is None or spec.type != "LoadBalancer":
        return
    annotations = service.meta.annotations or {}
    if not _is_internal(annotations) and not _is_for_some(spec, annotations):
        yield Violation(("spec", "type"), "is LoadBalancer, for everybody")


def _is_internal(annotations: Mapping[str, str | None]) -> bool:
    for key in annotations.keys() & _INTERNAL.keys():
        value, meant = (annotations[key] or "").lower(), _INTERNAL[key]
        if value in meant if meant is not None else value not in ("", "false"):
            return True
    return False


def _is_for_some(spec: ServiceSpec, annotations: Mapping[str, str | None]) -> bool:
    ranges = [
        each.strip() for each in spec.load_balancer_source_ranges or (annotations.get(_RANGES) or "").split(",") if each
    ]
    return bool(ranges) and _EVERYBODY.isdisjoint(ranges)
