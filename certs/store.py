"""Where a bundle is kept: whoever writes says what was there before, so two writers cannot undo each other."""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from certs import bundle, files

_MOST_BYTES = 1 << 20


class StoreError(Exception):
    """What is kept cannot be read or written: what is wrong, for a person."""


class ConflictError(StoreError):
    """Somebody else wrote in between: read again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was there, and which version of it."""

    content: Mapping[str, bytes] = field(repr=False)
    version: str


class Store(Protocol):
    """Keeps PEM under names."""

    def read(self) -> Kept:
        """What is there now. Raises StoreError."""
        ...

    def write(self, content: Mapping[str, bytes], version: str) -> None:
        """Put this in the place of what had that version; what is empty is taken away, other names stay.

        Raises ConflictError where it is another version by now, and StoreError.
        """
        ...


class Folder:
    """Files of those names in a folder; keys are readable by their owner only."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> Kept:
        content = {name: found for name in bundle.NAMES if (found := self._read(self._path / name)) is not None}
        parts = b"".join(hashlib.sha256(content.get(name, b"")).digest() for name in bundle.NAMES)
        return Kept(content, hashlib.sha256(parts).hexdigest())

    def write(self, content: Mapping[str, bytes], version: str) -> None:
        if self.read().version != version:
            raise ConflictError(f"somebody else changed {self._path} in the meantime: try again")
        # Keys first: whoever follows the certificate finds its key in place.
        for name in sorted(content, key=lambda name: name not in bundle.PRIVATE):
            path = self._path / name
            try:
                if content[name]:
                    files.write(path, content[name], files.PRIVATE if name in bundle.PRIVATE else files.PUBLIC)
                else:
                    path.unlink(missing_ok=True)
            except OSError as error:
                raise StoreError(f"{path} cannot be written: {_reason(error)}") from error

    @staticmethod
    def _read(path: Path) -> bytes | None:
        try:
            with path.open("rb") as file:
                return file.read(_MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{path} cannot be read: {_reason(error)}") from error


def _reason(error: OSError) -> str:
    return os.strerror(error.errno or 0).lower()
