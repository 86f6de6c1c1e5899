"""The files that a replica serves with where Podgate makes certificates by itself: a copy of what is kept elsewhere.

Until there is anything to copy, a certificate is served that nobody trusts, so that the port can be opened at once.
What is found at the start was written by a process before us, and is served until there is known to be something newer.
"""

import os
from datetime import datetime

from cryptography import x509

from certs import files
from certs.authority import Authority, KeyPair
from certs.bundle import BundleError, Leaf, is_valid
from certs.reload import CertificateError, Sources

_PROVISIONAL = "provisional.podgate.invalid"
_MOST_NAME = 64  # RFC 5280, ub-common-name


def authority_name(place: str) -> str:
    """What an authority is called whose certificates are kept in a place."""
    return f"podgate {place}"[:_MOST_NAME]


class Local:
    """A certificate and its key as files. Of one thread."""

    def __init__(self, sources: Sources, place: str, now: datetime) -> None:
        """Raises CertificateError where somebody else's certificate is there, or nothing can be written."""
        self._sources = sources
        self._name = authority_name(place)
        self.leaf: Leaf | None = None
        if sources.cert.exists() or sources.key.exists():
            self.leaf = self._found()
        if self.leaf is None or not is_valid(self.leaf.cert, now):
            self._write(Authority.create(self._name, now).server([_PROVISIONAL], now))
            self.leaf = None

    def put(self, leaf: Leaf) -> None:
        """Write what is to be served from now on. Raises CertificateError."""
        self._write(leaf.pair)
        self.leaf = leaf

    def _found(self) -> Leaf | None:
        if not self._is_ours():
            raise CertificateError(
                f"{self._sources.cert} is there and was not written by Podgate for this Secret: managed certificates "
                "are written to --tls-cert and --tls-key, so name files in a folder of their own"
            )
        try:
            leaf = Leaf.read(KeyPair(self._sources.cert.read_bytes(), self._sources.key.read_bytes()))
        except (OSError, BundleError):
            return None  # the process before us ended between the two
        return None if leaf.names == (_PROVISIONAL,) else leaf

    def _is_ours(self) -> bool:
        """Whether the certificate names an authority of this place; the key alone tells nothing."""
        try:
            cert, *_ = x509.load_pem_x509_certificates(self._sources.cert.read_bytes())
        except (OSError, ValueError):
            return False
        return [each.value for each in cert.issuer.get_attributes_for_oid(x509.NameOID.COMMON_NAME)] == [self._name]

    def _write(self, pair: KeyPair) -> None:
        try:
            self._sources.cert.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._sources.key.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # The certificate first: it tells whose both are, should the other not be written any more.
            files.write(self._sources.cert, pair.cert)
            files.write(self._sources.key, pair.key, files.PRIVATE)
        except OSError as error:
            reason = os.strerror(error.errno or 0).lower()
            raise CertificateError(f"{self._sources.cert} and its key cannot be written: {reason}") from error
