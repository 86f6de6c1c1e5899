"""Features: facts about a pod as flags and small integers, in the words of the rules.

They are facts, never verdicts: what a container is given, what its image is for, what its commands do, and how these
meet in one container. Each is declared once, with the most that it counts to; more of it is always more of a risk.
Each container has its own, with what is true of the whole pod; the riskiest one counts, so that a container more never
takes anything away.
What could only lower a risk (limits, probes, labels, tags) is no feature: it costs an attacker nothing.
"""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

#: The features that a pod has, or a container in it, by name; what it does not have is left out.
Features = dict[str, int]


class Feature(NamedTuple):
    """A fact about a pod.

    `meaning` continues "the pod has" or stands for itself in a list of reasons; values go from 0 to `most`; `rules` are
    those that are about the same. `remedy` names what would have to go for the fact to go.
    """

    name: str
    meaning: str
    most: int
    rules: tuple[str, ...]
    remedy: str


PRIVILEGES = "privileges"
NAMESPACES = "host namespaces"
PATHS = "host paths"
COMMANDS = "commands"
IMAGES = "images"
SCHEDULING = "scheduling"
REMEDIES = (PRIVILEGES, NAMESPACES, PATHS, COMMANDS, IMAGES, SCHEDULING)


def _of(remedy: str, *features: tuple[str, str, int, str]) -> list[Feature]:
    return [Feature(name, meaning, most, tuple(rules.split()), remedy) for name, meaning, most, rules in features]


