"""Keys that overrides and models may be signed with, as a policy names them."""

from typing import Annotated

from msgspec import Meta, Struct


class PublicKey(Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """An Ed25519 key whose signatures count, until it is revoked."""

    id: Annotated[str, Meta(description="How signatures name it: letters, digits, dots, dashes and underscores.")]
    public_key: Annotated[str, Meta(description="Base64 of its 32 bytes, or PEM; `podgate override keygen` prints it.")]


class Key(PublicKey, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One whose signatures may count until some time only."""

    not_after: Annotated[
        str | None, Meta(description="When its signatures end to count, as in 2027-12-31T00:00:00Z.")
    ] = None
