"""Paths of the node, spelled as the kernel resolves them."""

import posixpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies import host_path
from policies.host_path import folders, is_within, normalise

paths = st.lists(
    st.sampled_from(["var", "run", "lock", "bin", "etc", "proc", "1", "self", "root", "a", "", ".", ".."]), max_size=8
).map("/".join)


@pytest.mark.parametrize(
    ("path", "clean"),
    [
        ("/", "/"),
        ("", "/"),
        ("//", "/"),
        ("/etc", "/etc"),
        ("/etc/", "/etc"),
        ("//etc", "/etc"),
        ("/etc//kubernetes///", "/etc/kubernetes"),
        ("/./etc/./", "/etc"),
        ("/..", "/"),
        ("/a/../etc", "/etc"),
        ("/../../etc", "/etc"),
        ("etc", "/etc"),
        ("../etc", "/etc"),
        ("/var/run", "/run"),
        ("/var/run/docker.sock", "/run/docker.sock"),
        ("/var//run/./docker.sock", "/run/docker.sock"),
        ("/var/running", "/var/running"),
        ("/var/lock/x", "/run/lock/x"),
        ("/var/roothome/.kube", "/root/.kube"),
        ("/bin", "/usr/bin"),
        ("/lib/modules", "/usr/lib/modules"),
        ("/library", "/library"),
        ("/proc", "/proc"),
        ("/proc/1", "/proc/1"),
        ("/proc/1/root", "/"),
        ("/proc/1/root/", "/"),
        ("/proc/1/rootfs", "/proc/1/rootfs"),
        ("/proc/1/root/var/run/docker.sock", "/run/docker.sock"),
        ("/proc/self/cwd/etc", "/etc"),
        ("/proc/thread-self/root/etc", "/etc"),
        ("/proc/7/task/8/root/proc/1/root/etc", "/etc"),
        ("/host/etc", "/host/etc"),
        ("C:\\", "/"),
        ("c:", "/"),
        ("C:\\var\\lib\\Kubelet", "/var/lib/kubelet"),
        ("C:/Windows/System32", "/windows/system32"),
        ("D:\\data", "/d:/data"),
        ("\\\\.\\pipe\\docker_engine", "/pipe/docker_engine"),
        ("\\\\?\\C:\\k\\azure.json", "/k/azure.json"),
        ("a\\b", "/a\\b"),
        ("/ETC", "/ETC"),
    ],
)
def test_a_path_is_spelled_as_the_kernel_resolves_it(path: str, clean: str) -> None:
    assert normalise(path) == clean


def test_long_paths_are_read_too() -> None:
    assert normalise("/a" * 1_000_000 + "/.." * 1_000_000 + "/etc") == "/etc"
    assert normalise("/proc/1/root" * 100_000) == "/"


@given(paths)
def test_what_is_normalised_stays_as_it_is(path: str) -> None:
    clean = normalise(path)
    assert normalise(clean) == clean
    assert clean == posixpath.normpath(clean)
    assert clean.startswith("/")


@pytest.mark.parametrize(
    ("path", "folder", "within"),
    [
        ("/etc", "/etc", True),
        ("/etc/x", "/etc", True),
        ("/etc/x/y", "/etc", True),
        ("/etcetera", "/etc", False),
        ("/", "/etc", False),
        ("/", "/", True),
        ("/etc", "/", True),
    ],
)
def test_within_is_by_whole_segments(path: str, folder: str, within: bool) -> None:
    assert is_within(path, folder) is within


@pytest.mark.parametrize(
    ("path", "deepest", "found"),
    [
        ("/", 9, ["/"]),
        ("/a", 9, ["/a", "/"]),
        ("/a/b/c", 9, ["/a/b/c", "/a/b", "/a", "/"]),
        ("/a/b/c", 3, ["/a/b/c", "/a/b", "/a", "/"]),
        ("/a/b/c/d", 3, ["/a/b/c", "/a/b", "/a", "/"]),
        ("/a/b/c/d/e", 1, ["/a", "/"]),
        ("/a/b", 0, ["/"]),
    ],
)
def test_folders_are_the_path_and_those_above(path: str, deepest: int, found: list[str]) -> None:
    assert list(folders(path, deepest)) == found


@given(paths.map(normalise))
def test_a_path_is_within_each_of_its_folders(path: str) -> None:
    assert all(is_within(path, folder) for folder in folders(path))


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("/var/run", "/run"),
        ("/var/lock", "/run/lock"),
        ("/var/home", "/home"),
        ("/var/roothome", "/root"),
        ("/bin", "/usr/bin"),
        ("/sbin", "/usr/sbin"),
        ("/lib", "/usr/lib"),
        ("/lib32", "/usr/lib32"),
        ("/lib64", "/usr/lib64"),
    ],
)
def test_links_of_usual_systems_are_followed(link: str, target: str) -> None:
    assert normalise(link) == normalise(f"{link}/") == target
    assert normalise(f"{link}/a/b") == f"{target}/a/b"
    assert normalise(f"{link}ward") == f"{link}ward"


def test_only_short_paths_are_remembered() -> None:
    host_path._remembered.cache_clear()
    normalise("/" + "a" * 512)
    assert host_path._remembered.cache_info().currsize == 0
    normalise("/" + "a" * 511)
    assert host_path._remembered.cache_info().currsize == 1


def test_of_a_deep_path_the_folders_that_are_not_deeper() -> None:
    assert next(folders("/a" * 64)) == "/a" * 64
    assert next(folders("/a" * 65)) == "/a" * 64
    assert list(folders("/a/b/c", 2)) == ["/a/b", "/a", "/"]
    assert list(folders("/")) == ["/"]
