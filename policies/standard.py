"""The Pod Security Standards as a yardstick: a level and a version, as namespace labels name them.

Source: KEP-2579 and k8s.io/pod-security-admission/api (ParseLevel, ParseVersion).
"""

import re
from enum import IntEnum
from typing import NamedTuple, Self


class Level(IntEnum):
    """How strict a standard is; each level contains the one below."""

    PRIVILEGED = 0
    BASELINE = 1
    RESTRICTED = 2

    def __str__(self) -> str:
        return self.name.lower()


class Version(NamedTuple):
    """A Kubernetes minor version, as in `v1.29`."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"v{self.major}.{self.minor}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """`v1.29` or `latest`. A version newer than the rules know means the newest they know, as upstream.

        Raises ValueError, with what to write instead.
        """
        if text == "latest":
            return cls(*LATEST)
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f'"{text}" is not a version: write v1.N, as in {LATEST}, or latest')
        return cls(*min(Version(1, int(match[1])), LATEST))


_VERSION = re.compile(r"v1\.(0|[1-9][0-9]{0,5})")
FIRST = Version(1, 0)
#: The newest version in which upstream changed a check (k8s.io/pod-security-admission v0.37).
LATEST = Version(1, 37)


class Standard(NamedTuple):
    """What a pod is held against."""

    level: Level
    version: Version
