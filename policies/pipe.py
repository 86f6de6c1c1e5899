"""What flows between commands and into files: who runs what it reads, decodes it, sends it away, or writes it where."""

from collections.abc import Iterable, Iterator, Sequence

from policies import argv
from policies.argv import INTERPRETERS, SHELLS
from policies.deed import Deed, is_host_root
from policies.shell import Command, Script
from policies.shell_word import Word

_TO_NETWORK = frozenset({"nc", "ncat", "netcat", "telnet", "socat", "openssl"})
_MAX_INSIDE = 50
_PERSISTENT = (
    "/etc/cron", "/var/spool/cron", "/crontabs/", "authorized_keys", "ld.so.preload", "/systemd/system/",
    "/etc/init.d/", "/rc.local", "/etc/profile", ".bashrc", ".bash_profile", "/etc/kubernetes/manifests",
    "/etc/sudoers", "/etc/passwd", "/etc/shadow", "/root/.ssh/",
)  # fmt: skip
_KERNEL_HOOKS = ("/kernel/core_pattern", "release_agent", "/uevent_helper", "/kernel/modprobe", "/binfmt_misc/register")


def to_network(command: Command) -> bool:
    words = [word.text for word in command.words]
    found = argv.unwrap(command.words)
    if found.program == "openssl":
        return "s_client" in words
    return found.program in _TO_NETWORK and len(found.words) > 2 and "-z" not in words


def reader_of(command: Command) -> str:
    """The shell or interpreter that runs what this command reads; empty where there is none."""
    if command.body is not None:
        inside = (reader_of(first) for pipeline in command.body[:_MAX_INSIDE] for first in pipeline[:1])
        return next((name for name in inside if name), "")
    found = argv.unwrap(command.words)
    program = found.program
    if program not in SHELLS and program not in INTERPRETERS:
        return ""
    return program if argv.given(program, found.words).reads and not _only_version(found.words) else ""


def runs_input(command: Command) -> bool:
    """Whether what comes in is run: by a shell that reads it, or a variable that is called."""
    if reader_of(command):
        return True
    if command.body is not None:
        return any(runs_input(each) for pipeline in command.body[:_MAX_INSIDE] for each in pipeline)
    if command.words[:1] == [Word("exec")] and len(command.words) == 1:
        return any(redirect.operator.startswith("0") for redirect in command.redirects)
    return bool(command.words) and (command.words[0].text.startswith("$") or command.words[0].text == "eval")


def is_long(text: str) -> bool:
    number = text.rstrip("smhd.0123456789")
    if number:
        return text.lower() in ("infinity", "inf")
    digits = text.rstrip("smhd").partition(".")[0][:12]
    return bool(digits) and int(digits) * {"m": 60, "h": 3600, "d": 86_400}.get(text[-1:], 1) >= 600


def decodes(program: str, texts: Sequence[str]) -> bool:
    if program in ("base64", "base32", "openssl", "basenc"):
        return any(text in ("-d", "-D", "--decode", "-di", "-id") for text in texts)
    if program == "xxd":
        return any(text.startswith("-r") for text in texts)
    return program in ("uudecode", "rev", "gunzip", "zcat") or (
        program == "gzip" and any("d" in text for text in texts)
    )


def _only_version(words: Sequence[Word]) -> bool:
    return any(word.text in ("--version", "-V", "--help") for word in words)


def flat(scripts: Iterable[Script]) -> list[Command]:
    return [command for script in scripts for pipeline in script for command in pipeline]


def written(words: Sequence[Word], targets: Sequence[Word], mounted: frozenset[str]) -> Iterator[Deed]:
    """What it means that a command writes these files."""
    for target in targets:
        text = target.text
        if any(part in text for part in _PERSISTENT):
            yield Deed.PERSIST
            if any(text.startswith(f"{root}/") for root in mounted) or is_host_root(text, frozenset()):
                yield Deed.ENTER_HOST
        if any(part in text for part in _KERNEL_HOOKS):
            runs = "core_pattern" not in text or any(word.text.lstrip("\"' ").startswith("|") for word in words[1:])
            yield Deed.ENTER_HOST if runs else Deed.SET_KERNEL
