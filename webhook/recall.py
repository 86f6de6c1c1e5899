"""What comes from one template is judged once.

Most reviews of a cluster bring the same again: a ReplicaSet's pods, the Jobs of a CronJob, what is applied every few
minutes. A verdict follows from the policy, from who asks and from what is read of the object, and from nothing else:
where all of that is the same, byte for byte, so is the verdict. Two things alone may differ, as they do from pod to
pod: metadata.name, where it is none of those that rules know (policies.identity.TELLING_NAMES), and the random end of
the name of the volume with the account's token.

What follows from the time or from other people's answers is not kept: a denial may be lifted, an override ends.

Where more differs, as it does between a Job's pods and the next Job's, or between an object and what it was before an
update, what rules found by the spec alone is still the same: they need not look again (Specs).

docs/adr/0007 tells why it is there, and what it must not do.
"""

import re
from collections.abc import Iterable
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import astuple

from policies import kinds
from policies import resource as resources
from policies.config import Policy
from policies.decision import Decision
from policies.engine import Engine, Finding, Known
from policies.identity import TELLING_NAMES, Kind
from policies.profile import Action
from policies.resource import Resource
from webhook.review import Request, Response

#: How much is kept, of decisions and of specs each: how many, bytes of what they follow from together, and of one.
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


_Value = TypeVar("_Value")


class _Latest(Generic[_Value]):
    """What was kept or found last, within bounds. Sizes are in bytes, about."""

    __slots__ = ("_bytes", "_kept", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Key, tuple[_Value, int]] = {}
        self._bytes = 0

    def clear(self) -> None:
        self._kept, self._bytes = {}, 0

    def find(self, key: Key) -> _Value | None:
        if (kept := self._kept.pop(key, None)) is None:
            return None
        self._kept[key] = kept
        return kept[0]

    def keep(self, key: Key, value: _Value, size: int) -> None:
        if size > MOST_BYTES_EACH:
            return
        _, before = self._kept.pop(key, (None, 0))
        self._bytes += size - before
        self._kept[key] = value, size
        while len(self._kept) > self._most or self._bytes > MOST_BYTES:
            _, least = self._kept.pop(next(iter(self._kept)))
            self._bytes -= least


class Specs:
    """What is known of pods' specs (policies.engine.Memory), of the latest ones that came more than once. Of one event
    loop."""

    __slots__ = ("_latest", "_most", "_seen")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._seen: dict[int, None] = {}  # the hashes of the latest
        self._latest: _Latest[Known] = _Latest(most)

    def clear(self) -> None:
        self._latest.clear()
        self._seen.clear()

    def key(self, engine: Engine, resource: Resource) -> Key | None:
        """All that is looked at where nobody looks beyond the spec; None where there are several, or none as JSON."""
        if len(resource.pods) != 1 or not self._most:
            return None
        pod, prefix = resource.pods[0]
        if pod.encoded is None:
            return None
        return engine, resource.row, prefix, pod.names, pod.origin, _alike(bytes(pod.encoded), ())

    def find(self, key: Key) -> Known | None:
        return self._latest.find(key)

    def wants(self, key: Key) -> bool:
        """What came before: most that comes once never comes again."""
        mark = hash(key)
        if mark in self._seen:
            return True
        self._seen[mark] = None
        if len(self._seen) > self._most:
            del self._seen[next(iter(self._seen))]
        return False

    def keep(self, key: Key, known: Known) -> None:
        findings = known.findings
        if _SAME in key[-1] and any(map(_tells_of_volume, findings)):
            return
        *_, origin, spec = key
        self._latest.keep(key, known, len(spec) + len(origin.controller or "") + _FINDING * (1 + len(findings)))


class Recall:
    """Decisions, the latest ones, within bounds: so many at most. And `specs`, which leads to others sooner."""

    __slots__ = ("_latest", "_most", "_policy", "specs")

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._policy: Policy | None = None
        self._latest: _Latest[Kept] = _Latest(most)
        self.specs = Specs(most)

    def under(self, policy: Policy) -> None:
        """From now on this policy is in force. Another one begins with nothing."""
        if policy is not self._policy:
            self._policy = policy
            self._latest.clear()
            self.specs.clear()

    def key(self, request: Request, kind: Kind, here: Policy) -> Key | None:
        """All that a verdict follows from; None where that is not known, or too much.

        `here` is what the policy in force is in the namespace.
        """
        row = kinds.row_of(kind)
        if not self._most or request.operation != "CREATE" or not row.places or not resources.fields_read(row) <= _READ:
            return None
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
        return None if key is None else self._latest.find(key)

    def keep(self, key: Key | None, decision: Decision, response: Response) -> None:
        """Remember a decision that nothing but its key changes."""
        if key is None or not _is_lasting(decision):
            return
        if _SAME in key[-1] and any(_tells_of_volume(reason.finding) for reason in decision.reasons):
            return
        if decision.risk is not None:
            decision = msgspec.structs.replace(decision, risk=decision.risk.without_pod())
        self._latest.keep(key, Kept(decision, response), _size(key, decision))


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
    """Whether it would be the same at any time: nothing held against the risk, nothing of an override."""
    return (
        decision.unreadable is None
        and decision.risk_action is Action.OFF
        and not decision.refusals
        and not decision.lifted
    )


def _tells_of_volume(finding: Finding) -> bool:
    name = _VOLUME.decode()
    return name in finding.message or name in str(finding.path)


def _size(key: Key, decision: Decision) -> int:
    """About how many bytes of memory it takes to remember this."""
    _, kind, sub_resource, namespace, requester, _, *parts = key
    return (
        sum(map(len, parts))
        + sum(map(len, (*kind, sub_resource or "", namespace or "")))
        + len(msgspec.msgpack.encode(requester))
        + _FINDING * (1 + len(decision.reasons))
    )
