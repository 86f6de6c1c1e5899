"""Signed overrides: Ed25519 over what an override says, where it stands, and what it covers there. And signed models.

What is signed is a JSON document (sorted keys, no blanks, UTF-8). It names the object by namespace, group, kind and
name, and the place in it by the way to the pod template, so that nothing of it can be copied or moved; the rules,
reason, ticket and end, so that none of these can be changed; and a digest of what was found there, so that nothing can
be added (policies.covered). The API version is not part of it: what is judged is the same in each.

An object without a name is signed by its generateName, and the signature then holds for every object of that
generateName. An object that a controller made is not what was signed: its owner is verified instead, by the caller.

Of a model the checksum is signed, which is over all that it says.
"""

import hashlib
import re
from base64 import b64decode, b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from msgspec import Struct

from policies.covered import TooMuchError, covered, digest, encoded
from policies.engine import Finding
from policies.keys import Key, PublicKey
from policies.overrides import REASON, SIGNED, TICKET, Override, places
from policies.path import render
from policies.resource import Resource
from policies.risk.classifier import Model

__all__ = [
    "Key",
    "Keys",
    "annotation",
    "compile_keys",
    "fingerprint",
    "model_statement",
    "public_key",
    "statements",
    "unfit",
    "verify",
    "verify_model",
    "written",
]

#: The domains: a signature of something else, made with the same key, is none of an override, and none of a model.
DOMAIN = "override/v1"
MODEL_DOMAIN = "model/v1"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_FINGERPRINT = re.compile(r"sha256:[0-9a-f]{64}")
_MOST_KEYS = 100
_MOST_REVOKED = 10_000
_MOST_PEM = 1_000
# The API server cuts what it generates a name from (k8s.io/apiserver/pkg/storage/names).
_GENERATED = 58
# Points of small order, without their sign: signatures of such a "key" can be made by anybody (RFC 8032, section 7).
_SMALL = frozenset(
    bytes.fromhex(each)
    for each in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)


class _Known(Struct, frozen=True):
    public: Ed25519PublicKey
    not_after: datetime | None


class Keys(Struct, frozen=True):
    """The keys of a policy, by id, and what is revoked: ids, and fingerprints of single signatures."""

    known: Mapping[str, _Known] = {}
    revoked: frozenset[str] = frozenset()


def compile_keys(keys: Iterable[PublicKey], revoked: Iterable[str] = ()) -> Keys:
    """Keys as a policy names them, ready for use. Raises ValueError with a sentence for a person."""
    known: dict[str, _Known] = {}
    owners: dict[bytes, str] = {}
    for key in keys:
        if not _ID.fullmatch(key.id):
            raise ValueError(f'"{key.id[:100]}" is not the id of a key: letters, digits, dots, dashes, underscores')
        if key.id in known:
            raise ValueError(f"two keys are called {key.id}")
        public = public_key(key.public_key, key.id)
        if (same := owners.setdefault(public.public_bytes_raw(), key.id)) != key.id:
            raise ValueError(f"{same} and {key.id} are the same key: revoking one would leave the other")
        end = key.not_after if isinstance(key, Key) else None
        known[key.id] = _Known(public, None if end is None else _time(end, key.id))
        if len(known) > _MOST_KEYS:
            raise ValueError(f"there are more than {_MOST_KEYS} keys")
    return Keys(known, _revoked(revoked, known))


def _revoked(given: Iterable[str], known: Mapping[str, _Known]) -> frozenset[str]:
    revoked = frozenset(given)
    if len(revoked) > _MOST_REVOKED:
        raise ValueError(f"more than {_MOST_REVOKED:,} signatures are revoked: revoke the key instead")
    wrong = next((each for each in sorted(revoked) if each not in known and not _FINGERPRINT.fullmatch(each)), None)
    if wrong is not None:
        raise ValueError(
            f'"{wrong[:100]}" is revoked, but it is neither the id of a key nor a fingerprint: sha256: and 64 digits'
        )
    return revoked


def public_key(text: str, name: str) -> Ed25519PublicKey:
    """A public key from base64 of its 32 bytes, or from PEM. Raises ValueError with a sentence for a person."""
    problem = f"{name} is not an Ed25519 key: write the base64 of its 32 bytes, or PEM"
    text = text.strip()
    try:
        if text.startswith("-----BEGIN PUBLIC KEY-----") and len(text) <= _MOST_PEM:
            found = load_pem_public_key(text.encode())
            raw = found.public_bytes_raw() if isinstance(found, Ed25519PublicKey) else b""
        else:
            raw = b64decode(text, validate=True) if len(text) <= 44 else b""
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ValueError(problem) from error
    if len(raw) != 32:
        raise ValueError(problem)
    if bytes([*raw[:31], raw[31] & 0x7F]) in _SMALL:
        raise ValueError(f"{name} is a weak key: anybody can sign with it")
    return Ed25519PublicKey.from_public_bytes(raw)


