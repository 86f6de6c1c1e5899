"""The plan, by a table of clocks; and that at every moment whoever trusts what is published accepts what is served."""

import ssl
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from certs.authority import Authority
from certs.bundle import Bundle, Certificate, Leaf, is_valid, issuer
from certs.rotation import MOST_NAMES, SCHEDULE, Plan, Schedule, Seen, Since, Step, adopts, plan, taken

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
NAMES = ("podgate.podgate-system.svc",)
OLD, NEW = Authority.create("podgate", NOW), Authority.create("podgate", NOW)
DAY = timedelta(days=1)
LONG = timedelta(days=1)


def leaf(authority: Authority = OLD, made: datetime = NOW, names: tuple[str, ...] = NAMES) -> Leaf:
    return Leaf.read(authority.server(names, made, SCHEDULE.leaf))


STEADY = Bundle(OLD, leaf())
NEXT = Bundle(OLD, leaf(), NEW)
PREVIOUS = Bundle(NEW, leaf(NEW), None, (OLD.cert,))
LATE = Bundle(OLD, leaf(), Authority.create("podgate", NOW + 3649 * DAY))
EARLY = Bundle(OLD, leaf(), Authority.create("podgate", NOW - DAY))


def seen(bundle: Bundle, held: timedelta = LONG, settled: timedelta = LONG, names: tuple[str, ...] = NAMES) -> Seen:
    """Published as it must be, in two entries."""
    return Seen(names, (frozenset(bundle.trusted),) * 2, held, settled)


def at(bundle: Bundle, days: float, found: Seen | None = None) -> Plan:
    return plan(bundle, found or seen(bundle), NOW + days * DAY)


@pytest.mark.parametrize(
    ("days", "step", "again"),
    [
        (0, Step.NOTHING, 60),
        (59.9, Step.NOTHING, 60),
        (60, Step.ISSUE, 60),
        (89, Step.ISSUE, 89),
        (91, Step.ISSUE, 91),  # nobody was there for a month
        (3284, Step.ISSUE, 3284),
        (3650, Step.INTRODUCE, 3650),  # and its authority ended, too
        (-0.003, Step.NOTHING, 60),  # a clock that is four minutes behind
    ],
)
def test_a_leaf_is_renewed_after_two_thirds_of_its_time(days: float, step: Step, again: float) -> None:
    found = at(STEADY, days)
    assert (found.step, found.again) == (step, NOW + again * DAY)


def renewed(bundle: Bundle, days: float) -> Bundle:
    """With a leaf of that day."""
    return replace(bundle, leaf=leaf(bundle.authority, NOW + days * DAY))


@pytest.mark.parametrize(
    ("bundle", "days", "held", "settled", "step", "again"),
    [
        (STEADY, 3284, LONG, LONG, Step.NOTHING, 3285),
        (STEADY, 3285, LONG, LONG, Step.INTRODUCE, 3285),
        (NEXT, 3285, timedelta(0), LONG, Step.NOTHING, 3285 + 2 / 1440),
        (NEXT, 3285, timedelta(seconds=119), LONG, Step.NOTHING, 3285 + 1 / 86400),
        (NEXT, 3285, timedelta(seconds=120), timedelta(0), Step.SWITCH, 3285),
        (LATE, 3650, timedelta(0), timedelta(0), Step.SWITCH, 3650),  # no time is left to wait in
        (NEXT, 3650, timedelta(0), timedelta(0), Step.INTRODUCE, 3650),  # and the next one ended, too
        # Made by somebody whose clock is ahead: by API servers it is trusted only when its time comes.
        (STEADY, -1, timedelta(0), timedelta(0), Step.INTRODUCE, -1),
        (EARLY, -1, timedelta(0), timedelta(0), Step.SWITCH, -1),
        (PREVIOUS, 1, LONG, timedelta(minutes=59), Step.NOTHING, 1 + 1 / 1440),
        (PREVIOUS, 1, timedelta(seconds=60), LONG, Step.NOTHING, 1 + 1 / 1440),
        (PREVIOUS, 1, LONG, timedelta(hours=1), Step.RETIRE, 1),
        # One exchange after the other, unless there is no choice.
        (PREVIOUS, 3285, LONG, timedelta(0), Step.NOTHING, 3285 + 1 / 24),
        (PREVIOUS, 3650, LONG, timedelta(0), Step.INTRODUCE, 3650),
    ],
)
def test_an_authority_is_exchanged_step_by_step(
    bundle: Bundle, days: float, held: timedelta, settled: timedelta, step: Step, again: float
) -> None:
    now = NOW + days * DAY
    found = plan(renewed(bundle, days) if 0 < days < 3650 else bundle, seen(bundle, held, settled), now)

    assert found.step is step
    assert abs(found.again - (NOW + again * DAY)) < timedelta(milliseconds=1)


