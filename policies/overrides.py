"""Override annotations: what a workload asks to be excused from, why, and until when.

An override lifts exactly the rules that it names, on exactly the object or the pod template that it stands on. Whoever
may grant one is not decided here: this module reads what is asked and refuses what nobody could grant.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, Literal

from msgspec import Meta, Struct

from policies import registry
from policies.keys import Key
from policies.path import Path, render
from policies.pod import shown
from policies.resource import Resource

RULES = "podgate.dev/override"
REASON = "podgate.dev/override-reason"
EXPIRES = "podgate.dev/override-expires"
TICKET = "podgate.dev/override-ticket"
SIGNATURE = "podgate.dev/override-signature"
#: A key's id, and base64url of the 64 bytes of an Ed25519 signature: of 86 digits, the last one holds two bits.
SIGNED = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,62}):([A-Za-z0-9_-]{85}[AQgw])")
#: What stands for the classifier where rules are named.
RISK = "risk"
_ALL = frozenset({RULES, REASON, EXPIRES, TICKET, SIGNATURE})
_MOST_RULES = 50
_SOON = timedelta(days=7)
_MOST_TEXT = 500


class Limits(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What an override may ask for; the section `overrides` of a GatePolicy."""

    enabled: Annotated[bool, Meta(description="Whether overrides count at all.")] = True
    max_days: Annotated[int, Meta(ge=1, le=3650, description="How many days ahead one may expire.")] = 30
    require_ticket: Annotated[bool, Meta(description="Whether one must name a ticket.")] = False
    never_for: Annotated[tuple[str, ...], Meta(description="Rules that no override lifts.")] = ()
    authorise: Annotated[
        tuple[Literal["rbac", "signature"], ...],
        Meta(description="Who may grant one: whoever RBAC allows to, whoever signs with a known key."),
    ] = ("rbac", "signature")
    keys: Annotated[tuple[Key, ...], Meta(description="Keys whose signatures count.")] = ()
    revoked: Annotated[
        tuple[str, ...], Meta(description="Ids of keys, and fingerprints of signatures, that no longer count.")
    ] = ()


class Override(Struct, frozen=True):
    """Rules that are lifted where it stands: in the whole object, or in the pod at `prefix`.

    `signature` has the form of SIGNED, or is empty; policies.signature says what it is worth. `ends_soon`: in a week.
    """

    rules: frozenset[str]
    reason: str
    expires: datetime
    ticket: str
    prefix: Path
    signature: str = ""
    ends_soon: bool = False


class Refusal(Struct, frozen=True):
    """An override that does not count: where it stands, and why; `rules` are those that it names, right or wrong."""

    rules: frozenset[str]
    path: Path
    problem: str

    def __str__(self) -> str:
        return f"{render(self.path)} {self.problem}"


def of(resource: Resource, limits: Limits, now: datetime) -> tuple[Override | Refusal, ...]:
    """The overrides of an object and of the pod templates in it; `now` has a time zone."""
    asked = [(prefix, found) for prefix, found in places(resource).items() if not _ALL.isdisjoint(found)]
    return tuple(_read(prefix, annotations, limits, now) for prefix, annotations in asked)


def are_asked(resource: Resource) -> bool:
    """Whether anything in an object asks for one."""
    return any(not _ALL.isdisjoint(found) for found in places(resource).values())


def places(resource: Resource) -> dict[Path, Mapping[str, str | None]]:
    """Where overrides may stand: the annotations of an object, and by their prefixes those of the templates in it."""
    found: dict[Path, Mapping[str, str | None]] = {(): resource.identity.annotations}
    return found | {each.prefix: each.pod.annotations for each in resource.pods if each.prefix}


def written(resource: Resource) -> dict[Path, frozenset[str]]:
    """Where this update writes or changes an override, valid or not, and the rules that it names there."""
    if resource.before is None:
        return {}
    old = places(resource.before)
    found = {prefix: (_said(new), _said(old.get(prefix, {}))) for prefix, new in places(resource).items()}
    return {prefix: _named(new.get(RULES, "")) for prefix, (new, before) in found.items() if new and new != before}


def _said(annotations: Mapping[str, str | None]) -> dict[str, str]:
    return {name: text for name in _ALL if (text := annotations.get(name))}