FEATURES: tuple[Feature, ...] = (
    *_of(
        PRIVILEGES,
        ("privileged", "a privileged container", 1, "privileged"),
        ("capabilities_host", "capabilities that give the host", 3,
         "capabilities-added-dangerous capabilities-added capabilities-added-strict"),
        ("capabilities_network", "capabilities over the network", 2,
         "capabilities-net-raw capabilities-added capabilities-added-strict"),
        ("isolation_off", "seccomp, AppArmor or the masks of /proc off", 2, "seccomp-unconfined apparmor proc-mount"),
        ("host_process", "a Windows container that runs on the host", 1, "windows-host-process"),
        ("kernel_sysctl", "a kernel setting outside the safe set", 1, "sysctls"),
        ("root_user", "a container that asks to be root", 1, "run-as-user-zero run-as-root run-as-non-root-missing"),
    ),
    *_of(
        NAMESPACES,
        ("host_network", "the host's network", 1, "host-network"),
        ("host_pid", "the host's processes", 1, "host-pid"),
        ("host_ipc", "the host's shared memory", 1, "host-ipc"),
        ("host_namespaces", "namespaces of the host", 3, "host-network host-pid host-ipc"),
        ("shared_processes", "containers that see each other's processes", 1, "share-process-namespace"),
        ("host_processes_with_power", "the host's processes and the power to enter them", 1, "host-pid privileged"),
    ),
    *_of(
        PATHS,
        ("path_root", "the host's whole file system (2: writable)", 2, "host-path-sensitive host-path"),
        ("path_runtime", "a container runtime's socket or files (2: writable)", 2, "docker-socket host-path"),
        ("path_kubelet", "the kubelet's files (2: writable)", 2, "host-path-sensitive host-path"),
        ("path_credentials", "credential files of the host (2: writable)", 2, "workload-credentials-mount host-path"),
        ("path_configuration", "the host's configuration (2: writable)", 2, "host-path-sensitive host-path"),
        ("path_programs", "programs or home folders of the host (2: writable)", 2, "host-path-sensitive host-path"),
        ("path_kernel", "/proc or /sys of the host (2: writable)", 2, "host-path-sensitive host-path"),
        ("path_devices", "devices of the host (2: writable)", 2, "host-path-sensitive host-path"),
        ("path_logs", "logs of the host (2: writable)", 2, "host-path-sensitive host-path"),
        ("path_other", "another folder of the host (2: writable)", 2, "host-path host-path-writable volume-types"),
    ),
    *_of(
        COMMANDS,
        ("command_reverse_shell", "a command that opens or serves a shell", 1, "suspicious-command"),
        ("command_runs_download", "a command that runs what it downloads or decodes", 1, "suspicious-command"),
        ("command_enters_host", "a command that enters the host", 1, "suspicious-command"),
        ("command_mines", "a command that mines a cryptocurrency", 1, "suspicious-command"),
        ("command_attacks", "a command that attacks or scans the network", 1, "suspicious-command"),
        ("command_persists", "a command that adds users, or writes what runs later", 1, "suspicious-command"),
        ("command_steals", "a command that sends credentials away", 1, "suspicious-command"),
        ("command_destroys", "a command that destroys, exhausts, or removes traces", 1, "suspicious-command"),
        ("command_reads_credentials", "a command that reads credentials", 1, "suspicious-command"),
        ("command_grave", "different things that hardly any workload does", 3, "suspicious-command"),
        ("command_grey", "different things that few workloads do", 3, "suspicious-command sudo-in-command"),
        ("command_in_base_image", "unusual commands in a base or tool image", 4, "suspicious-command"),
        ("waits_in_base_image", "a base image that waits, or does unusual things", 1, "interactive-tty"),
        ("interactive_base_image", "a base or tool image with a terminal", 1, "interactive-tty"),
    ),
    *_of(
        IMAGES,
        ("image_attack", "an image made for attacks, or named for one", 2, "image-typosquat"),
        ("image_typosquat", "an image named like a well-known one", 1, "image-typosquat"),
    ),
    *_of(
        PRIVILEGES,
        ("power", "power over the host in one container", 6, "privileged host-path host-pid capabilities-added"),
        ("power_base_image", "power over the host in a base image", 6, "privileged host-path host-pid"),
        ("power_tool_image", "power over the host in a tool or runtime image", 6, "privileged host-path host-pid"),
        ("power_base_image_init", "power in an init container of a base image", 6, "privileged host-path host-pid"),
        ("power_official_image", "power over the host in an ordinary application's image", 6, "privileged host-path"),
        ("power_unknown_image", "power over the host in an image of no known publisher", 6, "privileged host-path"),
        ("power_local_image", "power over the host in an image of no registry", 6, "privileged host-path"),
        ("power_attack_image", "an image made for attacks, with power over the host", 7, "privileged host-path"),
    ),
    *_of(
        COMMANDS,
        ("power_shell", "power over the host in a container that runs a shell", 6, "privileged host-path host-pid"),
        ("power_shell_init", "power in a shell of an init container", 6, "privileged host-path host-pid"),
        ("power_waiting", "power in a container that waits, or acts unusually", 6, "privileged host-path host-pid"),
        ("power_waiting_base", "power in a base image that waits, or acts unusually", 7, "privileged host-path"),
        ("power_idle", "power over the host that waits, or is used unusually", 6,
         "privileged host-path host-pid interactive-tty"),
        ("power_grave", "grave commands with power over the host", 7, "suspicious-command privileged host-path"),
    ),
    *_of(
        SCHEDULING,
        ("node_chosen", "a node chosen by name", 1, "control-plane-scheduling"),
        ("tolerates_everything", "a toleration of every taint", 1, "control-plane-scheduling"),
        ("tolerates_control_plane", "a toleration of control-plane nodes", 1, "control-plane-scheduling"),
        ("naked_pod", "a pod that no controller looks after", 1, "naked-pod"),
        ("naked_pod_with_power", "power over the host in a base image, in a pod by itself", 6, "naked-pod privileged"),
    ),
)  # fmt: skip
BY_NAME = {feature.name: feature for feature in FEATURES}


def most(found: Iterable[Features]) -> Features:
    """The most that any of these shows."""
    merged: Features = {}
    for each in found:
        for name, value in each.items():
            if value > merged.get(name, 0):
                merged[name] = value
    return merged


def schema() -> str:
    """A digest of what a model relies on: names and ranges, in their order."""
    text = "\n".join(f"{feature.name} {feature.most}" for feature in FEATURES)
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