def test_the_first_certificate_waits_until_somebody_says_what_podgate_is_called() -> None:
    assert plan(None, Seen(), NOW).step is Step.NOTHING
    assert plan(None, Seen(NAMES), NOW).step is Step.CREATE


OTHER = Authority.create("somebody else", NOW).cert


@pytest.mark.parametrize(
    "entry",
    [
        frozenset[Certificate](),
        frozenset([OTHER]),
        frozenset([OLD.cert, OTHER]),
        frozenset([NEW.cert]),
    ],
    ids=["empty", "foreign", "more", "less"],
)
@pytest.mark.parametrize("bundle", [NEXT, PREVIOUS], ids=["next", "previous"])
def test_any_entry_that_does_not_say_what_it_must_is_mended_first(
    bundle: Bundle, entry: frozenset[Certificate]
) -> None:
    found = replace(seen(bundle), published=(frozenset(bundle.trusted), entry))
    assert plan(bundle, found, NOW + 89 * DAY).step is Step.PUBLISH


def test_without_a_configuration_nothing_is_published_and_leaves_are_renewed_all_the_same() -> None:
    nowhere = Seen(NAMES)

    assert at(STEADY, 1, nowhere).step is Step.NOTHING
    assert at(STEADY, 60, nowhere).step is Step.ISSUE
    assert at(NEXT, 1, nowhere).step is Step.NOTHING
    assert at(PREVIOUS, 1, replace(nowhere, settled=LONG)).step is Step.RETIRE


def test_a_configuration_that_is_called_otherwise_gets_a_leaf_that_is_good_for_both_names_for_a_while() -> None:
    other = ("gate.podgate-system.svc",)
    found = seen(STEADY, names=other)
    assert at(STEADY, 1, found) == Plan(
        Step.ISSUE, "the serving certificate is not good for gate.podgate-system.svc", NOW + DAY
    )
    after = taken(Step.ISSUE, STEADY, found, NOW + DAY, SCHEDULE, "podgate")

    assert after.leaf.names == other + NAMES
    assert at(after, 1, found).step is Step.NOTHING
    # The next time that it is due, nobody calls by the old one.
    assert taken(Step.ISSUE, after, found, NOW + 62 * DAY, SCHEDULE, "podgate").leaf.names == other


def test_nobody_can_make_it_sign_without_end() -> None:
    many = tuple(f"n{number}.x.svc" for number in range(100))
    found = seen(STEADY, names=many)
    after = taken(Step.ISSUE, STEADY, found, NOW, SCHEDULE, "podgate")

    assert after.leaf.names == many[:MOST_NAMES]
    assert at(after, 0, found).step is Step.NOTHING


def test_a_leaf_that_the_authority_cannot_outlive_is_not_made_again_and_again() -> None:
    now = NOW + 3649 * DAY
    bundle = Bundle(OLD, leaf(OLD, now), NEW)

    assert bundle.leaf.cert.not_valid_after_utc == OLD.cert.not_valid_after_utc
    assert plan(bundle, seen(bundle, held=timedelta(0)), now + 0.9 * DAY).step is Step.NOTHING


def test_a_leaf_of_a_time_that_has_not_come_is_made_anew_and_never_served() -> None:
    bundle = Bundle(OLD, leaf(OLD, NOW + DAY))
    found = plan(bundle, seen(bundle), NOW)
    after = taken(found.step, bundle, seen(bundle), NOW, SCHEDULE, "podgate")

    assert (found.step, found.why) == (
        Step.ISSUE,
        "the serving certificate is of a time that has not come: a clock was wrong",
    )
    assert [adopts(served, bundle, seen(bundle), NOW) for served in (None, leaf())] == [False, False]
    assert at(after, 0).step is Step.NOTHING


def test_a_next_authority_that_is_of_no_use_is_made_anew() -> None:
    ended = Bundle(OLD, leaf(), Authority.create("podgate", NOW - 10 * DAY, DAY))
    after = taken(Step.INTRODUCE, ended, seen(ended), NOW, SCHEDULE, "podgate")
    again = taken(Step.INTRODUCE, after, seen(after), NOW, SCHEDULE, "podgate")

    assert after.next is not None
    assert ended.next is not None
    assert after.next.cert not in ended.trusted
    assert again == after, "but one that is of use stays"


