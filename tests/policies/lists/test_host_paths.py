"""What a path of the node gives to whoever mounts it."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import lists
from policies.host_path import folders, normalise
from policies.lists.host_paths import Gives, HostPath, HostPaths

SHIPPED = lists.load(HostPaths)
EVERYTHING = frozenset(Gives) - {Gives.OTHER}


@pytest.mark.parametrize(
    ("path", "gives"),
    [
        ("/", EVERYTHING),
        ("/proc/1/root", EVERYTHING),
        ("C:\\", EVERYTHING),
        ("/data", {Gives.OTHER}),
        ("/tmp/static", {Gives.OTHER}),
        ("/etcetera", {Gives.OTHER}),
        ("/var/run/docker.sock", {Gives.RUNTIME}),
        ("/run/docker.sock", {Gives.RUNTIME}),
        ("/var/run/docker", {Gives.RUNTIME}),
        ("/run/containerd", {Gives.RUNTIME}),
        ("/run/containerd/containerd.sock", {Gives.RUNTIME}),
        ("/run/crio/crio.sock", {Gives.RUNTIME}),
        ("/mnt/docker.sock", {Gives.RUNTIME}),
        ("/run/user", {Gives.RUNTIME}),
        ("/run/user/1000/podman/podman.sock", {Gives.RUNTIME}),
        ("/run/user/1000/bus", {Gives.OTHER}),
        ("\\\\.\\pipe\\docker_engine", {Gives.RUNTIME}),
        ("/run", {Gives.RUNTIME, Gives.CONFIGURATION}),
        ("/var/run", {Gives.RUNTIME, Gives.CONFIGURATION}),
        ("/run/cilium", {Gives.OTHER}),
        ("/run/systemd/netif/lldp", {Gives.OTHER}),
        ("/var/lib/kubelet/", {Gives.KUBELET, Gives.CREDENTIALS}),
        ("/var/lib/kubelet/plugins", {Gives.KUBELET}),
        ("/var/lib/kubelet/pods/1/volumes", {Gives.CREDENTIALS}),
        ("C:\\var\\lib\\kubelet\\plugins_registry", {Gives.KUBELET}),
        ("/etc", {Gives.CONFIGURATION, Gives.CREDENTIALS}),
        ("/etc/nginx", {Gives.CONFIGURATION}),
        ("/etc/localtime", {Gives.OTHER}),
        ("/etc/ssl/certs/ca-certificates.crt", {Gives.OTHER}),
        ("/etc/kubernetes/azure.json", {Gives.CREDENTIALS}),
        ("/etc/azure/azure.json", {Gives.CONFIGURATION, Gives.CREDENTIALS}),
        ("/var/lib/rancher/k3s/agent", {Gives.CREDENTIALS}),
        ("/var/lib/rancher/k3s/agent/containerd", {Gives.OTHER}),
        ("/root", {Gives.CONFIGURATION, Gives.CREDENTIALS}),
        ("/root/local", {Gives.CONFIGURATION}),
        ("/root/.aws", {Gives.CONFIGURATION, Gives.CREDENTIALS}),
        ("/.aws/credentials", {Gives.CREDENTIALS}),
        ("/.awsome", {Gives.OTHER}),
        ("/.config", {Gives.CREDENTIALS}),
        ("/.config/gcloud", {Gives.CREDENTIALS}),
        ("/.config/gcloud/configurations", {Gives.CREDENTIALS}),
        ("/.config/htop", {Gives.OTHER}),
        ("/opt/app/.kube/config", {Gives.CREDENTIALS}),
        ("/home", {Gives.CONFIGURATION, Gives.CREDENTIALS, Gives.PROGRAMS}),
        ("/home/ann", {Gives.CREDENTIALS}),
        ("/home/ann/project", {Gives.OTHER}),
        ("C:\\Users\\ann", {Gives.CREDENTIALS}),
        ("/proc", {Gives.KERNEL}),
        ("/proc/sys/kernel", {Gives.KERNEL}),
        ("/proc/uptime", {Gives.OTHER}),
        ("/sys/fs/cgroup", {Gives.KERNEL}),
        ("/lib/modules", {Gives.KERNEL}),
        ("/lib", {Gives.KERNEL, Gives.PROGRAMS}),
        ("/usr/bin/runc", {Gives.PROGRAMS}),
        ("/usr/share/zoneinfo", {Gives.OTHER}),
        ("/opt/cni", {Gives.PROGRAMS}),
        ("/dev/sda", {Gives.DEVICES}),
        ("/dev/null", {Gives.OTHER}),
        ("/var/log/pods", {Gives.LOGS}),
        ("/var/lib/docker/containers", {Gives.LOGS}),
        ("/var/lib/docker", {Gives.LOGS, Gives.PROGRAMS}),
        ("/var", EVERYTHING - {Gives.ROOT, Gives.KERNEL, Gives.DEVICES}),
        ("/a" * 10_000, {Gives.OTHER}),
        ("/etc" + "/a" * 10_000, {Gives.CONFIGURATION}),
    ],
)
def test_a_path_gives(path: str, gives: set[Gives]) -> None:
    assert SHIPPED.gives(normalise(path)) == gives


def test_the_nearest_line_is_told_first_and_then_what_lies_below() -> None:
    assert [line.path for line in SHIPPED.find("/opt/cni/bin/bridge")] == ["/opt/cni/bin"]
    assert [line.path for line in SHIPPED.find("/var/lib/docker")] == ["/var/lib/docker", "/var/lib/docker/containers"]


def test_the_worst_comes_first() -> None:
    assert list(Gives)[:3] == [Gives.ROOT, Gives.RUNTIME, Gives.CREDENTIALS]


def test_a_list_may_be_empty() -> None:
    nothing = HostPaths(title="", updated="", sources=(), paths=())
    assert nothing.find("/etc") == ()
    assert nothing.gives("/") == {Gives.OTHER}


def test_a_folder_whose_line_is_for_itself_alone_says_nothing_of_what_is_in_it() -> None:
    lines = (
        HostPath(path="/a", gives=Gives.LOGS, source="x"),
        HostPath(path="/a/b", gives=Gives.KERNEL, inside=False, source="x"),
    )
    some = HostPaths(title="", updated="", sources=(), paths=lines)
    assert some.gives("/a/c") == {Gives.LOGS}
    assert some.gives("/a/b") == {Gives.KERNEL}
    assert some.gives("/a/b/c") == {Gives.OTHER}


segments = [
    "etc",
    "var",
    "run",
    "lib",
    "kubelet",
    "docker.sock",
    ".config",
    "gcloud",
    ".aws",
    "root",
    "home",
    "opt",
    "x",
]


@given(st.lists(st.sampled_from(segments), max_size=5).map(lambda steps: normalise("/" + "/".join(steps))))
def test_a_folder_gives_all_that_a_sensitive_line_below_it_does(path: str) -> None:
    for line in SHIPPED.find(path):
        if line.path.startswith("/"):
            reached = normalise(line.path)
            assert all(line.gives in SHIPPED.gives(folder) for folder in folders(reached))


def test_the_shipped_list_is_sound() -> None:
    assert date.fromisoformat(SHIPPED.updated) >= date(2026, 11, 24)
    absolute = [normalise(line.path) for line in SHIPPED.paths if line.path.startswith("/")]
    assert len(set(absolute)) == len(absolute)
    for line in SHIPPED.paths:
        assert line.source, line
        assert line.path.startswith(("/", "~/.")) or "/" not in line.path, line
        assert line.path == "/" or not line.path.endswith("/"), line