def _named(text: str) -> frozenset[str]:
    known = registry.by_name()
    names = (name.strip() for name in text.split(",")[:_MOST_RULES])
    return frozenset(known[name].id if name in known else name for name in names)


class _RefusedError(Exception):
    def __init__(self, annotation: str, problem: str) -> None:
        super().__init__(problem)
        self.annotation = annotation


def _read(prefix: Path, annotations: Mapping[str, str | None], limits: Limits, now: datetime) -> Override | Refusal:
    given = {name: (annotations.get(name) or "").strip() for name in _ALL}
    names = frozenset(name.strip() for name in given[RULES].split(",")[: _MOST_RULES + 1])
    try:
        _refuse_early(given, limits)
        rules = frozenset(_rule(name, limits) for name in names)
        expires = _expiry(given[EXPIRES], limits, now)
    except _RefusedError as error:
        return Refusal(names, (*prefix, "metadata", "annotations", error.annotation), str(error))
    ticket = shown(given[TICKET]) if given[TICKET] else ""
    soon = expires - now <= _SOON
    return Override(rules, shown(given[REASON]), expires, ticket, prefix, given[SIGNATURE], soon)


def _refuse_early(given: Mapping[str, str], limits: Limits) -> None:
    if not limits.enabled:
        raise _RefusedError(RULES, "does not count: the policy has no overrides")
    if not given[RULES]:
        raise _RefusedError(RULES, "is missing: name the rules to lift, separated by commas")
    if given[RULES].count(",") >= _MOST_RULES:
        raise _RefusedError(RULES, f"names more than {_MOST_RULES} rules")
    if not given[REASON]:
        raise _RefusedError(REASON, "is missing: say why this workload needs it")
    if limits.require_ticket and not given[TICKET]:
        raise _RefusedError(TICKET, "is missing: the policy asks for a ticket")
    for name in (REASON, TICKET):
        if len(given[name]) > _MOST_TEXT:
            raise _RefusedError(name, f"is longer than {_MOST_TEXT} characters")
    if given[SIGNATURE] and not SIGNED.fullmatch(given[SIGNATURE]):
        raise _RefusedError(SIGNATURE, "is not KEY:SIGNATURE, as `podgate override sign` writes it")


def _rule(name: str, limits: Limits) -> str:
    known = registry.by_name()
    if name != RISK and name not in known:
        near = get_close_matches(name[:100].lower(), known, n=1)
        hint = f": did you mean {near[0]}?" if near else "; name each rule, as `podgate rules` lists them"
        raise _RefusedError(RULES, f'names "{shown(name)}", which is not a rule{hint}')
    found = RISK if name == RISK else known[name].id
    if found in limits.never_for:
        raise _RefusedError(RULES, f"names {found}, which the policy lets no override lift")
    return found


def _expiry(text: str, limits: Limits, now: datetime) -> datetime:
    if not text:
        raise _RefusedError(EXPIRES, f"is missing: write when it ends, as in {_example(now, limits)}")
    expires = _time(text)
    if expires is None:
        raise _RefusedError(EXPIRES, f"is not a time with a zone: write one as in {_example(now, limits)}")
    if expires <= now:
        raise _RefusedError(EXPIRES, f"was {_written(expires)}: the override has ended")
    if expires > now + timedelta(days=limits.max_days):
        most = f"{limits.max_days} days ahead at most, {_example(now, limits)}"
        raise _RefusedError(EXPIRES, f"is too far away: write a time {most}")
    return expires


def _time(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text[:40])
    except ValueError:
        return None
    return time if time.tzinfo is not None else None


def _example(now: datetime, limits: Limits) -> str:
    day = (now + timedelta(days=limits.max_days)).astimezone(UTC)
    return f"{day:%Y-%m-%dT00:00:00Z}"


def _written(time: datetime) -> str:
    try:
        return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    except OverflowError:
        return "long ago"


def granted(found: Iterable[Override | Refusal], rule: str, path: Path) -> Override | None:
    """The override that lifts this rule at this path of the object."""
    return next(
        (
            each
            for each in found
            if isinstance(each, Override) and rule in each.rules and path[: len(each.prefix)] == each.prefix
        ),
        None,
    )
