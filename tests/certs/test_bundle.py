"""What is kept: read back as it was written, and refused with plain words where it is somebody else's or broken."""

from datetime import UTC, datetime, timedelta

import pytest

from certs.authority import Authority, KeyPair
from certs.bundle import CA_CERT, CA_KEY, CERT, KEY, NAMES, NEXT_KEY, Bundle, BundleError, Leaf, certificates, issuer

NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
OLD, NEW, OTHER = (Authority.create("podgate", NOW) for _ in range(3))
LEAF = Leaf.read(OLD.server(["podgate.podgate-system.svc", "10.0.0.7"], NOW))
BUNDLE = Bundle(OLD, LEAF, NEW, (OTHER.cert,))
CONTENT = BUNDLE.content()


def test_what_is_kept_is_read_back_as_it_was() -> None:
    found = Bundle.read({**CONTENT, "notes.txt": b"somebody else's"})

    assert found is not None
    assert found.content() == CONTENT
    assert found.next is not None
    assert (found.next.cert, found.previous) == (NEW.cert, (OTHER.cert,))
    assert found.trusted == certificates(CONTENT[CA_CERT]) == (OLD.cert, NEW.cert, OTHER.cert)
    assert found.leaf.names == ("podgate.podgate-system.svc", "10.0.0.7")


def test_what_certs_init_writes_is_a_bundle() -> None:
    pair = OLD.server(["localhost"], NOW)
    found = Bundle.read({CA_CERT: OLD.pair.cert, CA_KEY: OLD.pair.key, CERT: pair.cert, KEY: pair.key})

    assert found is not None
    assert (found.trusted, found.next, found.previous) == ((OLD.cert,), None, ())


@pytest.mark.parametrize("content", [{}, dict.fromkeys(NAMES, b""), {CERT: b" \n"}, {"notes.txt": b"x"}])
def test_nothing_is_nothing(content: dict[str, bytes]) -> None:
    assert Bundle.read(content) is None


STRANGER = Authority.create("a stranger", NOW).server(["localhost"], NOW)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({CA_CERT: b"", CA_KEY: b"", NEXT_KEY: b""}, "there is tls.crt and tls.key, but no ca.crt and ca.key: this is"),
        ({CA_KEY: b"", NEXT_KEY: b""}, "but no ca.key: this is not a certificate of Podgate's making"),
        ({KEY: b""}, "but no tls.key: put back what is missing, or empty all of them"),
        ({CA_CERT: b"rubbish"}, "ca.crt is not PEM of certificates"),
        ({CA_KEY: b"rubbish"}, "ca.key is not the key of the first certificate of ca.crt"),
        ({CA_KEY: NEW.pair.key}, "ca.key is not the key of the first certificate of ca.crt"),
        ({NEXT_KEY: Authority.create("x", NOW).pair.key}, "next-ca.key is the key of no other certificate of ca.crt"),
        ({CERT: b"rubbish"}, "tls.crt or tls.key is not PEM of a certificate and its key"),
        ({KEY: b"rubbish"}, "tls.crt or tls.key is not PEM of a certificate and its key"),
        ({KEY: OLD.pair.key}, "tls.key is not the key of tls.crt"),
        ({CERT: STRANGER.cert, KEY: STRANGER.key}, "tls.crt was signed by none of the authorities in ca.crt"),
    ],
    ids=lambda given: ",".join(given) if isinstance(given, dict) else "",
)
def test_what_cannot_be_used_is_told_and_never_shown(change: dict[str, bytes], said: str) -> None:
    with pytest.raises(BundleError) as caught:
        Bundle.read(CONTENT | change)

    assert said in str(caught.value)
    assert "PRIVATE KEY" not in str(caught.value)


def test_what_has_expired_is_still_read_because_it_is_renewed_and_not_lost() -> None:
    old = Authority.create("podgate", NOW - timedelta(days=10), timedelta(days=2))
    leaf = Leaf.read(old.server(["localhost"], NOW - timedelta(days=10)))

    assert Bundle.read(Bundle(old, leaf).content()) is not None


def test_keys_are_not_in_what_python_shows_of_it() -> None:
    for key in (OLD.pair.key, NEW.pair.key, LEAF.pair.key):
        assert key.decode() not in repr(BUNDLE)
        assert repr(key) not in repr(BUNDLE)
    assert "PRIVATE" not in repr(KeyPair(b"cert", b"PRIVATE"))


def test_an_authority_of_the_same_name_is_not_taken_for_the_one_that_signed() -> None:
    assert issuer(LEAF.cert, [NEW.cert, OTHER.cert, OLD.cert]) == OLD.cert
    assert issuer(LEAF.cert, [NEW.cert]) is None
