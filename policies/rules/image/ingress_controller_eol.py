from collections.abc import Iterator

from policies.pod import Pod, shown
from policies.rule import Confidence, Severity, Violation, rule

# The controller under the names that it had, wherever it is mirrored; not F5's nginx/nginx-ingress.
_RETIRED = frozenset(
    {
        "ingress-nginx/controller",
        "ingress-nginx/controller-chroot",
        "kubernetes-ingress-controller/nginx-ingress-controller",
        "google_containers/nginx-ingress-controller",
        "bitnami/nginx-ingress-controller",
        "bitnamilegacy/nginx-ingress-controller",
    }
)


@rule(
    title="Retired ingress-nginx controller",
    severity=Severity.MEDIUM,
    confidence=Confidence.HEURISTIC,
    references=("Kubernetes blog 2025-11-11: Ingress NGINX Retirement", "CVE-2025-1974"),
    remediation="Move to a Gateway API implementation or another ingress controller.",
)
def ingress_controller_eol(pod: Pod) -> Iterator[Violation]:
    """The project ended in March 2026: flaws found since then are not fixed. The controller faces the internet and can
    read Secrets of every namespace, so that a flaw in it gives away the cluster, as CVE-2025-1974 did.

    Legitimate where a vendor still fixes its own build of it.
    """
    for container in pod.containers:
        image = container.image
        if image is not None and image.product in _RETIRED:
            message = f"is {shown(image.name)}, which has had no security fixes since March 2026 ({container})"
            yield Violation(container.at("image"), message)
