"""Paths of the node: what a hostPath reaches once it is spelled as the kernel resolves it."""

import posixpath
import re
from collections.abc import Iterator
from functools import lru_cache

# Links of usual distributions (file-hierarchy(7), and on systems with a fixed /usr the folders below /var).
_LINKS = {
    "/var/run": "/run",
    "/var/lock": "/run/lock",
    "/var/home": "/home",
    "/var/roothome": "/root",
    "/bin": "/usr/bin",
    "/sbin": "/usr/sbin",
    "/lib": "/usr/lib",
    "/lib32": "/usr/lib32",
    "/lib64": "/usr/lib64",
}
# proc(5): the root folder of a process of the node, and where it works, which for the system's own is the same.
_ROOTS = re.compile(r"(?:/proc/(?:self|thread-self|[0-9]+)(?:/task/[0-9]+)?/(?:root|cwd)(?=/|\Z))+")
_WINDOWS = re.compile(r"\\\\|[A-Za-z]:(?:[\\/]|\Z)")
# Longer ones are hardly ever seen twice, and must not fill the memory.
_REMEMBERED = 512


def normalise(path: str) -> str:
    """The path without `//`, `.`, `..` and a trailing slash, from the root, links of usual systems followed.

    A path of Windows is written in small letters and with slashes, drive C is the root: Windows does not tell capitals
    apart, and there the kubelet takes /var/lib/kubelet for C:\\var\\lib\\kubelet. A named pipe is /pipe/NAME.
    """
    return _remembered(path) if len(path) <= _REMEMBERED else _normalised(path)


def _normalised(path: str) -> str:
    if _WINDOWS.match(path):
        path = path.lower().replace("\\", "/").removeprefix("//?/").removeprefix("c:")
    # Two slashes at the start are no different for the kernel, but normpath would keep them.
    clean = "/" + posixpath.normpath(f"/{path}").lstrip("/")
    if (root := _ROOTS.match(clean)) is not None:
        clean = clean[root.end() :] or "/"
    for link, target in _LINKS.items():
        if is_within(clean, link):
            return target + clean[len(link) :]
    return clean


_remembered = lru_cache(maxsize=4096)(_normalised)


def is_within(path: str, folder: str) -> bool:
    """Whether a normalised path is this folder or lies below it, by whole segments."""
    return folder in (path, "/") or path.startswith(f"{folder}/")


def folders(path: str, deepest: int = 64) -> Iterator[str]:
    """The path itself and every folder above it, the nearest first; of a deeper path only those that are not deeper."""
    end = len(path)
    steps = path.split("/", deepest + 1)
    if len(steps) > deepest + 1:
        end -= len(steps[-1]) + 1
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)
    if path != "/":
        yield "/"
