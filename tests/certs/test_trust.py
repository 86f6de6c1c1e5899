"""Whether who trusts a bundle would trust what a server shows."""

from datetime import UTC, datetime, timedelta

import pytest

from certs import trust
from certs.authority import Authority

NOW = datetime(2026, 5, 1, tzinfo=UTC)
NAME = "podgate.podgate-system.svc"
DAY = timedelta(days=1)
OURS = Authority.create("ours", NOW)
OTHERS = Authority.create("others", NOW)
SERVED = OURS.server([NAME], NOW).cert


def problems(shown: bytes = SERVED, bundle: bytes = OURS.pair.cert, name: str = NAME, now: datetime = NOW) -> list[str]:
    return trust.problems(shown, bundle, name, now)


@pytest.mark.parametrize(
    ("shown", "bundle", "name"),
    [
        (SERVED, OURS.pair.cert, NAME),
        (SERVED, OTHERS.pair.cert + OURS.pair.cert, NAME),
        (SERVED + OURS.pair.cert, OURS.pair.cert, NAME),
        (SERVED, SERVED, NAME),
        (OURS.server(["*.podgate-system.svc"], NOW).cert, OURS.pair.cert, NAME),
        (SERVED, OURS.pair.cert, NAME.upper()),
        (OURS.server(["10.0.0.1"], NOW).cert, OURS.pair.cert, "10.0.0.1"),
    ],
    ids=[
        "plain",
        "two authorities while one is exchanged",
        "with its authority",
        "itself",
        "wildcard",
        "other case",
        "address",
    ],
)
def test_what_is_trusted(shown: bytes, bundle: bytes, name: str) -> None:
    assert problems(shown, bundle, name) == []


@pytest.mark.parametrize(
    ("shown", "bundle", "now", "expected"),
    [
        (SERVED, OTHERS.pair.cert, NOW, ["the caBundle does not lead to who signed it"]),
        (SERVED + OURS.pair.cert, OTHERS.pair.cert, NOW, ["the caBundle does not lead to who signed it"]),
        (SERVED, OURS.pair.cert, NOW + 366 * DAY, ["the certificate ended at 2027-05-01T00:00:00Z"]),
        (SERVED, OURS.pair.cert, NOW - DAY, None),
        (
            OURS.server(["a.example.com", "10.0.0.1"], NOW).cert,
            OURS.pair.cert,
            NOW,
            [f"its alternative names do not have {NAME}, but a.example.com, 10.0.0.1"],
        ),
        (OURS.pair.cert, OURS.pair.cert, NOW, [f"its alternative names do not have {NAME}, but none"]),
    ],
    ids=["another authority", "brought along", "ended", "not begun", "another name", "no names"],
)
def test_what_is_not_trusted(shown: bytes, bundle: bytes, now: datetime, expected: list[str] | None) -> None:
    found = problems(shown, bundle, now=now)

    if expected is not None:
        assert found == expected
    else:  # nor is the authority
        assert found == [
            "the certificate begins only at 2026-04-30T23:55:00Z",
            "the caBundle does not lead to who signed it",
        ]


def test_an_authority_that_has_ended_vouches_for_nobody() -> None:
    short = Authority.create("short", NOW - 2 * DAY, DAY)

    # What it signed has ended with it: an authority signs for no longer than it lasts.
    assert problems(short.server([NAME], NOW - 1.5 * DAY).cert, short.pair.cert) == [
        "the certificate ended at 2026-04-30T00:00:00Z",
        "the caBundle does not lead to who signed it",
    ]
    assert trust.bundle_problems(short.pair.cert, NOW) == ["the caBundle ended at 2026-04-30T00:00:00Z"]
    assert trust.bundle_problems(short.pair.cert + OURS.pair.cert, NOW) == []


def test_what_a_certificate_signed_that_may_not_sign_is_not_trusted() -> None:
    leaf = OURS.server(["intermediate"], NOW)
    false = Authority.load(leaf)

    assert problems(false.server([NAME], NOW).cert + leaf.cert, OURS.pair.cert) == [
        "the caBundle does not lead to who signed it"
    ]


@pytest.mark.parametrize("content", [b"", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate(content: bytes) -> None:
    with pytest.raises(trust.UnreadableError, match="the certificate is not a certificate in PEM"):
        problems(shown=content)
    with pytest.raises(trust.UnreadableError, match="the caBundle is not a certificate in PEM"):
        problems(bundle=content)
    with pytest.raises(trust.UnreadableError, match="the caBundle is not"):
        trust.bundle_problems(content, NOW)
    with pytest.raises(trust.UnreadableError, match="the certificate is not"):
        trust.ends(content)


def test_when_a_certificate_ends() -> None:
    assert trust.ends(SERVED) == datetime(2027, 5, 1, tzinfo=UTC)
