"""Files on disk: write them whole or not at all, and notice when they change."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

PRIVATE = 0o600
PUBLIC = 0o644

#: What tells a file from the one that was there before: device, inode, size and time of the last change.
Identity = tuple[int, int, int, int] | None


def write(path: Path, content: bytes, mode: int = PUBLIC) -> None:
    """Put a file in place at once: whoever reads the path sees the old content or the new one, never a part.

    The file never exists with a wider mode than asked for. Raises OSError.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def identities(paths: Iterable[Path]) -> tuple[Identity, ...]:
    """What the paths lead to now, through every link; None for what is not there.

    A mounted Secret is swapped by renaming a link above the files, which this notices too: their inodes change.
    """
    return tuple(_identity(path) for path in paths)


class Settled:
    """Notices that files have changed, once they are the same at two looks in a row.

    Half of a policy can be a policy, and a weaker one: what somebody may still be writing is left to the next look.
    """

    def __init__(self, paths: Iterable[Path], known: tuple[Identity, ...] = ()) -> None:
        """`known`: what the files were when they were read."""
        self._paths = tuple(paths)
        self._known = self._last = known

    def is_due(self, *, again: bool = False, force: bool = False) -> bool:
        """Whether the files are to be read now. `again`: also when they are the same, `force`: also unsettled."""
        last, self._last = self._last, identities(self._paths)
        if self._last != last and not force:
            return False
        known, self._known = self._known, self._last
        return force or again or self._last != known


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
