"""What comes from one template is judged once.

Most reviews of a cluster bring the same again: a ReplicaSet's pods, the Jobs of a CronJob, what is applied every few
minutes. A verdict follows from the policy, from who asks and from what is read of the object, and from nothing else:
where all of that is the same, byte for byte, so is the verdict. Two things alone may differ, as they do from pod to
pod: metadata.name, where it is none of those that rules know (policies.identity.TELLING_NAMES), and the random end of
the name of the volume with the account's token.

What follows from the time or from other people's answers is not kept: a denial may be lifted, an override ends.
docs/adr/0007 tells why it is there, and what it must not do.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import astuple

from policies import kinds
from policies import resource as resources
from policies.config import Policy
from policies.decision import Decision, Verdict
from policies.identity import TELLING_NAMES, Kind
from policies.profile import Action
from webhook.review import Request, Response

#: How much is kept: decisions, bytes of what they were given to together, and of one.
MOST = 1_024
MOST_BYTES = 4 << 20
MOST_BYTES_EACH = 512 << 10
#: What a finding counts, in bytes.
_FINDING = 600
_ABSENT = Raw(b"")


class _Meta(Struct, rename="camel"):
    """What policies.api.ObjectMeta reads."""

    name: str | None = None
    generate_name: Raw = _ABSENT
    namespace: Raw = _ABSENT
    resource_version: Raw = _ABSENT
    labels: Raw = _ABSENT
    annotations: Raw = _ABSENT
    owner_references: Raw = _ABSENT


class _Object(Struct, rename="camel"):
    """An object of which nothing else is read."""

    api_version: Raw = _ABSENT
    kind: Raw = _ABSENT
    metadata: _Meta | None = None
    spec: Raw = _ABSENT


_READ = frozenset(field.encode_name for field in msgspec.structs.fields(_Object))
_decode = msgspec.json.Decoder(_Object).decode
_NO_META = _Meta()

#: The volume with the account's token, by the name that the API server gives it (plugin/pkg/admission/serviceaccount):
#: five random characters at its end. In its place stands what is in no JSON.
_VOLUME = b"kube-api-access-"
_NAMED = re.compile(rb'"name":"(kube-api-access-[a-z0-9]{5})"')
_SAME = b"\0"

Key = tuple[Any, ...]


class Kept(Struct, frozen=True):
    """What was decided, and the answer but for its uid."""

    decision: Decision
    response: Response


class Recall:
    """Decisions, the latest ones, within bounds: so many at most."""

    __slots__ = ("_bytes", "_kept", "_most", "_policy")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._policy: Policy | None = None
        self._kept: dict[Key, Kept] = {}
        self._bytes = 0

    def key(self, request: Request, kind: Kind, policy: Policy, here: Policy) -> Key | None:
        """All that a verdict follows from; None where that is not known, or too much.

        `here` is what the `policy` is in the namespace.
        """
        row = kinds.row_of(kind)
        if not self._most or request.operation != "CREATE" or not row.places or not resources.fields_read(row) <= _READ:
            return None
        if policy is not self._policy:
            self._policy, self._kept, self._bytes = policy, {}, 0
        try:
            found = _decode(request.object)
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return None
        name, *meta = astuple(found.metadata or _NO_META)
        parts = (*map(bytes, meta), bytes(found.api_version), bytes(found.kind), _alike(bytes(found.spec), meta))
        telling = name if name in TELLING_NAMES else bool(name)
        return (here, kind, request.sub_resource, request.namespace, request.requester, telling, *parts)

    def find(self, key: Key | None) -> Kept | None:
        """What was decided then."""
        if key is None or (kept := self._kept.pop(key, None)) is None:
            return None
        self._kept[key] = kept
        return kept

    def keep(self, key: Key | None, decision: Decision, response: Response) -> None:
        """Remember a decision that nothing but its key changes."""
        if key is None or not _is_lasting(decision) or (_SAME in key[-1] and _tells_of_volume(decision)):
            return
        if decision.risk is not None:
            decision = msgspec.structs.replace(decision, risk=decision.risk.without_pod())
        if (size := _size(key, decision)) > MOST_BYTES_EACH:
            return
        self._bytes += size
        self._kept[key] = Kept(decision, response)
        while len(self._kept) > self._most or self._bytes > MOST_BYTES:
            oldest = next(iter(self._kept))
            self._bytes -= _size(oldest, self._kept.pop(oldest).decision)


def _alike(spec: bytes, meta: Iterable[Raw]) -> bytes:
    """The spec with the random name taken out, where it is nothing but the name of that volume and its mounts."""
    if _VOLUME not in spec or (named := _NAMED.search(spec)) is None:
        return spec
    name = named[1]
    whole = b'"name":"%b"' % name
    if spec.count(name) != spec.count(whole) or any(name in bytes(each) for each in meta):
        return spec
    return spec.replace(name, _SAME)


def _is_lasting(decision: Decision) -> bool:
    """Whether it would be the same at any time: no denial, nothing held against the risk, nothing of an override."""
    return (
        decision.judged is not Verdict.DENY
        and decision.unreadable is None
        and decision.risk_action is Action.OFF
        and not decision.refusals
        and not decision.lifted
    )


def _tells_of_volume(decision: Decision) -> bool:
    name = _VOLUME.decode()
    return any(name in reason.finding.message or name in str(reason.finding.path) for reason in decision.reasons)


def _size(key: Key, decision: Decision) -> int:
    """About how many bytes of memory it takes to remember this."""
    _, _, *asked = key
    return len(msgspec.msgpack.encode(asked)) + _FINDING * (1 + len(decision.reasons))
