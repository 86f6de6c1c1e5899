"""The names of what command lines do."""

from enum import StrEnum


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
