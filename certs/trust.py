"""Whether who trusts a bundle of authorities would trust what a server shows: as Go's crypto/x509 sees it, in words."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from cryptography import x509

from certs.bundle import issuer, name_of, names

_MOST = 10


class UnreadableError(Exception):
    """No certificate: what is wrong with it, for a person."""


def problems(shown: bytes, bundle: bytes, name: str, now: datetime) -> list[str]:
    """Why a client that trusts the bundle would refuse a server of this DNS name; empty when it would not.

    `shown` is the server's certificate with its chain, both in PEM. Raises UnreadableError.
    """
    chain, roots = _read(shown, "the certificate"), _read(bundle, "the caBundle")
    leaf = chain[0]
    return [
        *_dates(leaf, now, "the certificate"),
        *_names(leaf, name),
        *([] if _is_trusted(leaf, chain[1:], roots, now) else ["the caBundle does not lead to who signed it"]),
    ]


def bundle_problems(bundle: bytes, now: datetime) -> list[str]:
    """Why nobody is trusted by a bundle, whatever they show; empty when somebody may be. Raises UnreadableError."""
    roots = _read(bundle, "the caBundle")
    return [] if any(_is_in_time(root, now) for root in roots) else [*_dates(roots[0], now, "the caBundle")]


def ends(shown: bytes) -> datetime:
    """When a certificate ends. Raises UnreadableError."""
    return _read(shown, "the certificate")[0].not_valid_after_utc


def _read(pem: bytes, what: str) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(pem)
        for each in found:
            _ = each.extensions, each.not_valid_after_utc  # read only now, and just as likely to be broken
        return found
    except (ValueError, x509.DuplicateExtension) as error:
        raise UnreadableError(f"{what} is not a certificate in PEM") from error


def _dates(cert: x509.Certificate, now: datetime, what: str) -> Iterator[str]:
    if now > cert.not_valid_after_utc:
        yield f"{what} ended at {cert.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}"
    if now < cert.not_valid_before_utc:
        yield f"{what} begins only at {cert.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}"


def _names(leaf: x509.Certificate, wanted: str) -> Iterator[str]:
    known = names(leaf)
    parent = wanted.partition(".")[2]
    if not {name_of(wanted), name_of(f"*.{parent}")} & {name_of(each) for each in known}:
        yield f"its alternative names do not have {wanted}, but {', '.join(known[:_MOST]) or 'none'}"


def _is_trusted(
    cert: x509.Certificate, between: Sequence[x509.Certificate], roots: Sequence[x509.Certificate], now: datetime
) -> bool:
    """Whether a way of signatures leads from a certificate to the roots, over those in between, all of them in time."""
    if cert in roots:
        return True
    if any(_is_signed(cert, root) and _is_in_time(root, now) for root in roots):
        return True
    rest = between[:_MOST]
    return any(
        _is_signed(cert, each)
        and _is_in_time(each, now)
        and _is_trusted(each, [other for other in rest if other is not each], roots, now)
        for each in rest
    )


def _is_in_time(cert: x509.Certificate, now: datetime) -> bool:
    return not list(_dates(cert, now, ""))


def _is_signed(cert: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        may = by.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
    return may and issuer(cert, [by]) is not None