def test_what_is_trusted_does_not_grow_without_end() -> None:
    bundle = STEADY
    for _ in range(8):
        bundle = taken(Step.INTRODUCE, bundle, seen(bundle), NOW, SCHEDULE, "podgate")
        bundle = taken(Step.SWITCH, bundle, seen(bundle), NOW, SCHEDULE, "podgate")

    assert len(bundle.trusted) == 4


def test_the_key_of_an_authority_that_was_is_not_kept() -> None:
    after = taken(Step.SWITCH, NEXT, seen(NEXT), NOW, SCHEDULE, "podgate")

    assert after.trusted == (NEW.cert, OLD.cert)
    assert issuer(after.leaf.cert, [NEW.cert]) == NEW.cert
    assert OLD.pair.key not in after.content().values()
    assert taken(Step.RETIRE, after, seen(after), NOW, SCHEDULE, "podgate").trusted == (NEW.cert,)


def test_when_what_was_kept_is_gone_what_replicas_still_serve_stays_trusted() -> None:
    expired = Authority.create("podgate", NOW - 10 * DAY, DAY).cert
    found = Seen(NAMES, (frozenset([OLD.cert, expired]), frozenset[Certificate]()))
    after = taken(Step.CREATE, None, found, NOW, SCHEDULE, "podgate")

    assert after.previous == (OLD.cert,)
    assert after.authority.cert != OLD.cert


@pytest.mark.parametrize(
    ("serving", "offered", "found", "expected"),
    [
        (None, STEADY, Seen(NAMES), True),
        (leaf(OLD, NOW - 100 * DAY), STEADY, seen(STEADY), True),  # what is served has expired
        (leaf(), STEADY, seen(STEADY, timedelta(0)), True),  # of the same authority
        (leaf(), PREVIOUS, seen(STEADY), False),  # whoever calls does not trust it yet
        (leaf(), PREVIOUS, seen(PREVIOUS, timedelta(seconds=119)), False),
        (leaf(), PREVIOUS, seen(PREVIOUS, timedelta(seconds=120)), True),
        (leaf(), Bundle(NEW, leaf(NEW)), seen(Bundle(NEW, leaf(NEW)), timedelta(0)), True),  # the old one is of no use
        (leaf(), PREVIOUS, Seen(NAMES), True),  # nobody calls
        (leaf(), PREVIOUS, Seen(NAMES, (frozenset([NEW.cert]), frozenset([OLD.cert])), LONG, LONG), False),
    ],
)
def test_a_replica_takes_a_leaf_over_when_it_is_trusted(
    serving: Leaf | None, offered: Bundle, found: Seen, expected: bool
) -> None:
    assert adopts(serving, offered, found, NOW) is expected


def test_since_counts_only_what_stays() -> None:
    now = [0.0]
    since = Since(lambda: now[0])
    told = []
    for second, value in enumerate(["a", "a", "a", "b", "b", None, None, "b"]):
        now[0] = float(second)
        told.append(since.same(value).total_seconds())

    assert told == [0, 1, 2, 0, 1, 0, 0, 0]


# The whole of it, with several replicas and API servers that hear late. Time is in seconds, so lifetimes are short.

QUICK = Schedule(
    authority=timedelta(seconds=4000),
    leaf=timedelta(seconds=900),
    notice=timedelta(seconds=20),
    overlap=timedelta(seconds=120),
)
#: How long a replica may be away from the API server before the plan no longer reckons with it.
AWAY = 60


