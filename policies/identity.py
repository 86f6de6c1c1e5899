"""What an object is, whose it is, and who asks for it."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct

#: Names of what holds pods that tell what it is. Rules read no other name of such an object: its pods are judged alike,
#: and need not be judged again for each name (webhook.recall).
TELLING_NAMES = frozenset({"tiller", "tiller-deploy"})
#: Where the control plane lives. Workloads there are the cluster's own.
SYSTEM_NAMESPACES = frozenset({"kube-system", "kube-public", "kube-node-lease"})


class Kind(NamedTuple):
    """What AdmissionReview calls a GroupVersionKind, without the version."""

    group: str
    kind: str

    def __str__(self) -> str:
        return f"{self.group}/{self.kind}"[:200] if self.group else self.kind[:200]


class OwnerReference(Struct, frozen=True, rename="camel"):
    """An item of metadata.ownerReferences."""

    api_version: str | None = None
    kind: str | None = None
    name: str | None = None
    uid: str | None = None
    controller: bool | None = None


class Requester(Struct, frozen=True):
    """Who sent a request, as the API server authenticated them."""

    username: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: tuple[tuple[str, tuple[str, ...]], ...] = ()


NO_TEXTS: Mapping[str, str | None] = {}


class Identity(Struct, frozen=True):
    """What an object says that it is.

    `namespace` is empty where the object names none. `requester` is None where nobody asks, as for files.
    """

    kind: Kind = Kind("", "Pod")
    api_version: str = "v1"
    namespace: str = ""
    name: str = ""
    labels: Mapping[str, str | None] = NO_TEXTS
    annotations: Mapping[str, str | None] = NO_TEXTS
    owners: tuple[OwnerReference | None, ...] = ()
    requester: Requester | None = None

    @property
    def in_system_namespace(self) -> bool:
        return self.namespace in SYSTEM_NAMESPACES

    @property
    def controller(self) -> OwnerReference | None:
        """The controller that the object says it was made by."""
        for owner in self.owners:
            if owner is not None and owner.controller:
                return owner
        return None
