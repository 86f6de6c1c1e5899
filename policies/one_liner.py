"""What a program in Python, Perl, PowerShell and the like does that is given on the command line.

Nobody parses six languages here: it is recognised by what must stand in it. Text that it decodes is decoded once, and
commands that it hands to a shell are given back, so that they are read as a shell reads them.
"""

import base64
import binascii
import re
from collections.abc import Iterator

from policies.deed import Deed

_SOCKETS = ("socket", "fsockopen", "/inet/tcp", "tcpclient", "net.connect", "net/http")
_CONNECTS = ("connect", "fsockopen", "tcpsocket", "io::socket", "peeraddr", "tcpclient", "/inet/tcp", "net.socket")
_SHELLS = (
    "/bin/sh", "/bin/bash", "/bin/ash", "pty.spawn", "dup2", "cmd.exe", "proc_open", "popen", "shell_exec", "passthru",
    "system", "subprocess", "child_process", "invoke-expression", "iex", "|& getline", "os.execute",
)  # fmt: skip
_FETCHES = (
    "urlopen", "urllib", "requests.get", "open-uri", "lwp::simple", "file_get_contents('http",
    'file_get_contents("http', "downloadstring", "downloadfile", "invoke-webrequest", "iwr ", "invoke-restmethod",
    "http.get(", "https.get(",
)  # fmt: skip
_DECODES = (
    "b64decode", "base64", "decode64", "frombase64string", "fromhex", "unhexlify", "marshal.loads", "zlib.decompress",
    "rot13", "unpack(", "gzinflate", "atob(",
)  # fmt: skip
_RUNS = ("exec(", "eval(", "eval ", "iex", "invoke-expression", "instance_eval", "system(", "popen(", "subprocess")
_HANDS_TO_SHELL = ("system", "popen", "subprocess", "exec", "spawn", "passthru")
_LITERAL = re.compile(r"\"([^\"]*)\"|'([^']*)'|`([^`]*)`")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
_MAX_LITERALS = 50


def judge(code: str) -> Iterator[Deed]:
    """The deeds of a program, by its words."""
    small = code.lower()

    def has(parts: tuple[str, ...]) -> bool:
        return any(part in small for part in parts)

    if has(_SOCKETS) and has(_CONNECTS) and has(_SHELLS):
        yield Deed.REVERSE_SHELL
    if not has(_RUNS):
        return
    if has(_FETCHES):
        yield Deed.DOWNLOAD_AND_RUN
    if has(_DECODES) or "-enc" in small:
        yield Deed.DECODE_AND_RUN


def commands_in(code: str) -> Iterator[str]:
    """Texts in a program that it may hand to a shell."""
    if any(part in code for part in _HANDS_TO_SHELL):
        for found, _ in zip(_LITERAL.finditer(code), range(_MAX_LITERALS), strict=False):
            text = found[1] or found[2] or found[3] or ""
            if " " in text:
                yield text


def decoded_in(code: str) -> Iterator[str]:
    """What is written in base64 in a text."""
    for found, _ in zip(_BASE64.finditer(code), range(_MAX_LITERALS), strict=False):
        if (text := decode(found[0])) is not None:
            yield text


def decode(text: str) -> str | None:
    """Printable text behind base64, also PowerShell's UTF-16; None for anything else."""
    compact = "".join(text.split()).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        content = base64.b64decode(compact + "=" * (-len(compact) % 4), validate=True)
    except binascii.Error:
        return None
    wide = len(content) > 3 and content[1] == 0 and content[3] == 0
    found = content.decode("utf-16-le" if wide else "utf-8", "replace")
    odd = sum(1 for char in found if not char.isprintable() and not char.isspace())
    return found if found and "\ufffd" not in found and not odd else None
