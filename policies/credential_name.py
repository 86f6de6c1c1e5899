"""Names that ask for a credential: DB_PASSWORD does, TOKEN_TTL and SECRET_NAME do not."""

import re
from enum import IntEnum
from functools import lru_cache


class Asks(IntEnum):
    """What is to be expected under a name."""

    NOTHING = 0
    #: Something secret, though names of objects and switches stand under such names as well.
    SECRET = 1
    #: A password.
    PASSWORD = 2
    #: The key of a cloud, which is called like this and nothing else is.
    CLOUD_KEY = 3


#: Characters at the end of a name that are looked at.
_MAX = 200
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_PASSWORDS = frozenset(
    {"pwd", "pass", "pword", "pswd", "passw", "passwords", "dbpass", "userpass", "rootpass", "adminpass", "dbpwd"}
)
_PASSWORD_ENDS = ("password", "passwd", "passphrase", "passwrd", "passwort")
_SECRETS = frozenset({"secret", "token", "credential", "credentials", "creds", "bearer", "apikey"})
_SECRET_ENDS = ("secret", "apikey", "secretkey", "accesskey", "privatekey", "authtoken", "accesstoken", "authkey")
_KEYS = frozenset(
    {
        "api", "access", "private", "secret", "auth", "encryption", "encrypt", "signing", "sign", "master", "account",
        "storage", "batch", "app", "application", "consumer", "session", "shared", "cookie", "hmac", "aes", "crypto",
        "cipher", "tmpurl", "license", "service", "admin", "client", "jwt", "webhook", "write", "subscription",
        "fernet",
    }
)  # fmt: skip
#: Words after the one that counts which change nothing.
_NEUTRAL = frozenset(
    {
        "value", "content", "b", "base", "raw", "string", "default", "admin", "root", "current", "new", "old",
        "encoded", "plain", "text", "primary", "secondary", "db", "key", "prod", "dev", "test", "staging", "txt",
    }
)  # fmt: skip
#: With one of these as the last word, it is something about a credential.
_ABOUT = frozenset(
    {
        "name", "names", "path", "paths", "file", "files", "filename", "dir", "directory", "folder", "url", "uri",
        "urls", "host", "hosts", "port", "ttl", "id", "ids", "enabled", "enable", "disabled", "disable", "required",
        "require", "timeout", "expiry", "expires", "expire", "expiration", "duration", "interval", "length", "size",
        "count", "limit", "limits", "max", "min", "type", "types", "kind", "method", "mode", "policy", "provider",
        "providers", "ref", "refs", "namespace", "version", "env", "header", "headers", "prefix", "suffix", "format",
        "field", "label", "labels", "alias", "algorithm", "alg", "endpoint", "endpoints", "audience", "audiences",
        "issuer", "scope", "scopes", "claim", "claims", "region", "user", "username", "email", "location", "store",
        "manager", "engine", "backend", "source", "uuid", "hash", "sha", "checksum", "digest", "fingerprint", "salt",
        "set", "pattern", "regex", "class", "template", "review", "reviews", "strength", "age", "days", "seconds",
        "minutes", "hours", "attempts", "retries", "rotation", "login", "reset", "change", "command", "cmd", "usage",
        "keyring", "resource", "selector", "status", "server", "service", "domain", "realm", "group", "groups", "role",
        "roles", "account", "accounts", "index", "column", "table", "attribute", "property", "parameter", "param",
        "query", "cache", "exchange", "controller", "annotation", "annotations", "requests", "validation", "cookie",
        "plugin", "driver", "sync", "refresh",
    }
)  # fmt: skip
#: With one of these anywhere, it is a switch, a number, or nothing to hide.
_HARMLESS = frozenset(
    {
        "public",
        "pub",
        "allow",
        "empty",
        "max",
        "min",
        "enable",
        "disable",
        "skip",
        "require",
        "dummy",
        "has",
        "use",
        "input",
    }
)


def asks(name: str) -> Asks:
    """What this name asks for. Words are told apart in snake_case, kebab-case, camelCase and dotted names."""
    return _asks(name[-_MAX:])


@lru_cache(maxsize=4096)
def _asks(name: str) -> Asks:
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or name in ("PWD", "OLDPWD"):
        return Asks.NOTHING
    if _is_cloud_key(words):
        return Asks.CLOUD_KEY
    if words[-1] in _ABOUT or not _HARMLESS.isdisjoint(words):
        return Asks.NOTHING
    last = len(words) - 1
    while last > 0 and (words[last] in _NEUTRAL or words[last].isdigit()) and not _is_one(words, last):
        last -= 1
    word = words[last]
    if word in _PASSWORDS or word.endswith(_PASSWORD_ENDS):
        return Asks.PASSWORD
    return Asks.SECRET if _is_one(words, last) or "secret" in words else Asks.NOTHING


def _is_one(words: list[str], position: int) -> bool:
    word = words[position]
    if word in ("key", "keys"):
        return position > 0 and words[position - 1] in _KEYS
    return word in _SECRETS or word in _PASSWORDS or word.endswith((*_SECRET_ENDS, *_PASSWORD_ENDS))


def _is_cloud_key(words: list[str]) -> bool:
    if words[0] == "azure" and words[-1] == "key" and len(words) > 2:
        return "public" not in words
    return words in (["aws", "secret", "access", "key"], ["oci", "cli", "key", "content"])