def _time(text: str, name: str) -> datetime:
    try:
        found = datetime.fromisoformat(text[:40])
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ValueError(f"notAfter of {name} is not a time with a zone: write one as in 2027-12-31T00:00:00Z")
    return found


def verify(
    keys: Keys, override: Override, resource: Resource, findings: Iterable[Finding], now: datetime
) -> str | None:
    """Why a signature does not count, continuing a sentence about the override; None when it does.

    `override` was read from `resource`, and `findings` are all that was found there, with their values. The namespace
    is the one that the object names: the API server makes sure that it is the request's.
    """
    match = SIGNED.fullmatch(override.signature)
    if match is None:
        return "is not signed"
    name, signature = match[1], urlsafe_b64decode(match[2] + "==")
    if problem := unfit(keys, override, now):
        return problem
    try:
        documents = statements(override, resource, findings)
    except TooMuchError as error:
        return str(error)
    if any(_made(keys.known[name].public, signature, each) for each in documents):
        return None
    return (
        f"does not have the signature of {name} as it stands: the object, its place, what it says or what it covers "
        "has changed since"
    )


def unfit(keys: Keys, override: Override, now: datetime) -> str | None:
    """Why a signature does not count whatever was signed: its key, or that it is revoked or has ended."""
    if problem := _unfit(keys, override.signature):
        return problem
    name = override.signature.partition(":")[0]
    end = keys.known[name].not_after
    if end is not None and now >= end:
        return f"is signed with the key {name}, which has ended"
    return "has ended" if now >= override.expires else None


def _unfit(keys: Keys, signed: str) -> str | None:
    name = signed.partition(":")[0]
    if name not in keys.known:
        return f"is signed with the key {name}, which the policy does not know"
    if name in keys.revoked:
        return f"is signed with the key {name}, which is revoked"
    return "is signed, but this signature is revoked" if fingerprint(signed) in keys.revoked else None


def verify_model(keys: Keys, model: Model) -> str | None:
    """Why nobody whose signature counts vouches for this model, continuing a sentence about it; None when one does."""
    match = SIGNED.fullmatch(model.signature)
    if match is None:
        return "is signed by nobody" if not model.signature else "has a signature that is not KEY:SIGNATURE"
    if problem := _unfit(keys, model.signature):
        return problem
    if _made(keys.known[match[1]].public, urlsafe_b64decode(match[2] + "=="), model_statement(model)):
        return None
    return f"does not have the signature of {match[1]}: it, or its signature, was changed, or another key made it"


def model_statement(model: Model) -> bytes:
    """What is signed of a model, whose checksum was verified when it was read."""
    return encoded({"podgate": MODEL_DOMAIN, "checksum": model.checksum})


def _made(key: Ed25519PublicKey, signature: bytes, document: bytes) -> bool:
    try:
        key.verify(signature, document)
    except InvalidSignature:
        return False
    return True


def statements(override: Override, resource: Resource, findings: Iterable[Finding]) -> list[bytes]:
    """What a signature may be over, at most two documents; the first is to be signed. Raises TooMuchError."""
    said = places(resource).get(override.prefix, {})
    identity = resource.identity
    document = {
        "podgate": DOMAIN,
        "namespace": identity.namespace,
        "group": identity.kind.group,
        "kind": identity.kind.kind,
        "prefix": render(override.prefix),
        "rules": sorted(override.rules),
        "expires": override.expires.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        # As it was written: what is shown may be cut.
        "reason": (said.get(REASON) or "").strip(),
        "ticket": (said.get(TICKET) or "").strip(),
        "covers": digest(covered(override, resource, findings)),
    }
    return [encoded({**document, "name": name, "generateName": base}) for name, base in _names(resource)]


def _names(resource: Resource) -> list[tuple[str, str]]:
    """How the object may be called: by its name, and as one of those that are named by the API server."""
    name, base = resource.identity.name, resource.body.meta.generate_name or ""
    found = [(name, "")] if name or not base else []
    return [*found, ("", base)] if base and (not name or name.startswith(base[:_GENERATED])) else found


def annotation(key: str, signature: bytes) -> str:
    """What the annotation holds."""
    return f"{key}:{urlsafe_b64encode(signature).decode().rstrip('=')}"


def fingerprint(annotation: str) -> str:
    """What a single signature is revoked by."""
    signature = urlsafe_b64decode(annotation.rpartition(":")[2] + "==")
    return f"sha256:{hashlib.sha256(signature).hexdigest()}"


def written(key: Ed25519PublicKey) -> str:
    """A public key as policies have it."""
    return b64encode(key.public_bytes_raw()).decode()
