"""Paths of the node: what a hostPath reaches once it is spelled as the kernel resolves it."""

import posixpath
from functools import lru_cache

# On every current distribution /var/run is a link to /run.
_LINKS = {"/var/run": "/run", "/bin": "/usr/bin", "/sbin": "/usr/sbin", "/lib": "/usr/lib", "/lib64": "/usr/lib64"}


@lru_cache(maxsize=4096)
def normalise(path: str) -> str:
    """The path without `//`, `.`, `..` and a trailing slash, from the root, links of usual systems followed."""
    clean = posixpath.normpath(f"/{path}".replace("//", "/"))
    clean = f"/{clean.lstrip('/')}"
    for link, target in _LINKS.items():
        if is_within(clean, link):
            return target + clean[len(link) :]
    return clean


def is_within(path: str, folder: str) -> bool:
    """Whether a normalised path is this folder or lies below it, by whole segments."""
    return folder in (path, "/") or path.startswith(f"{folder}/")


def reaches(path: str, target: str) -> bool:
    """Whether who holds this normalised path gets at the target: it is the target, or a folder above it."""
    return is_within(target, path)
