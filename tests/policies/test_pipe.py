"""What flows between commands and into files, part by part."""

import pytest

from policies import pipe, shell
from policies.deed import Deed
from policies.shell import Command
from policies.shell_word import Word


def command(text: str) -> Command:
    """The last command of a script."""
    return shell.parse(text, {})[-1][-1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("nc host 80", True),
        ("ncat host 80", True),
        ("netcat host 80", True),
        ("telnet host 80", True),
        ("socat - TCP:host:80", True),
        ("openssl s_client -connect host:443", True),
        ("sudo nc host 80", True),
        ("nc host", False),
        ("nc -z host 80", False),
        ("openssl enc -d -in x", False),
        ("ssh host id", False),
    ],
)
def test_to_the_network(text: str, *, expected: bool) -> None:
    assert pipe.to_network(command(text)) is expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("sh", "sh"),
        ("sudo bash -s x", "bash"),
        ("python3 -", "python"),
        ("sh x.sh", ""),
        ("sh --version", ""),
        ("python -V", ""),
        ("bash --help", ""),
        ("cat", ""),
        ("(sh)", "sh"),
        ("(cd /; bash)", "bash"),
        ("(cat | sh)", ""),
        ("(sh | cat)", "sh"),
        ("(cd /; sh; bash)", "sh"),
        ("(cat)", ""),
    ],
)
def test_who_runs_what_it_reads(text: str, name: str) -> None:
    assert pipe.reader_of(command(text)) == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sh", True),
        ("(true; $line)", True),
        ("(cat | sh)", True),
        ("(cat)", False),
        ("$line", True),
        ("eval x", True),
        ("evaluate x", False),
        ("exec 0<&5", True),
        ("exec 5<&0", False),
        ("exec", False),
        ("exec sh 0<&5", True),
        ("exec cat 0<&5", False),
        ("cat 0<&5", False),
    ],
)
def test_what_comes_in_is_run(text: str, *, expected: bool) -> None:
    assert pipe.runs_input(command(text)) is expected


@pytest.mark.parametrize("inside", ["true; ", "true | "])
def test_of_a_group_only_so_many_pipelines_are_looked_at(inside: str) -> None:
    assert pipe.runs_input(command(f"({inside * 49}$x)"))
    assert pipe.runs_input(command(f"({inside * 50}$x)")) is (inside == "true | ")
    assert pipe.reader_of(command(f"({'true; ' * 49}sh)")) == "sh"
    assert pipe.reader_of(command(f"({'true; ' * 50}sh)")) == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("600", True),
        ("599", False),
        ("600s", True),
        ("599.9s", False),
        ("10m", True),
        ("9m", False),
        ("1h", True),
        ("0h", False),
        ("1d", True),
        ("infinity", True),
        ("INF", True),
        ("inf", True),
        ("info", False),
        ("", False),
        ("s", False),
        (".5", False),
        ("x600", False),
        ("9" * 5_000, True),
        ("0" * 11 + "9d", True),
        ("0" * 12 + "9d", False),
    ],
)
def test_a_long_time(text: str, *, expected: bool) -> None:
    assert pipe.is_long(text) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("base64 -d", True),
        ("base64 -D", True),
        ("base64 --decode", True),
        ("base64 -di", True),
        ("base64 -id", True),
        ("base64", False),
        ("base32 -d", True),
        ("basenc -d", True),
        ("openssl base64 -d", True),
        ("openssl base64", False),
        ("xxd -r", True),
        ("xxd -rp", True),
        ("xxd -p", False),
        ("uudecode", True),
        ("rev", True),
        ("gunzip", True),
        ("zcat", True),
        ("gzip -dc", True),
        ("gzip -c", False),
        ("cat -d", False),
    ],
)
def test_what_decodes(line: str, *, expected: bool) -> None:
    program, *texts = line.split()
    assert pipe.decodes(program, texts) is expected


def written(target: str, *words: str, mounted: str = "/mnt") -> list[Deed]:
    return list(pipe.written([Word(word) for word in words], [Word(target)], frozenset({mounted})))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/cron.d/x",
        "/var/spool/cron/root",
        "/x/crontabs/root",
        "/x/authorized_keys",
        "/x/ld.so.preload",
        "/lib/systemd/system/x",
        "/etc/init.d/x",
        "/etc/rc.local",
        "/etc/profile",
        "/x/.bashrc",
        "/x/.bash_profile",
        "/etc/kubernetes/manifests/x",
        "/etc/sudoers",
        "/etc/passwd",
        "/etc/shadow",
        "/root/.ssh/x",
    ],
)
def test_files_that_make_something_run_later(path: str) -> None:
    assert written(path) == [Deed.PERSIST]
    assert written(f"/mnt{path}") == written(f"/host{path}") == [Deed.PERSIST, Deed.ENTER_HOST]


@pytest.mark.parametrize(
    "path",
    ["/x/release_agent", "/x/kernel/uevent_helper", "/proc/sys/kernel/modprobe", "/x/binfmt_misc/register"],
)
def test_files_by_which_the_kernel_runs_something(path: str) -> None:
    assert written(path, "echo", "x") == [Deed.ENTER_HOST]


def test_the_pattern_of_core_dumps_runs_something_where_it_begins_with_a_bar() -> None:
    pattern = "/proc/sys/kernel/core_pattern"
    assert written(pattern, "echo", "core") == written(pattern, "|") == [Deed.SET_KERNEL]
    assert written(pattern, "echo", "-n", "' |/x") == [Deed.ENTER_HOST]


def test_other_files() -> None:
    assert written("/etc/app.conf") == written("/mnt/x") == written("/mnt") == []
    assert written("/mnt2/etc/passwd") == [Deed.PERSIST]
