"""What to do about certificates, and when: a pure plan over a clock.

An authority is exchanged step by step, so that at every moment whoever trusts what is published accepts what is served:

    introduce   the next authority is made, and published beside the one that signs
    switch      every API server had time to notice: the next one signs, and a leaf of it is served
    retire      every replica had time to take that leaf over: the previous one is trusted no longer
    publish     whatever is trusted is what the webhook configuration says, after each of these and whenever it is not

Nothing of this needs to be remembered: what is kept says how far it got, and how long that has been so is observed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from certs.authority import AUTHORITY_LIFETIME, Authority
from certs.bundle import Bundle, Certificate, Leaf, is_valid, issuer, made_at

MOST_NAMES = 16
_MOST_PREVIOUS = 3
_NOT_LONG = timedelta(0)


class Step(StrEnum):
    """What is to be done next."""

    NOTHING = "nothing"
    CREATE = "create"
    PUBLISH = "publish"
    ISSUE = "issue"
    INTRODUCE = "introduce"
    SWITCH = "switch"
    RETIRE = "retire"


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long certificates last, and how long others need to follow.

    `*_share` is the part of its lifetime after which a certificate is replaced. `notice`: until every API server goes
    by what was published. `overlap`, several times as long: until every replica serves the leaf of the new authority.
    """

    authority: timedelta = AUTHORITY_LIFETIME
    authority_share: float = 0.9
    leaf: timedelta = timedelta(days=90)
    leaf_share: float = 2 / 3
    notice: timedelta = timedelta(minutes=2)
    overlap: timedelta = timedelta(hours=1)


SCHEDULE = Schedule()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known besides the bundle.

    `names`: by which the webhook is called; none where nobody says. `published`: which authorities each entry of the
    webhook configuration trusts; None where there is no configuration, so that nobody calls. `held`: for how long every
    entry has trusted all that the bundle says. `settled`: for how long the bundle has had its leaf.
    """

    names: tuple[str, ...] = ()
    published: tuple[frozenset[Certificate], ...] | None = None
    held: timedelta = _NOT_LONG
    settled: timedelta = _NOT_LONG

    @property
    def trusted(self) -> frozenset[Certificate]:
        """What every entry trusts."""
        return frozenset.intersection(*self.published) if self.published else frozenset()


@dataclass(frozen=True, slots=True)
class Plan:
    """A step, why it is taken, and when to look again if nothing happens until then."""

    step: Step
    why: str
    again: datetime


def plan(bundle: Bundle | None, seen: Seen, now: datetime, schedule: Schedule = SCHEDULE) -> Plan:
    """The next step."""
    if bundle is None:
        if not seen.names:
            return Plan(Step.NOTHING, "no webhook configuration says by which name Podgate is called", now)
        return Plan(Step.CREATE, "there is no certificate yet", now)
    if seen.published is not None and any(each != frozenset(bundle.trusted) for each in seen.published):
        return Plan(Step.PUBLISH, "the caBundle is not what it must be", now)
    return _of_leaf(bundle, seen, now, schedule) or _of_authority(bundle, seen, now, schedule)


def taken(step: Step, bundle: Bundle | None, seen: Seen, now: datetime, schedule: Schedule, name: str) -> Bundle:
    """What is to be kept once the step was taken. `name`: of an authority that is made. Raises AuthorityError."""
    if bundle is None:
        return _created(seen, now, schedule, name)
    if step is Step.ISSUE:
        leaf = _issued(bundle.authority, renewed_names(bundle, seen, now, schedule), now, schedule)
        return Bundle(bundle.authority, leaf, bundle.next, bundle.previous)
    if step is Step.INTRODUCE and (bundle.next is None or not is_valid(bundle.next.cert, now)):
        following = Authority.create(name, now, schedule.authority)
        return Bundle(bundle.authority, bundle.leaf, following, bundle.previous)
    if step is Step.SWITCH and bundle.next is not None:
        leaf = _issued(bundle.next, renewed_names(bundle, seen, now, schedule), now, schedule)
        return Bundle(bundle.next, leaf, None, (bundle.authority.cert, *bundle.previous)[:_MOST_PREVIOUS])
    if step is Step.RETIRE:
        return Bundle(bundle.authority, bundle.leaf, bundle.next)
    return bundle


def adopts(serving: Leaf | None, offered: Bundle, seen: Seen, now: datetime, schedule: Schedule = SCHEDULE) -> bool:
    """Whether a replica that serves one leaf takes over the bundle's: not before whoever calls trusts its authority."""
    if not is_valid(offered.leaf.cert, now):
        return False
    if serving is None or serving.cert.not_valid_after_utc <= now or not seen.published:
        return True
    new, old = issuer(offered.leaf.cert, seen.trusted), issuer(serving.cert, seen.trusted)
    if new is None:
        return False
    return old is None or old == new or seen.held >= schedule.notice


