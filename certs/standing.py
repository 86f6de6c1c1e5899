"""How certificates stand: each of them with its end, and whatever is wrong or soon will be. For people."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from certs.bundle import Bundle, Certificate, issuer, names, subject
from certs.rotation import Seen

#: How long before its end a certificate should long have been renewed.
SOON = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Row:
    """One certificate. `trusted`: by every entry of the webhook configuration; None where nobody knows."""

    what: str
    subject: str
    names: tuple[str, ...]
    not_after: datetime
    state: str
    trusted: bool | None

    def days(self, now: datetime) -> int:
        """How many whole days are left; negative after its end."""
        return (self.not_after - now).days


def rows(bundle: Bundle, seen: Seen, now: datetime) -> list[Row]:
    """The certificates of a bundle, the one that is served last."""
    found = [_authority("authority", bundle.authority.cert, "signs", seen, now)]
    if bundle.next is not None:
        found.append(_authority("next authority", bundle.next.cert, "will sign", seen, now))
    found += [_authority("previous authority", cert, "is leaving", seen, now) for cert in bundle.previous]
    leaf = bundle.leaf.cert
    trusted = None if seen.published is None else issuer(leaf, seen.trusted) is not None
    state = _state(leaf, "served", now)
    return [*found, Row("serving certificate", subject(leaf), names(leaf), leaf.not_valid_after_utc, state, trusted)]


def problems(bundle: Bundle, seen: Seen, entries: Sequence[str], now: datetime) -> Iterator[str]:
    """What is wrong, or about to be. `entries`: the names of what is published, in its order."""
    for row in rows(bundle, seen, now):
        ends = f"{row.not_after:%Y-%m-%dT%H:%M:%SZ}"
        # One that is leaving may end: nothing of it is served any more.
        if row.state == "is leaving":
            continue
        if row.not_after <= now:
            yield f"the {row.what} expired at {ends}"
        elif row.not_after - now <= SOON:
            yield f"the {row.what} ends at {ends}, in {row.days(now)} days"
    for name, trusted in zip(entries, seen.published or (), strict=True):
        if trusted != frozenset(bundle.trusted):
            yield f"the caBundle of {name} is not what it must be: {_difference(bundle, trusted)}"
    if lacking := [name for name in seen.names if name not in bundle.leaf.names]:
        yield f"the serving certificate is not good for {', '.join(lacking)}, by which Podgate is called"


def _authority(what: str, cert: Certificate, state: str, seen: Seen, now: datetime) -> Row:
    trusted = None if seen.published is None else cert in seen.trusted
    return Row(what, subject(cert), (), cert.not_valid_after_utc, _state(cert, state, now), trusted)


def _state(cert: Certificate, state: str, now: datetime) -> str:
    return state if cert.not_valid_after_utc > now or state == "is leaving" else "expired"


def _difference(bundle: Bundle, trusted: frozenset[Certificate]) -> str:
    if not trusted:
        return "it is empty, or cannot be read"
    lacking = len(frozenset(bundle.trusted) - trusted)
    more = len(trusted - frozenset(bundle.trusted))
    said = [f"{lacking} of our authorities is missing"] if lacking else []
    return " and ".join([*said, *([f"{more} is not ours"] if more else [])])
