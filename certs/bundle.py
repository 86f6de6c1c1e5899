"""What is kept of an authority and of what it signed: PEM under well-known names, checked whenever it is read.

`ca.crt` is what API servers are to trust, so it holds two authorities while one takes the other's place. The first is
the one that signs; its key is `ca.key`. The one that comes next has its key in `next-ca.key`. One that was has none.
"""

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization

from certs.authority import SKEW, Authority, AuthorityError, KeyPair

CA_CERT, CA_KEY, NEXT_KEY, CERT, KEY = "ca.crt", "ca.key", "next-ca.key", "tls.crt", "tls.key"
NAMES = (CA_CERT, CA_KEY, NEXT_KEY, CERT, KEY)
PRIVATE = frozenset({CA_KEY, NEXT_KEY, KEY})
_NEEDED = (CA_CERT, CA_KEY, CERT, KEY)

Certificate = x509.Certificate


class BundleError(Exception):
    """What is kept cannot be used, and is not replaced: what is wrong, for a person. No key is in the text."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A serving certificate with its key."""

    pair: KeyPair
    cert: Certificate

    @classmethod
    def read(cls, pair: KeyPair) -> Self:
        """Raises BundleError."""
        try:
            cert = x509.load_pem_x509_certificates(pair.cert)[0]
            key = serialization.load_pem_private_key(pair.key, password=None)
        except (ValueError, TypeError) as error:
            raise BundleError(f"{CERT} or {KEY} is not PEM of a certificate and its key") from error
        if key.public_key() != cert.public_key():
            raise BundleError(f"{KEY} is not the key of {CERT}")
        return cls(pair, cert)

    @property
    def names(self) -> tuple[str, ...]:
        """The DNS names and addresses that it is good for."""
        return names(self.cert)


@dataclass(frozen=True, slots=True)
class Bundle:
    """An authority, what it signed, and which other authorities are trusted while one takes the other's place."""

    authority: Authority
    leaf: Leaf
    next: Authority | None = None
    previous: tuple[Certificate, ...] = ()

    @classmethod
    def read(cls, content: Mapping[str, bytes]) -> Self | None:
        """What was kept, of whatever else is there; None where nothing of it has any content. Raises BundleError."""
        kept = {name: content[name] for name in NAMES if content.get(name, b"").strip()}
        if not kept:
            return None
        if missing := [name for name in _NEEDED if name not in kept]:
            raise BundleError(f"there is {_listed(kept)}, but no {_listed(missing)}: {_foreign(kept)}")
        first, *others = _authorities(kept[CA_CERT])
        authority = _authority(first, kept[CA_KEY], CA_KEY)
        following = None
        if NEXT_KEY in kept:
            following = _following(others, kept[NEXT_KEY])
            others.remove(following.cert)
        bundle = cls(authority, Leaf.read(KeyPair(kept[CERT], kept[KEY])), following, tuple(others))
        if issuer(bundle.leaf.cert, bundle.trusted) is None:
            raise BundleError(f"{CERT} was signed by none of the authorities in {CA_CERT}: somebody put one there")
        return bundle

    def content(self) -> dict[str, bytes]:
        """What is to be kept: every one of NAMES, empty where there is none."""
        return {
            CA_CERT: pem(self.trusted),
            CA_KEY: self.authority.pair.key,
            NEXT_KEY: self.next.pair.key if self.next is not None else b"",
            CERT: self.leaf.pair.cert,
            KEY: self.leaf.pair.key,
        }

    @property
    def trusted(self) -> tuple[Certificate, ...]:
        """Every authority that API servers are to trust, the one that signs first."""
        following = () if self.next is None else (self.next.cert,)
        return self.authority.cert, *following, *self.previous


def certificates(content: bytes) -> tuple[Certificate, ...]:
    """The certificates in PEM; none where it cannot be read."""
    try:
        return tuple(x509.load_pem_x509_certificates(content))
    except ValueError:
        return ()


def pem(found: Iterable[Certificate]) -> bytes:
    """Certificates as PEM, in their order."""
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in found)


def issuer(cert: Certificate, authorities: Iterable[Certificate]) -> Certificate | None:
    """The one that signed it, if any did."""
    for each in authorities:
        try:
            cert.verify_directly_issued_by(each)
        except (ValueError, TypeError, InvalidSignature):
            continue
        return each
    return None


def names(cert: Certificate) -> tuple[str, ...]:
    """The DNS names and addresses that a certificate is good for."""
    try:
        found = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return ()
    addresses = [str(each) for each in found.get_values_for_type(x509.IPAddress)]
    return (*found.get_values_for_type(x509.DNSName), *addresses)


def name_of(host: str) -> str:
    """A host as a certificate has it: addresses in their short form, names in lower case."""
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return host.lower()


def made_at(cert: Certificate) -> datetime:
    """When one of ours was made: its validity begins a little earlier, for clocks that are behind."""
    return cert.not_valid_before_utc + SKEW


def is_valid(cert: Certificate, now: datetime) -> bool:
    """Whether it can be used at that time."""
    return cert.not_valid_before_utc <= now < cert.not_valid_after_utc


def subject(cert: Certificate) -> str:
    """Its common name, or all of its name where it has none."""
    found = cert.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found[0].value) if found else cert.subject.rfc4514_string()


def _authorities(content: bytes) -> list[Certificate]:
    found = certificates(content)
    if not found:
        raise BundleError(f"{CA_CERT} is not PEM of certificates")
    return list(dict.fromkeys(found))


def _authority(cert: Certificate, key: bytes, name: str) -> Authority:
    try:
        return Authority.load(KeyPair(pem([cert]), key))
    except AuthorityError as error:
        raise BundleError(f"{name} is not the key of the first certificate of {CA_CERT}") from error


def _following(others: Iterable[Certificate], key: bytes) -> Authority:
    for cert in others:
        try:
            return Authority.load(KeyPair(pem([cert]), key))
        except AuthorityError:
            continue
    raise BundleError(f"{NEXT_KEY} is the key of no other certificate of {CA_CERT}")


def _foreign(kept: Mapping[str, bytes]) -> str:
    if CA_CERT in kept and CA_KEY in kept:
        return "put back what is missing, or empty all of them to have everything made anew"
    return "this is not a certificate of Podgate's making, and it is left alone; empty it to have one made"


def _listed(found: Iterable[str]) -> str:
    return " and ".join(found)
