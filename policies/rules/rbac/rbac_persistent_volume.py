from collections.abc import Iterator

from policies.objects import Role
from policies.rbac import CORE, Access
from policies.rule import Severity, Violation, rule

_ACCESS = Access("create", {CORE: "persistentvolumes"})


@rule(
    title="Role that creates persistent volumes",
    severity=Severity.HIGH,
    references=("CIS 5.1.9", "NSA/CISA: Authentication and authorization", "MITRE ATT&CK T1611"),
    remediation="Grant persistentvolumeclaims, and let a storage class create the volumes.",
)
def rbac_persistent_volume(role: Role) -> Iterator[Violation]:
    """A PersistentVolume can be a directory of the node. A claim on it passes every policy about hostPath volumes,
    since no pod names the path: who creates volumes writes to any node's file system.

    Legitimate for storage provisioners, which watch claims and make volumes for them.
    """
    yield from _ACCESS.violations(role)
