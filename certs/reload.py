"""The certificate that is served: checked before it is used, and swapped while connections are open.

A context in use is never touched: loading another pair into it would break every new handshake when the pair does not
match, and would only ever add to the client authorities. Instead a fresh context is built from the files and checked,
and then takes the place of the old one for handshakes that begin from then on. Sessions do not outlive the swap, so
neither does a client that only the old authority vouched for.
"""

import hashlib
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import NoReturn, Self, TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from certs import files

_MAX_BYTES = 1 << 20
_HTTP = ["http/1.1"]  # all that the API server speaks to a webhook


_SERVERS = {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)


class CertificateError(Exception):
    """Files that cannot be served with: what is wrong, and with which."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the serving certificate, its key and, where clients must show one, their authority are read from."""

    cert: Path
    key: Path
    client_ca: Path | None = None

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.cert, self.key) if self.client_ca is None else (self.cert, self.key, self.client_ca)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A certificate that passed every check. `digest` names the content of all its files together."""

    context: ssl.SSLContext
    not_after: datetime
    fingerprint: str
    digest: str


@dataclass(frozen=True, slots=True)
class Reload:
    """A change of the files: `loaded` is served from now on, or `problem` says why the old one still is.

    What is loaded may be what was served before: it was complained about in between, or somebody asked.
    """

    loaded: Loaded | None
    problem: str = ""


def load(sources: Sources, now: datetime) -> Loaded:
    """Build a context from the files and check it. Raises CertificateError."""
    content = _read(sources)
    leaf = _check_chain(content[0], sources.cert, now)
    context = _context(sources)
    if _read(sources) != content:
        # The context reads the files by itself: what was checked must be what it read.
        raise CertificateError(f"{sources.cert} or a file beside it changed while it was read")
    return Loaded(context, leaf.not_valid_after_utc, leaf.fingerprint(hashes.SHA256()).hex(), _digest(content))


class Served(ssl.SSLContext):
    """The context that a server is given for good: every handshake uses whatever is current when it begins."""

    current: Loaded

    def __new__(cls, _loaded: Loaded) -> Self:
        return super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)

    def __init__(self, loaded: Loaded) -> None:
        self.current = loaded

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin a handshake; asyncio and uvloop both do it through here."""
        return self.current.context.wrap_bio(incoming, outgoing, server_side, server_hostname, session)


class Keeper:
    """Keeps what is served in step with the files."""

    def __init__(self, sources: Sources, clock: Callable[[], datetime]) -> None:
        """Load the files for the first time. Raises CertificateError."""
        self._sources = sources
        self._clock = clock
        self._seen = files.identities(sources.paths)
        self._complaint: tuple[str, str] | None = None
        self.context = Served(load(sources, clock()))

    @property
    def current(self) -> Loaded:
        return self.context.current

    def refresh(self, *, force: bool = False) -> Reload | None:
        """Swap in what the files hold now. None: nothing to say, because nothing changed or it was said before.

        What could not be used is tried again every time: files that are written one after the other become a pair,
        and a certificate that is not valid yet becomes valid.
        """
        seen = files.identities(self._sources.paths)
        if seen == self._seen and self._complaint is None and not force:
            return None
        self._seen = seen
        try:
            loaded = load(self._sources, self._clock())
        except CertificateError as error:
            return self._complain(str(error), force=force)
        mended, self._complaint = self._complaint is not None, None
        if loaded.digest == self.current.digest and not (mended or force):
            return None
        self.context.current = loaded
        return Reload(loaded)

    def _complain(self, problem: str, *, force: bool) -> Reload | None:
        try:
            complaint = (_digest(_read(self._sources)), problem)
        except CertificateError:
            complaint = ("", problem)
        known, self._complaint = self._complaint, complaint
        return None if complaint == known and not force else Reload(None, problem)


def _read(sources: Sources) -> tuple[bytes, ...]:
    return tuple(_read_file(path) for path in sources.paths)


def _read_file(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise CertificateError(f"{path} is not a file")  # opening a pipe would wait for whoever writes
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise CertificateError(f"{path} cannot be read: {os.strerror(error.errno or 0).lower()}") from error
    if not content.strip():
        raise CertificateError(f"{path} is empty")
    if len(content) > _MAX_BYTES:
        raise CertificateError(f"{path} is larger than {_MAX_BYTES} bytes: that is no PEM file of this kind")
    return content


def _digest(content: tuple[bytes, ...]) -> str:
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in content)).hexdigest()


def _check_chain(pem: bytes, path: Path, now: datetime) -> x509.Certificate:
    try:
        leaf = x509.load_pem_x509_certificates(pem)[0]
        names, usage = _extension(leaf, x509.SubjectAlternativeName), _extension(leaf, x509.ExtendedKeyUsage)
    except (ValueError, x509.DuplicateExtension) as error:
        raise CertificateError(f"{path} is not a certificate in PEM: {error}") from error
    if leaf.not_valid_after_utc <= now:
        raise CertificateError(f"{path} expired at {leaf.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}")
    if leaf.not_valid_before_utc > now:
        raise CertificateError(f"{path} is not valid before {leaf.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}")
    if names is None:
        raise CertificateError(f"{path} has no subject alternative name: the API server does not read the common name")
    if usage is not None and _SERVERS.isdisjoint(usage):
        raise CertificateError(f"{path} is not meant for servers: its extended key usage lacks serverAuth")
    return leaf


def _extension(leaf: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return leaf.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _context(sources: Sources) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(_HTTP)
    try:
        context.load_cert_chain(sources.cert, sources.key, password=_refuse_password)
    except (OSError, ValueError) as error:
        raise CertificateError(_pair_problem(sources, error)) from error
    if sources.client_ca is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(sources.client_ca)
        except (OSError, ValueError) as error:
            raise CertificateError(f"{sources.client_ca} is not a certificate authority in PEM: {error}") from error
    return context


def _pair_problem(sources: Sources, error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"{sources.key} is not the key of {sources.cert}"
    return f"{sources.cert} and {sources.key} cannot be loaded: {error}"


def _refuse_password() -> NoReturn:
    # Without this OpenSSL would ask on the terminal, and wait.
    raise ValueError("the key is encrypted, and there is nobody to ask for its password")
