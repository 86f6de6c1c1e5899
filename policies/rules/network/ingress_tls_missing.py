from collections.abc import Iterator, Mapping

from policies.objects import Ingress, IngressSpec
from policies.pod import shown
from policies.rule import Severity, Violation, rule

# Where certificates are named elsewhere; by a beginning of the annotation's key.
_ELSEWHERE = (
    "alb.ingress.kubernetes.io/certificate-arn",
    "appgw.ingress.kubernetes.io/appgw-ssl-certificate",
    "cloudflare-tunnel-ingress-controller.strrl.dev/",
    "ingress.gcp.kubernetes.io/pre-shared-cert",
    "networking.gke.io/managed-certificates",
    "networking.gke.io/pre-shared-certs",
    "tailscale.com/",
)
_ON = (
    "nginx.ingress.kubernetes.io/ssl-passthrough",
    "route.openshift.io/termination",
    "traefik.ingress.kubernetes.io/router.tls",
)
_PORTS = "alb.ingress.kubernetes.io/listen-ports"


@rule(
    title="Ingress without TLS",
    severity=Severity.MEDIUM,
    references=("NSA/CISA: Network separation", "MITRE ATT&CK T1557", "MITRE ATT&CK T1040"),
    remediation="List the host, and the Secret that holds its certificate, in spec.tls.",
)
def ingress_tls_missing(ingress: Ingress) -> Iterator[Violation]:
    """Passwords, cookies and everything else are read, and changed, by whoever stands between: the next wireless
    network or a machine that redirects traffic in the cluster.

    Legitimate behind something that ends TLS before it gets here, and for answers to ACME. Certificates that an
    annotation of the controller names are no finding.
    """
    spec = ingress.spec
    if spec is None or _is_elsewhere(ingress.meta.annotations or {}):
        return
    if not any(each is not None for each in spec.tls or ()):
        yield Violation(("spec", "tls"), "is not set")
        return
    covered = _hosts(spec)
    for index, each in enumerate(spec.rules or ()):
        host = each.host if each is not None else None
        # Without hosts an entry is for all of them.
        if host and covered and host not in covered and f"*.{host.partition('.')[2]}" not in covered:
            yield Violation(
                ("spec", "rules", index, "host"), f"is {shown(host)}, which is not among the hosts of spec.tls"
            )


def _hosts(spec: IngressSpec) -> frozenset[str]:
    """The hosts that have a certificate; empty where an entry is for all."""
    entries = [entry.hosts or () for entry in spec.tls or () if entry is not None]
    return frozenset(host for hosts in entries for host in hosts if host) if all(entries) else frozenset()


def _is_elsewhere(annotations: Mapping[str, str | None]) -> bool:
    if any(key.startswith(_ELSEWHERE) for key in annotations):
        return True
    on = any((annotations.get(key) or "false").lower() != "false" for key in _ON)
    return on or "HTTPS" in (annotations.get(_PORTS) or "")
