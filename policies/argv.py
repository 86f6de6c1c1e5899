"""One command as the kernel would get it: the program behind its wrappers, the script it is given, what it writes."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from policies.shell_word import OUTPUT, Word

SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "rbash", "fish", "csh", "tcsh", "hush"})
INTERPRETERS = frozenset({"python", "perl", "ruby", "php", "node", "nodejs", "lua", "pwsh", "powershell"})
_CODE_FLAG = {
    "python": "c", "perl": "eE", "ruby": "e", "php": "r", "node": "ep", "nodejs": "ep", "lua": "e", "pwsh": "c",
    "powershell": "c",
}  # fmt: skip

#: Programs that run another one, and their options that take the next word.
_WRAPPERS: dict[str, frozenset[str]] = {
    "env": frozenset({"-u", "--unset", "-C", "--chdir"}),
    "timeout": frozenset({"-k", "-s", "--kill-after", "--signal"}),
    "nice": frozenset({"-n", "--adjustment"}),
    "ionice": frozenset({"-c", "-n", "-p"}),
    "sudo": frozenset({"-u", "-g", "-h", "-p", "-C", "-r", "-t", "-U", "-D", "--user", "--group"}),
    "doas": frozenset({"-u", "-C"}),
    "stdbuf": frozenset({"-i", "-o", "-e"}),
    "nsenter": frozenset({"-t", "--target", "-S", "-G", "--setuid", "--setgid"}),
    "unshare": frozenset({"-S", "-G", "-R", "-w", "--setuid", "--setgid", "--root"}),
    "xargs": frozenset({"-I", "-n", "-P", "-d", "-L", "-E", "-a", "-s"}),
    "chroot": frozenset(),
    "flock": frozenset({"-w", "-E", "--timeout"}),
    "strace": frozenset({"-e", "-o", "-p"}),
    "setpriv": frozenset({"--reuid", "--regid", "--groups"}),
    "chpst": frozenset({"-u", "-U", "-e", "-n"}),
    **dict.fromkeys(
        (
            "exec", "nohup", "setsid", "busybox", "toybox", "tini", "dumb-init", "catatonit", "command", "builtin",
            "time", "unbuffer", "su-exec", "gosu", "setuidgid", "entrypoint.sh", "docker-entrypoint.sh", "start",
        ),
        frozenset(),
    ),
}  # fmt: skip
#: Those whose first word that is no option is theirs: a folder, a user, a file, a time.
_OWN_WORD = frozenset({"chroot", "su-exec", "gosu", "setuidgid", "flock", "timeout"})
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}=")
_VERSION = re.compile(r"[0-9.]+$")


class Wrapped(NamedTuple):
    """A program with its words (itself first), the place of it, and the wrappers before it, each with its words."""

    words: Sequence[Word]
    start: int
    wrappers: tuple[tuple[str, Sequence[Word]], ...]

    @property
    def program(self) -> str:
        return name_of(self.words[0]) if self.words else ""


def name_of(word: Word) -> str:
    """What a program is called, wherever it lies: /usr/bin/python3.11 is python."""
    return _name(word.text[:500])


@lru_cache(maxsize=1024)
def _name(text: str) -> str:
    name = text.strip("\"'").rpartition("/")[2].rpartition("\\")[2].lower().removesuffix(".exe")
    bare = _VERSION.sub("", name)
    return bare if bare in INTERPRETERS else name


def unwrap(words: Sequence[Word]) -> Wrapped:
    """Find what is really run."""
    start = 0
    wrappers: list[tuple[str, Sequence[Word]]] = []
    while start < len(words) and len(wrappers) < 20:
        while start < len(words) and _ASSIGNMENT.match(words[start].text):
            start += 1
        name = name_of(words[start]) if start < len(words) else ""
        if name not in _WRAPPERS:
            break
        end = _after_options(words, start + 1, _WRAPPERS[name])
        end += name in _OWN_WORD
        wrappers.append((name, words[start:end]))
        start = end
    return Wrapped(words[start:], start, tuple(wrappers))


def _after_options(words: Sequence[Word], start: int, with_value: frozenset[str]) -> int:
    while start < len(words):
        text = words[start].text
        if text == "--":
            return start + 1
        if not text.startswith("-") and not _ASSIGNMENT.match(text):
            return start
        start += 2 if text in with_value else 1
    return start


class Given(NamedTuple):
    """What a shell or interpreter is given to run: code in a word, a file in a word, or whatever it reads."""

    code: int | None = None
    file: int | None = None

    @property
    def reads(self) -> bool:
        return self.code is None and self.file is None


def given(program: str, words: Sequence[Word]) -> Given:
    """What this shell or interpreter runs; the numbers count words."""
    flags = "c" if program in SHELLS else _CODE_FLAG.get(program, "")
    coded = False
    position = 1
    while position < len(words):
        text = words[position].text.strip("\"'")
        position += 1
        if text == "--" and not coded:
            break
        if text in ("-", "/dev/stdin", "--"):
            continue
        if text[:1] not in ("-", "+") or len(text) < 2:
            return Given(code=position - 1) if coded else Given(file=position - 1)
        if program not in SHELLS and text.startswith("-m"):
            return Given(file=position - 1)
        coded = coded or (_has_flag(text, flags) and (program not in SHELLS or text.lstrip("-").isalpha()))
        if not coded and "s" in text and program in SHELLS and not text.startswith("--"):
            return Given()
        if text in ("--rcfile", "--init-file") or (program in SHELLS and _cluster(text.replace("+", "-", 1), "o")):
            position += 1
    if coded:
        # The code is in the option itself, as in -e'puts 1'.
        return Given(code=len(words) - 1)
    return Given(file=position) if position < len(words) else Given()


def _has_flag(text: str, flags: str) -> bool:
    if text.startswith("--"):
        return text in ("--command", "--eval", "--run")
    if text.lower() in ("-command", "-encodedcommand", "-enc", "-e", "-ec") and len(text) > 2:
        return True
    return any(flag in text[1:] for flag in flags)


def downloads(program: str, words: Sequence[Word]) -> bool:
    """Whether it is told to fetch something: a bare `curl --version` is not."""
    if program not in ("curl", "wget", "fetch", "aria2c", "lwp-download", "axel"):
        return False
    return any(not word.text.startswith("-") for word in words[1:])


def to_output(program: str, words: Sequence[Word]) -> bool:
    """Whether a download goes to the output, and not into a file."""
    target = _option(words, "o" if program in ("curl", "fetch") else "O", ("--output", "--output-document"))
    if program == "curl":
        saves = any(_cluster(word.text, "O") or word.text == "--remote-name" for word in words[1:])
        return target in (None, "-", "/dev/stdout") and not saves
    return target in ("-", "/dev/stdout")


def saved(program: str, words: Sequence[Word]) -> str | None:
    """The name of the file that a download is saved in."""
    target = _option(words, "o" if program in ("curl", "fetch") else "O", ("--output", "--output-document"))
    if target is None:
        links = [word.text for word in words[1:] if "://" in word.text or "/" in word.text]
        target = links[-1].split("?")[0] if links else ""
    return target.rpartition("/")[2] or None


def _option(words: Sequence[Word], letter: str, names: tuple[str, ...]) -> str | None:
    for position, word in enumerate(words[1:], 1):
        name, equals, value = word.text.partition("=")
        if name in names and equals:
            return value
        following = words[position + 1].text if position + 1 < len(words) else ""
        if word.text in names:
            return following
        if _cluster(word.text, letter):
            attached = word.text.partition(letter)[2]
            return attached or following
    return None


def _cluster(text: str, letter: str) -> bool:
    """Whether a letter is among short options that are written together, as in -qO-."""
    return len(text) > 1 and text[0] == "-" and text[1] != "-" and letter in text[1:12].partition("=")[0]


def is_output(word: Word) -> bool:
    """Whether a word is no more than what an inner command writes."""
    return bool(word.inner) and word.text.strip().startswith(OUTPUT)
