"""Whose an object is, by its name alone: pods and jobs of one workload differ in what its controller appended."""

import re
from typing import NamedTuple

# k8s.io/apimachinery/pkg/util/rand: no vowels, so that no word comes up, and nothing that looks like another.
_LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
_RANDOM = re.compile(rf"(?P<rest>.+)-{_LETTERS}{{5}}")
_HASH = re.compile(rf"(?P<rest>.+)-{_LETTERS}{{6,10}}")
_ORDINAL = re.compile(r"(?P<rest>.+)-[0-9]{1,5}")
# A CronJob appends the minutes since 1970; before Kubernetes 1.21 it was seconds.
_MOMENT = re.compile(r"(?P<rest>.+)-[0-9]{8,10}")


class Workload(NamedTuple):
    """A kind and a name in a namespace; a star at the name's end stands for what was generated."""

    namespace: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind.lower()}/{self.name or '(no name)'}" if self.kind or self.name else "(not known)"


def of(namespace: str, kind: str, name: str) -> Workload:
    """The workload that an object of this name belongs to."""
    return Workload(namespace, kind, _shortened(kind, name))


def _shortened(kind: str, name: str) -> str:
    if kind == "Pod":
        plain = _without(name, _RANDOM)
        # Of a Deployment, a CronJob, an indexed Job; or of a StatefulSet.
        short = _without(plain, _HASH, _MOMENT, _ORDINAL) if plain != name else _without(name, _ORDINAL)
    elif kind in ("ReplicaSet", "Job"):
        short = _without(name, _HASH if kind == "ReplicaSet" else _MOMENT)
    else:
        return name
    return name if short == name else f"{short}-*"


def _without(name: str, *endings: re.Pattern[str]) -> str:
    matches = (ending.fullmatch(name) for ending in endings)
    return next((match["rest"] for match in matches if match is not None), name)
