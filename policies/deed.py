"""What single commands do: the names of deeds, and how a deed is recognised by a program and its words."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from policies.argv import SHELLS, downloads, name_of
from policies.shell_word import Word


class Deed(StrEnum):
    """Something that a command line does; the value continues "the command ...".

    The first group is what hardly anybody does for a good reason; the others say what a command is about, and many are
    ordinary.
    """

    REVERSE_SHELL = "opens a reverse shell"
    DOWNLOAD_AND_RUN = "runs what it downloads"
    DECODE_AND_RUN = "runs text that it decodes"
    ENTER_HOST = "enters the host"
    MINE = "mines a cryptocurrency"

    ADD_USER = "adds a user or sets a password"
    ATTACK_TOOL = "runs a tool for attacks"
    CLEAR_TRACES = "removes its traces"
    DESTROY = "destroys files or disks"
    DOWNLOAD = "downloads something"
    EDIT_FIREWALL = "changes firewall rules or routes"
    EXHAUST = "uses up CPU or memory"
    INSTALL_PACKAGES = "installs packages"
    KUBECTL = "runs kubectl or helm"
    LISTEN = "listens on a raw port"
    LOAD_MODULE = "loads a kernel module"
    MOUNT = "mounts a file system"
    PERSIST = "writes what runs by itself later"
    READ_METADATA = "asks the cloud's metadata service"
    READ_SECRETS = "reads credentials"
    READ_TOKEN = "reads the service account's token"  # noqa: S105 - it says what is done
    RUN_DOWNLOADED = "saves a download and runs it"
    SCAN_NETWORK = "scans the network"
    SEND = "sends files or output away"
    SERVE_SHELL = "serves a shell over the network"
    SET_KERNEL = "changes settings of the kernel"
    SET_UID_BIT = "sets a setuid bit"
    SHELL = "runs a shell script"
    SLEEP_FOREVER = "only waits"
    SNIFF_NETWORK = "listens to the network or forges packets"
    SUDO = "runs sudo"
    TALK_TO_RUNTIME = "talks to the container runtime"
    WAIT = "waits, after other things"


MINERS = frozenset(
    {
        "xmrig", "xmrigcc", "xmr-stak", "xmr-stak-cpu", "xmr-stak-rx", "minerd", "cpuminer", "cpuminer-multi",
        "cpuminer-opt", "ethminer", "cgminer", "bfgminer", "sgminer", "ccminer", "nbminer", "t-rex", "lolminer",
        "phoenixminer", "gminer", "teamredminer", "nanominer", "srbminer-multi", "srbminer", "claymore", "ethdcrminer",
        "kdevtmpfsi", "kinsing", "nheqminer", "xmrigdaemon", "wildrig", "trex", "miniz", "bzminer", "rigel", "xmrminer",
    }
)  # fmt: skip
_PROGRAMS: dict[str, Deed] = {
    **dict.fromkeys(MINERS, Deed.MINE),
    **dict.fromkeys(("useradd", "adduser", "chpasswd", "passwd", "usermod"), Deed.ADD_USER),
    **dict.fromkeys(
        (
            "kube-hunter", "peirates", "cdk", "deepce", "linpeas", "amicontained", "kubeletctl", "botb", "kubesploit",
            "metasploit", "msfconsole", "msfvenom", "meterpreter", "sliver", "sqlmap", "nikto",
            "hashcat", "mimikatz", "crackmapexec", "gobuster", "pwncat", "chisel", "kdigger",
        ),
        Deed.ATTACK_TOOL,
    ),
    **dict.fromkeys(
        ("iptables", "ip6tables", "iptables-restore", "nft", "ipset", "ebtables", "ufw"), Deed.EDIT_FIREWALL
    ),
    **dict.fromkeys(("stress", "stress-ng", "sysbench"), Deed.EXHAUST),
    **dict.fromkeys(("kubectl", "helm", "oc"), Deed.KUBECTL),
    **dict.fromkeys(("insmod", "modprobe", "rmmod"), Deed.LOAD_MODULE),
    "mount": Deed.MOUNT,
    "sysctl": Deed.SET_KERNEL,
    **dict.fromkeys(("nmap", "masscan", "zmap", "rustscan", "arp-scan", "fscan", "naabu"), Deed.SCAN_NETWORK),
    **dict.fromkeys(("sshd", "dropbear", "ttyd", "gotty", "shellinabox", "shellinaboxd", "tmate"), Deed.SERVE_SHELL),
    **dict.fromkeys(
        ("tcpdump", "tshark", "ettercap", "arpspoof", "dsniff", "bettercap", "hping3", "mitmproxy", "dnschef"),
        Deed.SNIFF_NETWORK,
    ),
    **dict.fromkeys(("docker", "ctr", "crictl", "nerdctl", "podman"), Deed.TALK_TO_RUNTIME),
    **dict.fromkeys(("mkfs", "wipefs", "shred"), Deed.DESTROY),
}  # fmt: skip
_INSTALLERS = frozenset(
    {"apt", "apt-get", "apk", "yum", "dnf", "microdnf", "zypper", "pip", "npm", "gem", "pacman", "tdnf", "snap"}
)
_INSTALL = frozenset({"install", "add", "-S", "i"})
#: Text that says it all, wherever it stands in a command; in small letters.
_TEXTS: tuple[tuple[str, Deed], ...] = (
    ("stratum+tcp://", Deed.MINE), ("stratum+ssl://", Deed.MINE), ("stratum+tls://", Deed.MINE),
    ("stratum://", Deed.MINE), ("stratum2+tcp://", Deed.MINE), ("--donate-level", Deed.MINE),
    ("cryptonight", Deed.MINE), ("xmrig", Deed.MINE), ("minexmr.com", Deed.MINE), ("supportxmr.com", Deed.MINE),
    ("moneroocean.stream", Deed.MINE), ("hashvault.pro", Deed.MINE), ("monerohash.com", Deed.MINE),
    ("nanopool.org", Deed.MINE), ("c3pool.", Deed.MINE), ("2miners.com", Deed.MINE), ("unmineable.com", Deed.MINE),
    ("f2pool.com", Deed.MINE), ("nicehash.com", Deed.MINE), ("minergate.com", Deed.MINE),
    ("/proc/1/root", Deed.ENTER_HOST), ("/proc/1/cwd", Deed.ENTER_HOST), ("release_agent", Deed.ENTER_HOST),
    ("kernel/uevent_helper", Deed.ENTER_HOST),
    ("kubernetes.io/serviceaccount/token", Deed.READ_TOKEN),
    ("169.254.169.254", Deed.READ_METADATA), ("169.254.170.2", Deed.READ_METADATA),
    ("metadata.google.internal", Deed.READ_METADATA),
    ("/etc/shadow", Deed.READ_SECRETS), ("/.kube/config", Deed.READ_SECRETS), ("/.aws/credentials", Deed.READ_SECRETS),
    ("/.ssh/id_", Deed.READ_SECRETS), ("kubernetes/admin.conf", Deed.READ_SECRETS),
    ("/kubelet/pki", Deed.READ_SECRETS), ("kubernetes/pki/", Deed.READ_SECRETS), ("/etc/gshadow", Deed.READ_SECRETS),
    ("/loot/", Deed.READ_SECRETS), ("mnt/secrets/", Deed.READ_SECRETS),
    ("/docker.sock", Deed.TALK_TO_RUNTIME), ("/containerd.sock", Deed.TALK_TO_RUNTIME),
    ("/crio.sock", Deed.TALK_TO_RUNTIME),
    (".bash_history", Deed.CLEAR_TRACES), ("histfile", Deed.CLEAR_TRACES), ("kube-hunter", Deed.ATTACK_TOOL),
    ("/dev/zero", Deed.EXHAUST), ("sysrq-trigger", Deed.DESTROY),
)  # fmt: skip
_API_SECRETS = re.compile(r"/api/v1/(?:namespaces/[^/\s]{1,100}/)?secrets\b")
_DISK = re.compile(r"/dev/(?:sd|vd|xvd|hd|nvme|mmcblk|dm-|mapper/|disk/|root\b)")
_ROOT_MOUNT_NAMES = re.compile(r"host|/rootfs\b|/noderoot\b|/node-?fs\b|/proc/1/root")
_SETUID_MODE = re.compile(r"(?:[ugoa]*\+[rwx]*s|0?[4-7][0-7]{3})$")


def single(program: str, words: Sequence[Word]) -> Iterator[Deed]:
    """What one command does, whatever it is connected with."""
    texts = [word.text for word in words[1:]]
    if (deed := _PROGRAMS.get(program)) is not None:
        yield deed
    if program in _INSTALLERS and _INSTALL.intersection(texts):
        yield Deed.INSTALL_PACKAGES
    if program == "python" and "pip" in texts and "install" in texts:
        yield Deed.INSTALL_PACKAGES
    if downloads(program, words):
        yield Deed.DOWNLOAD
        if any(_sends(text) for text in texts):
            yield Deed.SEND
    if (recognise := _BY_PROGRAM.get(program)) is not None:
        yield from recognise(texts)


def in_text(text: str) -> Iterator[tuple[Deed, str]]:
    """What a text gives away, be it arguments or a program in another language, and by which part of it."""
    small = text.lower()
    for part, deed in _TEXTS:
        if part in small:
            yield deed, part
    if "secrets" in small and _API_SECRETS.search(small):
        yield Deed.READ_SECRETS, "/api/v1/secrets"


def _sends(text: str) -> bool:
    name = text.partition("=")[0]
    return name in ("-d", "-T", "-F") or name.startswith(("--data", "--upload-file", "--form", "--post-"))


def _nc(texts: list[str]) -> Iterator[Deed]:
    options = [text for text in texts if text.startswith("-")]
    short = "".join(text[1:] for text in options if not text.startswith("--"))
    runs = any(
        text in ("--exec", "--sh-exec", "--lua-exec") or text.startswith(("--exec=", "--sh-exec=", "--lua-exec="))
        for text in options
    )
    if runs or ("e" in short and "z" not in short) or ("c" in short and any(map(_is_shell, texts))):
        yield Deed.REVERSE_SHELL
    elif "l" in short or "--listen" in options:
        yield Deed.LISTEN
    elif "z" in short and any(_RANGE.match(text) for text in texts):
        yield Deed.SCAN_NETWORK


_RANGE = re.compile(r"[0-9]{1,5}-[0-9]{1,5}$")


def _is_shell(text: str) -> bool:
    first = text.split(maxsplit=1)[0] if text.strip() else ""
    return name_of(Word(first)) in SHELLS or name_of(Word(first)) in ("cmd", "powershell", "login")


def _socat(texts: list[str]) -> Iterator[Deed]:
    for text in texts:
        kind, _, what = text.partition(":")
        if kind.lower() in ("exec", "system", "shell") and _is_shell(what.split(",")[0].strip("\"'")):
            yield Deed.REVERSE_SHELL


def _nsenter(texts: list[str]) -> Iterator[Deed]:
    joined = " ".join(texts)
    if _INTO_HOST.search(f" {joined} "):
        yield Deed.ENTER_HOST


# A process of the host by number, its namespaces by path, or the mount namespace of whatever process.
_INTO_HOST = re.compile(
    r"/1/ns/| (?:-[A-Za-z]{0,8}t|--target)[ =]?1 | -(?:-all|-mount|[a-zA-Z]{0,8}[am][a-zA-Z]{0,8})[ =]| -a[a-z]* "
)


def _unshare(texts: list[str]) -> Iterator[Deed]:
    short = "".join(text[1:] for text in texts if text.startswith("-") and not text.startswith("--"))
    if "C" in short and ("U" in short or "r" in short):
        yield Deed.ENTER_HOST


def _mount(texts: list[str]) -> Iterator[Deed]:
    if any(_DISK.match(text) for text in texts):
        yield Deed.ENTER_HOST


def _mknod(texts: list[str]) -> Iterator[Deed]:
    if "b" in texts:
        yield Deed.ENTER_HOST


def _sysctl(texts: list[str]) -> Iterator[Deed]:
    if any("core_pattern" in text and "|" in text for text in texts):
        yield Deed.ENTER_HOST


def _runtime(texts: list[str]) -> Iterator[Deed]:
    if "run" in texts and ("--privileged" in texts or "--pid=host" in texts or any(map(_gives_root, texts))):
        yield Deed.ENTER_HOST


def _gives_root(text: str) -> bool:
    return text.startswith("/:/") or ("type=bind" in text and ("src=/," in text or "source=/," in text))


def _kubectl(texts: list[str]) -> Iterator[Deed]:
    if any(text in ("secret", "secrets") or text.startswith("secret/") for text in texts) and "get" in texts:
        yield Deed.READ_SECRETS


def _chmod(texts: list[str]) -> Iterator[Deed]:
    if any(_SETUID_MODE.match(text) for text in texts):
        yield Deed.SET_UID_BIT


def _rm(texts: list[str]) -> Iterator[Deed]:
    recursive = any(text.startswith("-") and ("r" in text or "R" in text) for text in texts)
    if recursive and any(text in ("/", "/*", "/host", "/host/*", "/host/") for text in texts):
        yield Deed.DESTROY
    if any(text.startswith(("/var/log", "/host/var/log")) for text in texts):
        yield Deed.CLEAR_TRACES


def _dd(texts: list[str]) -> Iterator[Deed]:
    if any(text.startswith("of=") and _DISK.match(text[3:]) for text in texts):
        yield Deed.DESTROY


def _history(texts: list[str]) -> Iterator[Deed]:
    if "-c" in texts:
        yield Deed.CLEAR_TRACES


def _crontab(texts: list[str]) -> Iterator[Deed]:
    if texts and "-l" not in texts:
        yield Deed.PERSIST


def _ip(texts: list[str]) -> Iterator[Deed]:
    if {"route", "rule", "r"}.intersection(texts) and {"add", "del", "delete", "replace"}.intersection(texts):
        yield Deed.EDIT_FIREWALL


_BY_PROGRAM = {
    **dict.fromkeys(("nc", "ncat", "netcat", "nc.traditional", "nc.openbsd"), _nc),
    "socat": _socat,
    "nsenter": _nsenter,
    "unshare": _unshare,
    **dict.fromkeys(("mount", "debugfs"), _mount),
    "mknod": _mknod,
    "sysctl": _sysctl,
    **dict.fromkeys(("docker", "ctr", "nerdctl", "podman"), _runtime),
    "kubectl": _kubectl,
    "chmod": _chmod,
    "rm": _rm,
    "dd": _dd,
    "history": _history,
    "crontab": _crontab,
    "ip": _ip,
}


def is_host_root(folder: str, mounted: frozenset[str]) -> bool:
    """Whether this folder of a container is the root of the host: it is mounted there, or is called so."""
    return folder.rstrip("/") in mounted or bool(_ROOT_MOUNT_NAMES.search(folder.lower()))