@dataclass
class Replica:
    """What one process knows. Its files outlive a restart of its container, what it observed does not."""

    cluster: "Cluster"
    serving: Leaf | None = None
    #: How much its clock is ahead.
    ahead: timedelta = timedelta(0)
    held: Since = field(init=False)
    settled: Since = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.held, self.settled = Since(self.cluster.seconds), Since(self.cluster.seconds)

    def look(self) -> None:
        """Everything that a look does, as long as there is something to do."""
        for _ in range(6):
            bundle, now = self.cluster.kept, self.cluster.now + self.ahead
            found = self.observe(bundle)
            if bundle is not None and adopts(self.serving, bundle, found, now, QUICK):
                self.serving = bundle.leaf
            step = plan(bundle, found, now, QUICK).step
            if step is Step.NOTHING:
                return
            if step is Step.PUBLISH:
                assert bundle is not None
                self.cluster.publish(bundle.trusted)
            else:
                self.cluster.kept = taken(step, bundle, found, now, QUICK, "podgate")
                self.cluster.steps.append(step)
        raise AssertionError("a look does not come to an end")

    def observe(self, bundle: Bundle | None) -> Seen:
        published = (self.cluster.published[-1][1],)
        whole = bundle is not None and frozenset(bundle.trusted) <= published[0]
        held = self.held.same(bundle.trusted if bundle is not None and whole else None)
        settled = self.settled.same(bundle.leaf.cert if bundle is not None else None)
        return Seen(NAMES, published, held, settled)


@dataclass
class Cluster:
    """What the API server keeps, what it once published, and who serves."""

    now: datetime = NOW
    kept: Bundle | None = None
    published: list[tuple[datetime, frozenset[Certificate]]] = field(default_factory=lambda: [(NOW, frozenset())])
    steps: list[Step] = field(default_factory=list)
    replicas: list[Replica] = field(default_factory=list)

    def seconds(self) -> float:
        return (self.now - NOW).total_seconds()

    def publish(self, trusted: tuple[Certificate, ...]) -> None:
        self.published.append((self.now, frozenset(trusted)))

    def lose(self) -> None:
        self.kept = None

    def believed(self) -> list[frozenset[Certificate]]:
        """What some API server may still go by: one that hears of everything within the notice."""
        heard = sum(when <= self.now - QUICK.notice for when, _ in self.published)
        return [trusted for _, trusted in self.published[max(heard - 1, 0) :]]

    def check(self) -> None:
        """Every API server accepts every replica whose clock is right."""
        for replica in self.replicas:
            if replica.ahead:
                continue
            assert replica.serving is not None
            assert is_valid(replica.serving.cert, self.now)
            for trusted in self.believed():
                found = issuer(replica.serving.cert, trusted)
                assert found is not None
                assert is_valid(found, self.now)


def begun() -> Cluster:
    cluster = Cluster()
    cluster.replicas = [Replica(cluster) for _ in range(3)]
    for replica in cluster.replicas:
        replica.look()
    cluster.now += QUICK.notice
    return cluster


EVENTS = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), st.integers(1, 30)),
        st.tuples(st.just("restart"), st.integers(0, 2)),
        st.tuples(st.just("replace"), st.integers(0, 2)),
        st.tuples(st.just("away"), st.integers(0, 2)),
        st.tuples(st.sampled_from(["rotate", "rotate authority"]), st.just(0)),
    ),
    max_size=60,
)


@settings(max_examples=25, deadline=None)
@given(EVENTS)
@example([("rotate authority", 0)] + [("wait", 10)] * 40)
@example([("wait", 30)] * 120)
def test_at_every_moment_of_any_schedule_every_api_server_accepts_every_replica(events: list[tuple[str, int]]) -> None:
    cluster = begun()
    away: dict[int, float] = {}
    for name, number in events:
        replica = cluster.replicas[number % 3]
        if name == "wait":
            cluster.now += timedelta(seconds=number)
        elif name == "away":
            # It cannot reach the API server for a while, but the API server reaches it.
            away[number] = cluster.seconds() + AWAY - 30
        elif name == "restart":
            replica.restart()
        elif name == "replace" and number not in away:
            # Another pod in its place: it has no files yet, and is not asked before it has.
            cluster.replicas[number] = replica = Replica(cluster)
            replica.look()
        elif cluster.kept is not None:
            step = Step.ISSUE if name == "rotate" else Step.INTRODUCE
            cluster.kept = taken(step, cluster.kept, Seen(NAMES), cluster.now, QUICK, "podgate")
        away = {index: until for index, until in away.items() if until > cluster.seconds()}
        cluster.check()
        for index, each in enumerate(cluster.replicas):
            if index not in away:
                each.look()
                cluster.check()


