"""Literal credentials: what kind of one a text holds. Never which one: nothing here gives back a part of a value.

Two things make a credential: a known format (a GitHub token, a private key, a password in an address), or a name that
asks for one (DB_PASSWORD) with a value that is not a reference, a path, a placeholder or a switch.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from policies import credential_name
from policies.credential_name import Asks
from policies.token_format import Format, format_of

#: Characters of one value, of all values of a pod, and of a file that are looked at.
MAX_VALUE = 8_192
MAX_POD = 65_536
MAX_FILE = 262_144
_MAX_LINE = 1_000
#: Characters of a setting, or of a command line, that are worth remembering.
_MAX_KEPT = 500
_SHORTEST = 3


class Kind(StrEnum):
    """What was recognised; the value continues "it holds ..."."""

    PRIVATE_KEY = "a private key"
    TOKEN = "a token of a known format"  # noqa: S105 - it says what is found
    ADDRESS = "an address with a password"
    ASSIGNMENT = "an option or setting with a password"
    HEADER = "an HTTP header with credentials"
    NAMED = "a credential, by its name"


_BY_FORMAT = {Format.PRIVATE_KEY: Kind.PRIVATE_KEY, Format.HEADER: Kind.HEADER, Format.ADDRESS: Kind.ADDRESS}
_SILENT = frozenset(
    {
        "true", "false", "yes", "no", "on", "off", "none", "null", "nil", "undefined", "n/a", "enabled", "disabled",
        "redacted", "removed", "hidden", "masked", "string", "str", "bool", "boolean", "int", "bytes", "optional",
        "required", "unset", "todo", "tbd", "placeholder", "replaceme", "replace-me", "replace_me", "files",
    }
)  # fmt: skip
#: These would be passwords, if bad ones; under TOKEN or SECRET they say where it comes from.
_SOURCES = frozenset({"secret", "apikey", "api-key", "api_key", "default", "generated", "random", "external", "object"})
# References of shells, Kubernetes, Helm, Python, Windows and stores of secrets; placeholders in brackets.
_REFERENCE = re.compile(
    r"\$[({]|\{\{|%\(|%[A-Z_]{2,60}%|^(?:\$\$|\$[A-Za-z_@]|<[A-Za-z _./-]{1,60}>$|\[[A-Za-z _-]{1,60}\]$|vault:|ref\+|op://|"
    r"arn:|secretref|akv|sm://|ENC\[)"
)
# In files: a call, an index, what a program looks up, marks of YAML.
_CODE = re.compile(
    r"[A-Z][a-z]+(?:\.[A-Z][A-Za-z]+)+$|[A-Za-z_][\w.]{0,60}[(\[]|[$@*!&|>{\[]|"
    r"(?:os|process|env|var|local|data|self|this|config|settings)\."
)
_DURATION = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|h|d|Mi|Gi|Ki|MB|GB|KB)")
_CROSSED_OUT = re.compile(r"[xX*.\-_?#]+|[a-z_-]{1,20}[xX*]{6,200}")
_SHOUTED = re.compile(r"[A-Z]+(?:_[A-Z]+)+")
_YOURS = re.compile(
    r"(?:your|my|insert|enter|put|add|some)[-_ ](?:[a-z]+[-_ ])*(?:here|password|token|key|secret|value)s?"
)
_WORDS_PATH = re.compile(r"(?:~|\.{0,2})/|[A-Za-z]:\\|file:|[a-z_.-]+(?:/[a-z_.-]+)+/?$")
_LINK = re.compile(r"[a-z][a-z0-9+.-]{1,20}://")
_DIGEST = re.compile(r"(?:sha(?:1|224|256|384|512)|md5)[:-][0-9a-fA-F]{32,128}")
# The name of an object of Kubernetes: words, and numbers that a person would write.
_OBJECT_NAME = re.compile(r"(?:[a-z]+[0-9]{0,3}|[0-9]{1,3})(?:[-.](?:[a-z]+[0-9]{0,3}|[0-9]{1,3}))+")
_ASSIGNED = re.compile(
    r"(?<![\w.-])-{0,2}([A-Za-z_][\w.-]{0,80})[\"']?[ \t]{0,20}(?:=>|:=|[=:](?![=:]))[ \t]{0,20}"
    r"(?:\"([^\"\n]{0,500})\"|'([^'\n]{0,500})'|([^\s\"',;&}\])]{1,500}))"
)
_ELEMENT = re.compile(r"<([A-Za-z][\w.-]{0,60})>([^<>\n]{1,200})</")
_HINTS = ("pass", "pwd", "pswd", "pword", "secret", "token", "key", "cred", "bearer")
_CLIENTS = ("mysql", "mariadb", "sshpass", "redis-cli", "login", "mongo", "ldap", "curl", "wget")


def find(name: str, value: str) -> Kind | None:
    """The kind of credential that this value is, or holds, when it stands under this name."""
    if len(value) < _SHORTEST:
        return None
    return _known(name, value) if len(name) + len(value) <= _MAX_KEPT else _sought(name, value[:MAX_VALUE])


def _sought(name: str, value: str) -> Kind | None:
    if len(value) >= 16 and (found := format_of(value)) is not None:
        return _BY_FORMAT.get(found, Kind.TOKEN)
    asks = credential_name.asks(name)
    if asks is not Asks.NOTHING and _is_literal(value.strip().strip("\"'"), asks, name):
        return Kind.NAMED
    return Kind.ASSIGNMENT if ("=" in value or "</" in value or '":' in value) and _assigns(value) else None


#: The same settings and command lines come again and again. What is kept lies where the pods that are judged lie, too.
_known = lru_cache(maxsize=4096)(_sought)


def _is_literal(value: str, asks: Asks, name: str) -> bool:
    """Whether a value under a name that asks for a credential is one."""
    if len(value) < _SHORTEST or _REFERENCE.search(value) or _is_path(value):
        return False
    # Nobody sets the key of a cloud to anything else: crossed out here, the real one is written in the same place.
    if asks is Asks.CLOUD_KEY:
        return True
    if _stands_for_another(value) or value.lower() == name.lower() != "password":
        return False
    if value.isdigit():
        return len(value) >= (4 if asks is Asks.PASSWORD else 8)
    if asks is Asks.PASSWORD:
        return True
    return len(value) >= 6 and " " not in value and value.lower() not in _SOURCES and not _OBJECT_NAME.fullmatch(value)


def _stands_for_another(value: str) -> bool:
    """A switch, a time, a digest, or a text that somebody is to replace."""
    small = value.lower()
    if small in _SILENT or _YOURS.fullmatch(small):
        return True
    return any(pattern.fullmatch(value) for pattern in (_CROSSED_OUT, _SHOUTED, _DURATION, _DIGEST))


def _is_path(value: str) -> bool:
    return bool(_WORDS_PATH.match(value) or _LINK.match(value))


def _assigns(text: str) -> bool:
    return _has(_HINTS, text.lower()) and any(True for _ in _settings(text))


def _has(parts: tuple[str, ...], text: str) -> bool:
    for part in parts:  # noqa: SIM110 - a generator takes longer than the search
        if part in text:
            return True
    return False


def _settings(text: str) -> Iterator[str]:
    """Names in a text that are set to a literal credential."""
    for found in _ASSIGNED.finditer(text):
        if _asked_and_given(found[1], found[2] or found[3] or found[4] or ""):
            yield found[1]
    if "</" in text:
        for found in _ELEMENT.finditer(text):
            if _asked_and_given(found[1], found[2]):
                yield found[1]


def _asked_and_given(name: str, value: str) -> bool:
    asks = credential_name.asks(name)
    return asks is not Asks.NOTHING and not _CODE.match(value) and _is_literal(value.strip().rstrip("\\"), asks, name)


class Line(NamedTuple):
    """A credential in a file: the line (from 1), and the name under which it stands, where it has one."""

    number: int
    name: str
    kind: Kind


def in_file(text: str) -> Iterator[Line]:
    """Credentials in the lines of a file: properties, YAML, JSON, XML or a script."""
    for number, whole in enumerate(text[:MAX_FILE].split("\n"), 1):
        line = whole[:_MAX_LINE].strip()
        if line.startswith(("#", "//", ";", "<!--", "* ")):
            continue
        if len(line) >= 16 and (found := format_of(line)) is not None:
            yield Line(number, "", _BY_FORMAT.get(found, Kind.TOKEN))
        elif _has(_HINTS, line.lower()):
            name = next(_settings(line), None)
            if name is not None:
                yield Line(number, name, Kind.NAMED)


_LABEL = re.compile(r"[a-z0-9-]{1,63}")
_LABELLED = re.compile(r"[=>:`][\"'`=> ]{0,5}(?=[A-Za-z_=-]{0,64}[0-9])[A-Za-z0-9_=-]{14,64}$")


def in_label(name: str) -> Kind | None:
    """What a name holds that Kubernetes would never accept as the name of a container."""
    if _LABEL.fullmatch(name):
        return None
    found = format_of(name[:MAX_VALUE])
    if found is not None:
        return _BY_FORMAT.get(found, Kind.TOKEN)
    return Kind.ASSIGNMENT if _LABELLED.search(name[:MAX_VALUE]) else None


# Clients that take a password as an option of one letter: attached, or as the next word.
_ATTACHED = re.compile(
    r"\b(?:mysql|mysqldump|mysqladmin|mysqlcheck|mariadb|mariadb-dump)\b[^|;&\n]{0,200}?\s-p([^\s\"';|&]{3,100})"
)
_SEPARATE = re.compile(
    r"\b(?:sshpass[ \t]+-p|redis-cli\b[^|;&\n]{0,100}?[ \t]-a|(?:docker|helm|podman)[ \t]+(?:registry[ \t]+)?login\b"
    r"[^|;&\n]{0,200}?[ \t]-p|mongo(?:sh|dump|restore)?\b[^|;&\n]{0,200}?[ \t]-p|ldap(?:search|add|modify)\b"
    r"[^|;&\n]{0,200}?[ \t]-w|(?:curl|wget)\b[^|;&\n]{0,200}?[ \t](?:-u|--user|--proxy-user)[ =][\"']?[^\s:\"']{1,60}:)"
    r"[ \t]{0,5}[\"']?([^\s\"';|&]{3,100})"
)


def in_words(words: Sequence[str | None]) -> tuple[tuple[int, Kind], ...]:
    """Credentials in a command line: the number of the word, and the kind."""
    line = tuple(words)
    is_usual = sum([len(word) for word in line if word]) <= _MAX_KEPT
    return _known_in_line(line) if is_usual else tuple(_in_line(line))


@lru_cache(maxsize=1024)
def _known_in_line(words: tuple[str | None, ...]) -> tuple[tuple[int, Kind], ...]:
    return tuple(_in_line(words))


def _in_line(words: tuple[str | None, ...]) -> Iterator[tuple[int, Kind]]:
    for index, word in enumerate(words):
        if not word:
            continue
        kind = _in_word(word[:MAX_VALUE])
        if kind is None and index and (before := words[index - 1]) and _is_flag_for(before, word):
            kind = Kind.ASSIGNMENT
        if kind is not None:
            yield index, kind
    line = " ".join([word or "" for word in words])[:MAX_VALUE] if len(words) > 1 else ""
    if _by_client(line) and not any(map(_by_client, words)):
        yield _word_of_client(words), Kind.ASSIGNMENT


def _in_word(word: str) -> Kind | None:
    if len(word) >= 16 and (found := format_of(word)) is not None:
        return _BY_FORMAT.get(found, Kind.TOKEN)
    if (("=" in word or ":" in word) and _assigns(word)) or (" " in word and (_by_client(word) or _spaced(word))):
        return Kind.ASSIGNMENT
    return None


def _by_client(text: str | None) -> bool:
    if not text or " -" not in text or not _has(_CLIENTS, text):
        return False
    return any(
        _is_literal(found[1], Asks.PASSWORD, "") for each in (_ATTACHED, _SEPARATE) for found in each.finditer(text)
    )


def _word_of_client(words: Sequence[str | None]) -> int:
    """The word that a reader should look at: the first option of the client."""
    return next((index for index, word in enumerate(words) if word and word.startswith("-")), 0)


_FLAG = re.compile(r"(?<!\S)--?([A-Za-z][\w.-]{0,60})[ \t]{1,5}[\"']?([^\s\"';|&-][^\s\"';|&]{2,200})")


def _spaced(text: str) -> bool:
    """`--password hunter2` in a script."""
    return _has(_HINTS, text.lower()) and any(
        credential_name.asks(found[1]) is Asks.PASSWORD and _is_literal(found[2], Asks.PASSWORD, found[1])
        for found in _FLAG.finditer(text)
    )


def _is_flag_for(flag: str, value: str) -> bool:
    if not flag.startswith("-") or "=" in flag or value.startswith("-"):
        return False
    return _asked_and_given(flag.lstrip("-"), value)
