"""Certificates look after themselves, whatever happens on the way; and what is served goes on being served."""

import logging
from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs.authority import Authority
from certs.bundle import Bundle, BundleError, Leaf, certificates, issuer
from certs.reload import Sources
from certs.rotation import SCHEDULE, Seen, Step, taken
from certs.store import StoreError
from tests.webhook.apiserver import ApiServer, Clock, api_server
from tests.webhook.objects import CONFIGURATION, LEASE, NAME, PLACE, SECRET, Objects
from tests.webhook.serving import HOST, wait
from webhook import managed
from webhook.cluster import Cluster, ClusterError
from webhook.managed import Managed
from webhook.metrics import Metrics

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


class Played:
    """A cluster whose objects are at hand, replicas, and one clock for all of them."""

    def __init__(self, api: ApiServer, folder: Path) -> None:
        self.objects = Objects()
        self.clock = Clock()
        self.metrics = Metrics()
        self._started = self.clock.now
        self._cluster = Cluster(api.kubeconfig(folder), inside=False)
        self._folder = folder
        api.answer = self.objects.answer

    def now(self) -> datetime:
        return START + timedelta(seconds=self.clock.now - self._started)

    def replica(self, name: str = "a") -> Managed:
        sources = Sources(self._folder / name / "tls.crt", self._folder / name / "tls.key")
        made = Managed(self._cluster, PLACE, "podgate", sources, self.metrics, self.now, self.clock)
        made._turn._identity = name
        return made

    def served(self, name: str = "a") -> bytes:
        return (self._folder / name / "tls.crt").read_bytes()

    def pass_(self, *replicas: Managed, seconds: float) -> None:
        """Time in which every replica looks every five seconds."""
        for _ in range(int(seconds // 5)):
            self.clock.now += 5
            for each in replicas:
                each.look()
                each.check()

    @property
    def bundle(self) -> Bundle:
        found = Bundle.read(self.objects.content)
        assert found is not None
        return found

    def keep(self, bundle: Bundle) -> None:
        """Somebody else wrote this."""
        data = {name: b64encode(value).decode() for name, value in bundle.content().items() if value}
        self.objects.put(SECRET, {**self.objects.held[SECRET], "data": data})


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[Played]:
    monkeypatch.setenv("NO_PROXY", HOST)
    caplog.set_level(logging.INFO, "podgate")
    with api_server() as api:
        yield Played(api, tmp_path)


def said(caplog: pytest.LogCaptureFixture, level: int = logging.INFO) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= level]


def test_the_first_look_makes_publishes_and_serves_what_is_needed(
    played: Played, caplog: pytest.LogCaptureFixture
) -> None:
    replica = played.replica()
    before = replica.missing()
    replica.look()
    replica.check()

    assert before == "there is no serving certificate yet: the cluster has not been asked yet"
    assert (replica.missing(), played.served()) == (None, played.objects.content["tls.crt"])
    assert played.bundle.leaf.names == (NAME,)
    assert played.objects.trusted == [(played.bundle.authority.cert,)] * 2
    assert played.objects.held[SECRET]["metadata"]["labels"] == {"a": "b"}
    assert said(caplog) == ["an authority and a serving certificate were made", "the caBundle was written"]
    assert played.objects.held[LEASE]["spec"]["holderIdentity"] == ""
    assert played.objects.held[LEASE]["spec"]["leaseTransitions"] == 1
    ends = played.metrics.registry.get_sample_value("podgate_certificate_authority_expiry_timestamp_seconds")
    assert ends == played.bundle.authority.cert.not_valid_after_utc.timestamp()


def test_when_nothing_is_to_be_done_nothing_is_written(played: Played) -> None:
    replica = played.replica()
    replica.look()
    before = list(played.objects.writes)
    played.pass_(replica, seconds=600)

    assert played.objects.writes == before == ["leases", "secrets", "validatingwebhookconfigurations", "leases"]


def once(objects: Objects, path: str, doing: Callable[[], object]) -> None:
    """Do this ahead of the first write there."""

    def before(_method: str, written: str) -> None:
        if written == path:
            objects.before = lambda _method, _path: None
            doing()

    objects.before = before


@pytest.mark.parametrize("has_lease", [True, False], ids=["lease", "no-lease"])
def test_of_two_replicas_that_begin_at_the_same_moment_exactly_one_authority_wins(
    played: Played, caplog: pytest.LogCaptureFixture, has_lease: bool
) -> None:
    if not has_lease:
        del played.objects.held[LEASE]
    first, second = played.replica("a"), played.replica("b")
    # Both have seen an empty Secret; the second is faster.
    once(played.objects, SECRET, second.look)
    first.look()
    second.look()
    for each in (first, second):
        each.check()

    assert played.objects.writes.count("secrets") == 1
    assert said(caplog).count("an authority and a serving certificate were made") == 1
    assert played.served("a") == played.served("b") == played.objects.content["tls.crt"]
    assert played.objects.trusted == [(played.bundle.authority.cert,)] * 2


def test_a_turn_that_somebody_keeps_without_doing_anything_is_over_after_half_a_minute(played: Played) -> None:
    played.objects.put(LEASE, {"metadata": {}, "spec": {"holderIdentity": "gone", "leaseTransitions": 7}})
    replica = played.replica()
    for _ in range(6):
        replica.look()
        played.clock.now += 5
    waited = replica.missing(), list(played.objects.writes)
    played.clock.now += 1
    replica.look()
    replica.check()

    assert waited == ("there is no serving certificate yet: the cluster has not been asked yet", [])
    assert replica.missing() is None
    assert played.objects.held[LEASE]["spec"]["leaseTransitions"] == 8


def test_a_turn_that_is_lost_in_the_middle_undoes_nothing_that_the_other_did(played: Played) -> None:
    first, second = played.replica("a"), played.replica("b")
    first.look()
    played.keep(taken(Step.INTRODUCE, played.bundle, Seen((NAME,)), played.now(), SCHEDULE, "podgate"))

    def takes_over() -> None:
        # The first is about to publish, and has been slow: its Lease is somebody else's by now, who goes on.
        played.objects.put(LEASE, {"metadata": {}, "spec": {}})
        second.look()
        played.keep(taken(Step.ISSUE, played.bundle, Seen((NAME,)), played.now(), SCHEDULE, "podgate"))

    once(played.objects, CONFIGURATION, takes_over)
    first.look()

    assert played.objects.trusted == [played.bundle.trusted] * 2
    assert len(played.bundle.trusted) == 2
    first.check()
    assert played.served("a") == played.objects.content["tls.crt"]


@pytest.mark.parametrize("value", ["", "bm90IGEgY2VydGlmaWNhdGU=", "%%%"], ids=["empty", "foreign", "rubbish"])
def test_a_ca_bundle_that_somebody_changed_is_written_again_and_it_is_said(
    played: Played, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    replica = played.replica()
    replica.look()
    found = played.objects.held[CONFIGURATION]
    found["webhooks"][1]["clientConfig"]["caBundle"] = value
    played.objects.put(CONFIGURATION, found)
    replica.look()

    assert played.objects.trusted == [(played.bundle.authority.cert,)] * 2
    assert said(caplog, logging.WARNING) == ["somebody changed the caBundle; it was written again"]


def test_an_exchange_of_the_authority_completes_by_itself_and_no_replica_is_ever_not_trusted(played: Played) -> None:
    replicas = {name: played.replica(name) for name in ("a", "b")}
    for each in replicas.values():
        each.look()
        each.check()
    old = played.bundle
    played.keep(taken(Step.INTRODUCE, old, Seen((NAME,)), played.now(), SCHEDULE, "podgate"))
    kept = []
    for _ in range(80):
        played.clock.now += 50
        played.pass_(*replicas.values(), seconds=5)
        kept.append(len(played.bundle.trusted))
        for name in replicas:
            (leaf,) = certificates(played.served(name))
            assert all(issuer(leaf, trusted) for trusted in played.objects.trusted)

    assert sorted(set(kept)) == [1, 2]
    assert played.bundle.trusted == (played.bundle.authority.cert,)
    assert old.authority.cert != played.bundle.authority.cert
    assert played.served("a") == played.served("b") == played.objects.content["tls.crt"] != old.leaf.pair.cert
    assert "next-ca.key" not in played.objects.content


def test_a_leaf_is_renewed_long_before_its_end(played: Played, caplog: pytest.LogCaptureFixture) -> None:
    replica = played.replica()
    replica.look()
    replica.check()
    before = played.served()
    played.clock.now += timedelta(days=60).total_seconds()
    replica.look()
    replica.check()

    assert before != played.served() == played.objects.content["tls.crt"]
    assert said(caplog)[-1] == "the serving certificate was renewed"


def test_a_secret_that_was_broken_by_hand_is_left_alone_and_what_is_served_stays(played: Played) -> None:
    replica = played.replica()
    replica.look()
    replica.check()
    good, key = played.served(), played.objects.held[SECRET]["data"]["tls.key"]
    played.objects.set_data(tls_key=None)
    writes = list(played.objects.writes)
    with pytest.raises(
        BundleError,
        match=r"Secret podgate-system/podgate-tls: there is .* but no tls\.key: put back what is missing, or empty all",
    ):
        replica.look()
    replica.check()
    served = played.served(), list(played.objects.writes)
    played.objects.set_data(tls_key=key)
    replica.look()

    assert served == (good, writes)


def test_a_secret_that_was_emptied_is_filled_anew_and_what_is_served_stays_trusted(played: Played) -> None:
    replica = played.replica()
    replica.look()
    replica.check()
    old = played.bundle
    played.objects.put(SECRET, {**played.objects.held[SECRET], "data": None})
    replica.look()
    replica.check()
    meanwhile = played.served()
    trusted = played.objects.trusted
    played.pass_(replica, seconds=125)

    assert played.bundle.previous == (old.authority.cert,)
    assert trusted == [played.bundle.trusted] * 2
    assert meanwhile == old.leaf.pair.cert, "API servers need time to notice"
    assert played.served() == played.bundle.leaf.pair.cert


@pytest.mark.parametrize(
    ("path", "error", "text"),
    [
        (
            SECRET,
            StoreError,
            "the answer is HTTP 404; manifests/components/self-signed has the Secret and the rights that are needed",
        ),
        (CONFIGURATION, None, "there is no ValidatingWebhookConfiguration podgate, so no API server asks"),
    ],
    ids=["secret", "configuration"],
)
def test_what_is_not_there_is_named(
    played: Played, path: str, error: type[Exception] | None, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    del played.objects.held[path]
    replica = played.replica()
    if error is not None:
        with pytest.raises(error) as caught:
            replica.look()
        assert str(caught.value) == f"Secret podgate-system/podgate-tls cannot be read: {text}"
    else:
        replica.look()
        replica.look()
        assert text in replica.note()
        assert said(caplog) == ["certificates need somebody"] * 2  # once each: this, and that nobody says our name
        assert played.objects.writes == []


def test_without_a_configuration_a_leaf_that_there_is_is_served_and_renewed(played: Played) -> None:
    authority = Authority.create("podgate", START)
    played.keep(Bundle(authority, Leaf.read(authority.server([NAME], START, SCHEDULE.leaf))))
    del played.objects.held[CONFIGURATION]
    replica = played.replica()
    replica.look()
    replica.check()
    first = played.served()
    played.clock.now += timedelta(days=61).total_seconds()
    replica.look()
    replica.check()

    assert first != played.served() == played.objects.content["tls.crt"]


def test_what_is_served_outlives_the_api_server_and_a_restart(
    played: Played, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    replica = played.replica()
    replica.look()
    replica.check()
    good = played.served()
    played.objects.failing = (503, {})
    monkeypatch.setattr(managed, "LOOK_SECONDS", 0.01)
    again = played.replica()
    again.start()
    try:
        told = wait(lambda: again.note() != "certificates cannot be looked after: the cluster has not been asked yet")
        note = again.note()
        played.objects.failing = None
        recovered = wait(lambda: again.note() == "")
    finally:
        again.stop()

    assert (told, recovered, again.missing(), played.served()) == (True, True, None, good)
    assert note == (
        "certificates cannot be looked after: ValidatingWebhookConfiguration podgate cannot be read: "
        "the answer is HTTP 503"
    )
    assert said(caplog, logging.ERROR) == ["certificates cannot be looked after; what is served stays"]
    counted = played.metrics.registry.get_sample_value
    assert (counted("podgate_cluster_requests_total", {"what": "certificates", "result": "failed"}) or 0) >= 1
    assert (counted("podgate_cluster_requests_total", {"what": "certificates", "result": "ok"}) or 0) >= 1


def test_a_mistake_of_ours_does_not_end_it(
    played: Played, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(managed, "EAGER_SECONDS", 0.01)
    replica = played.replica()
    played.objects.put(CONFIGURATION, {"webhooks": [3]})
    replica.start()
    try:
        assert wait(lambda: "a mistake of ours" in (replica.missing() or ""))
        played.objects.put(CONFIGURATION, Objects().held[CONFIGURATION])
        assert wait(lambda: replica._offered is not None)
    finally:
        replica.stop()


@pytest.mark.parametrize("content", [[], "text", None], ids=["list", "text", "null"])
def test_an_answer_that_is_no_object_is_an_error_like_others(played: Played, content: object) -> None:
    played.objects.failing = (200, content)
    with pytest.raises(ClusterError, match="the answer is no object"):
        played.replica().look()


def test_what_cannot_be_written_is_said_once_and_tried_again(
    played: Played, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    replica = played.replica()
    replica.look()
    (tmp_path / "a" / "tls.crt").unlink()
    (tmp_path / "a" / "tls.crt").mkdir()
    replica.check()
    replica.check()
    problem = replica.note()
    (tmp_path / "a" / "tls.crt").rmdir()
    replica.check()

    assert problem.endswith("/a/tls.crt and its key cannot be written: is a directory")
    assert said(caplog, logging.ERROR) == ["a new certificate cannot be served"]
    assert played.served() == played.objects.content["tls.crt"]
    assert "cannot be written" not in replica.note()


def test_an_authority_that_should_have_been_exchanged_is_told_of(
    played: Played, caplog: pytest.LogCaptureFixture
) -> None:
    authority = Authority.create("podgate", START, timedelta(days=10))
    leaf = Leaf.read(authority.server([NAME], START))
    played.keep(Bundle(authority, leaf, None, (Authority.create("x", START).cert,)))
    replica = played.replica()
    replica.look()

    assert "the authority ends at 2026-05-11T12:00:00Z and should have been exchanged" in replica.note()
    assert "certificates need somebody" in said(caplog, logging.WARNING)