# A clock that is off by more than a certificate of the API server lasts keeps a replica from reaching it at all.
@pytest.mark.parametrize("seconds", [600, 1200, -600, -1200])
def test_a_replica_with_a_wrong_clock_harms_none_of_the_others(seconds: int) -> None:
    cluster = begun()
    assert cluster.kept is not None
    cluster.replicas[2].ahead = timedelta(seconds=seconds)
    cluster.kept = taken(Step.INTRODUCE, cluster.kept, Seen(NAMES), cluster.now, QUICK, "podgate")
    for _ in range(120):
        cluster.now += timedelta(seconds=5)
        for replica in reversed(cluster.replicas):
            replica.look()
            cluster.check()
    cluster.replicas[2].ahead = timedelta(0)
    for _ in range(60):
        cluster.now += timedelta(seconds=5)
        for replica in cluster.replicas:
            replica.look()
        cluster.check()

    assert cluster.kept.trusted == (cluster.kept.authority.cert,)


def test_over_its_life_time_everything_is_exchanged_again_and_again() -> None:
    cluster = begun()
    for _ in range(1200):
        cluster.now += timedelta(seconds=10)
        for replica in cluster.replicas:
            replica.look()
        cluster.check()
    counted = {step: cluster.steps.count(step) for step in set(cluster.steps)}

    assert counted[Step.CREATE] == 1
    assert counted[Step.INTRODUCE] == counted[Step.SWITCH] == counted[Step.RETIRE] == 3
    assert counted[Step.ISSUE] >= 12
    assert len(cluster.published) == 1 + 1 + 2 * 3


@pytest.mark.parametrize("broken", [frozenset[Certificate](), frozenset([OTHER])], ids=["empty", "foreign"])
@pytest.mark.parametrize("moment", range(0, 200, 20))
def test_a_broken_bundle_is_mended_by_the_next_look_at_any_moment_of_an_exchange(
    broken: frozenset[Certificate], moment: int
) -> None:
    cluster = begun()
    assert cluster.kept is not None
    cluster.kept = taken(Step.INTRODUCE, cluster.kept, Seen(NAMES), cluster.now, QUICK, "podgate")
    for _ in range(moment // 5):
        cluster.now += timedelta(seconds=5)
        for replica in cluster.replicas:
            replica.look()
    cluster.published.append((cluster.now, broken))
    cluster.replicas[1].look()
    assert cluster.published[-1][1] == frozenset(cluster.kept.trusted)
    cluster.now += QUICK.notice  # what went wrong meanwhile is over
    for _ in range(60):
        cluster.check()
        cluster.now += timedelta(seconds=5)
        for replica in cluster.replicas:
            replica.look()
    assert cluster.kept.trusted == (cluster.kept.authority.cert,)


def test_a_replica_that_was_away_for_too_long_is_at_once_what_it_must_be_when_it_is_back() -> None:
    cluster = begun()
    assert cluster.kept is not None
    cluster.kept = taken(Step.INTRODUCE, cluster.kept, Seen(NAMES), cluster.now, QUICK, "podgate")
    for _ in range(60):
        cluster.now += timedelta(seconds=5)
        cluster.replicas[0].look()
    with pytest.raises(AssertionError):
        cluster.check()
    for replica in cluster.replicas:
        replica.look()

    cluster.check()


def test_when_everything_that_was_kept_is_emptied_replicas_stay_trusted() -> None:
    cluster = begun()
    cluster.lose()
    for _ in range(60):
        cluster.replicas[2].look()
        cluster.check()
        for replica in cluster.replicas:
            replica.look()
        cluster.check()
        cluster.now += timedelta(seconds=5)
    assert cluster.kept is not None
    assert cluster.kept.trusted == (cluster.kept.authority.cert,)


@pytest.mark.parametrize("state", ["steady", "next", "previous"])
def test_openssl_accepts_what_the_plan_says_it_does_although_both_authorities_have_one_name(
    state: str, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    old, new = Authority.create("podgate", now), Authority.create("podgate", now)
    bundle = {
        "steady": Bundle(old, leaf(old, now)),
        "next": Bundle(old, leaf(old, now), new),
        "previous": Bundle(new, leaf(new, now), None, (old.cert,)),
    }[state]
    bundle.leaf.pair.write(tmp_path / "tls.crt", tmp_path / "tls.key")
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "tls.crt", tmp_path / "tls.key")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(cadata=bundle.content()["ca.crt"].decode())
    ours, theirs = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = client.wrap_bio(theirs, ours, server_hostname=NAMES[0]), server.wrap_bio(ours, theirs, server_side=True)
    for _ in range(4):
        for end in ends:
            with suppress(ssl.SSLWantReadError):
                end.do_handshake()

    assert [end.getpeercert(binary_form=True) is not None for end in ends] == [True, False]
    assert ends[0].version() == ends[1].version() == "TLSv1.3"