class Since:
    """For how long something has been what it is, by a clock that only goes forward (seconds)."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._value: Any = None
        self._at = 0.0

    def same(self, value: Any) -> timedelta:
        """How long this value was told without another in between; None is never for long."""
        if value is None or value != self._value:
            self._value, self._at = value, self._clock()
        return timedelta(seconds=self._clock() - self._at)


def due(cert: Certificate, share: float) -> datetime:
    """When a certificate is replaced: after that share of its lifetime."""
    made = made_at(cert)
    return made + (cert.not_valid_after_utc - made) * share


def renewed_names(bundle: Bundle, seen: Seen, now: datetime, schedule: Schedule) -> tuple[str, ...]:
    """What a new leaf is good for. Who calls by an old name may not have noticed that there is another."""
    old = bundle.leaf.names
    if not seen.names:
        return old
    is_due = due(bundle.leaf.cert, schedule.leaf_share) <= now
    return tuple(dict.fromkeys((*seen.names, *(() if is_due else old))))[:MOST_NAMES]


def _of_leaf(bundle: Bundle, seen: Seen, now: datetime, schedule: Schedule) -> Plan | None:
    """A step that the leaf needs and that the authority is still able to take."""
    authority, leaf = bundle.authority.cert, bundle.leaf
    if not is_valid(authority, now):
        return None
    if leaf.cert.not_valid_before_utc > now:
        return Plan(Step.ISSUE, "the serving certificate is of a time that has not come: a clock was wrong", now)
    if issuer(leaf.cert, [authority]) is None:
        return Plan(Step.ISSUE, "the serving certificate is not of the authority that signs", now)
    if lacking := [name for name in seen.names[:MOST_NAMES] if name not in leaf.names]:
        return Plan(Step.ISSUE, f"the serving certificate is not good for {', '.join(lacking)}", now)
    lasts_longer = min(now + schedule.leaf, authority.not_valid_after_utc) > leaf.cert.not_valid_after_utc
    if due(leaf.cert, schedule.leaf_share) <= now and lasts_longer:
        return Plan(Step.ISSUE, f"the serving certificate ends at {_told(leaf.cert.not_valid_after_utc)}", now)
    return None


def _of_authority(bundle: Bundle, seen: Seen, now: datetime, schedule: Schedule) -> Plan:
    if bundle.next is not None and is_valid(bundle.next.cert, now):
        if seen.held >= schedule.notice or not is_valid(bundle.authority.cert, now):
            return Plan(Step.SWITCH, "the next authority is trusted", now)
        return Plan(
            Step.NOTHING, "API servers get time to notice the next authority", now + schedule.notice - seen.held
        )
    if why := _introduction(bundle, now, schedule):
        return Plan(Step.INTRODUCE, why, now)
    if bundle.previous:
        if seen.settled >= schedule.overlap and (seen.published is None or seen.held >= schedule.notice):
            return Plan(Step.RETIRE, "every replica had time to serve the certificate of the new authority", now)
        left = max(schedule.overlap - seen.settled, schedule.notice - seen.held)
        return Plan(Step.NOTHING, "replicas get time to serve the certificate of the new authority", now + left)
    of_leaf, of_authority = (
        due(bundle.leaf.cert, schedule.leaf_share),
        due(bundle.authority.cert, schedule.authority_share),
    )
    what = "serving certificate" if of_leaf <= of_authority else "authority"
    return Plan(Step.NOTHING, f"the {what} is renewed then", min(of_leaf, of_authority))


def _introduction(bundle: Bundle, now: datetime, schedule: Schedule) -> str:
    """Why another authority is needed, if it is. One exchange follows the other, unless there is no choice."""
    cert = bundle.authority.cert
    if cert.not_valid_before_utc > now:
        return "the authority is of a time that has not come: a clock was wrong"
    is_due = not bundle.previous and due(cert, schedule.authority_share) <= now
    return f"the authority ends at {_told(cert.not_valid_after_utc)}" if is_due or not is_valid(cert, now) else ""


def _created(seen: Seen, now: datetime, schedule: Schedule, name: str) -> Bundle:
    authority = Authority.create(name, now, schedule.authority)
    # Replicas may still serve what one of these signed: somebody emptied what was kept.
    before = tuple(sorted(_valid(seen.published or (), now), key=made_at))[-_MOST_PREVIOUS:]
    return Bundle(authority, _issued(authority, seen.names[:MOST_NAMES], now, schedule), None, before)


def _valid(published: Iterable[frozenset[Certificate]], now: datetime) -> frozenset[Certificate]:
    return frozenset(each for entry in published for each in entry if is_valid(each, now))


def _issued(authority: Authority, names: tuple[str, ...], now: datetime, schedule: Schedule) -> Leaf:
    return Leaf.read(authority.server(names, now, schedule.leaf))


def _told(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"
