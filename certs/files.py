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


def _identity(path: Path) -> Identity:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
