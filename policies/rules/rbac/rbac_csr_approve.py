from collections.abc import Iterator

from policies.objects import PolicyRule, Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

# People write the core group here by mistake. It grants nothing until somebody corrects it.
_GROUPS = ("certificates.k8s.io", CORE)
_REQUESTS = Access(
    "update patch approve sign",
    dict.fromkeys(_GROUPS, "certificatesigningrequests/approval certificatesigningrequests/status"),
)
_SIGNERS = Access("approve sign", dict.fromkeys(_GROUPS, "signers"))
_BUILT_IN = "kubernetes.io/"


@rule(
    title="Role that approves or signs certificates",
    severity=Severity.HIGH,
    references=("CIS 5.1.11", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1649"),
    remediation="Leave approval to administrators, and name signers of your own domain in resourceNames.",
)
def rbac_csr_approve(role: Role) -> Iterator[Violation]:
    """A client certificate names its user and groups, no API call takes it back, and the API server believes it for as
    long as it is valid. Who may approve requests of the cluster's signers makes one for any user, also one that no role
    binding knows about.

    Legitimate for the controllers that approve certificates of kubelets, and for certificate managers on signers of
    their own domain: `signers` with such resourceNames is no finding.
    """
    for index, each in enumerate(role.rules or ()):
        if each is not None and (text := _REQUESTS.granted(each) or _of_signers(each)):
            yield Violation(("rules", index), f"grants {text}")


def _of_signers(each: PolicyRule) -> str:
    names = each.resource_names
    if names and not any(name and (name == "*" or name.startswith(_BUILT_IN)) for name in names):
        return ""
    return _SIGNERS.granted(each)
